"""The gateway's image, built as a release would be."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.deploy.bases import RUN_IMAGE, build_base, digest_of
from tests.deploy.engine import HOME, Engine

ROOT: Final = Path(__file__).parent.parent.parent
NAME: Final = "localhost/make-call-gateway"

CANARY: Final = "canary-5ab1e-credential-of-the-build"
"""Stands in the build's pip configuration and in files of its context that the image must not hold."""

PLANTED: Final = (
    ".env",
    "k8s/examples/password",
    "gateway/__pycache__/old.pyc",
    ".venv/pip.conf",
    ".demo/key",
)
"""Files of the context that hold it."""

_WANTED: Final = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout")
"""What of the environment's pip configuration says how to reach the registry."""


def sources() -> Iterator[Path]:
    """What an image is made of, relative to the root."""
    names = ("Dockerfile", ".dockerignore", "requirements.txt", "requirements-native.txt")
    yield from (Path(name) for name in names)
    for path in sorted((ROOT / "gateway").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT)


_MOST_IMAGES: Final = 120
"""Past it, what is only there to make the next build quick is thrown away."""


def build_image(engine: Engine) -> str:
    """The name of the image without a shell; built anew where its sources or its base have changed."""
    base = build_base(engine)
    digest = hashlib.sha256(base.encode())
    contents = {path: (ROOT / path).read_bytes() for path in sources()}
    for path, content in contents.items():
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    image = f"{NAME}:{digest.hexdigest()[:16]}"
    if not engine.has(image):
        context = HOME / "context"
        shutil.rmtree(context, ignore_errors=True)
        planted = {Path(one): CANARY.encode() for one in PLANTED}
        write_context(context, contents | planted)
        _forget_older(engine)
        run = {"RUN_IMAGE": RUN_IMAGE, "RUN_DIGEST": digest_of(engine, RUN_IMAGE)}
        build(engine, context, image, BASE_DIGEST=base, REVISION="tested", **run)
        shutil.rmtree(context)
    return image


def write_context(context: Path, contents: Mapping[Path, bytes]) -> None:
    """Write a build's context; equal contents make equal layers, which the build then finds again."""
    for path, content in contents.items():
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_bytes(content)
        os.utime(context / path, (0, 0))


def build(engine: Engine, context: Path, image: str, **arguments: str) -> None:
    """`buildah bud` with pip configured as it is outside, by files that are mounted and not copied."""
    pip = _pip_configuration()
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    engine.buildah(
        *("bud", "--quiet", "--layers", "--isolation", "chroot", "--pull-never", "--network", "host"),
        *(
            "--format",
            "docker",
            "--volume",
            f"{pip}/pip.conf:/etc/pip.conf:ro",
            "--volume",
            f"{pip}:/run/pip:ro",
        ),
        *(*given, "-t", image, context),
    )


def _forget_older(engine: Engine) -> None:
    for old in engine.podman("images", "-q", "--no-trunc", NAME).split():
        engine.podman("rmi", "-f", old)
    if len(engine.podman("images", "-aq").split()) > _MOST_IMAGES:
        engine.podman("image", "prune", "-f")


def _pip_configuration() -> Path:
    """A directory with a pip.conf, and the certificates that it names."""
    directory = HOME / "pip"
    directory.mkdir(mode=0o700, exist_ok=True)
    lines = ["[global]"]
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        key, value = name.rpartition(".")[2], value.strip("'\"")
        words = [word for word in value.split() if not word.startswith("file:")]
        if key in _WANTED and words:
            lines.append(f"{key.removeprefix('default-')} = {' '.join(words)}")
        elif key == "cert":
            shutil.copyfile(value, directory / "ca.crt")
            lines.append("cert = /run/pip/ca.crt")
    lines += ["[canary]", f"password = {CANARY}"]
    (directory / "pip.conf").write_text("\n".join(dict.fromkeys(lines)) + "\n")
    return directory
