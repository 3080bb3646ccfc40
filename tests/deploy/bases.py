"""Base images made here, as none can be pulled: one with pip and a compiler, one without a shell."""

import hashlib
import re
import tarfile
from pathlib import Path
from typing import Final

from tests.deploy.engine import HOME, Engine

BUILD_IMAGE: Final = "docker.io/library/python:3.11-slim-bookworm"
"""The name in the Dockerfile."""

RUN_IMAGE: Final = "localhost/python-without-shell"

_SUITE: Final = "bookworm"
_PACKAGES: Final = "python3,python3-pip,ca-certificates,gcc,python3-dev"
_SOURCES: Final = Path("/etc/apt/sources.list.d/debian.sources")

_KEPT: Final = re.compile(
    r"""\./( lib | lib64 | tmp | proc | sys | dev | run | var | var/lib
    | etc (/ (ssl.* | ld\.so.* | nsswitch\.conf | passwd | group) )?
    | usr
    | usr/lib64.*
    | usr/bin | usr/bin/python3(\.11)?
    | usr/lib | usr/lib/ssl.*
    | usr/lib/python3\.11 (/ (?! test | ensurepip | idlelib | tkinter | lib2to3 ) .* )?
    | usr/lib/[a-z0-9_]+-linux-gnu (/ (?! perl | gconv ) .* )?
    )?""",
    re.VERBOSE,
)
"""Python, the C library, CA certificates: neither shell, nor pip, nor any other program."""

_RECIPE: Final = "FROM scratch\nADD {tar} /\nENV PATH=/usr/local/bin:/usr/bin:/bin\n"


def build_base(engine: Engine) -> str:
    """The digest of the base to build on; made anew where how it is made has changed."""
    recipe = hashlib.sha256(f"{_SUITE} {_PACKAGES} {_KEPT.pattern} {_RECIPE}".encode()).hexdigest()
    stamp = HOME / "bases"
    is_made = stamp.exists() and stamp.read_text() == recipe
    if not (is_made and engine.has(BUILD_IMAGE) and engine.has(RUN_IMAGE)):
        tar = HOME / "build.tar"
        mirrors = [str(_SOURCES)] if _SOURCES.exists() else []
        engine.run(
            *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, tar),
            *mirrors,
            seconds=500,
        )
        _strip(tar, HOME / "run.tar")
        _commit(engine, tar, BUILD_IMAGE)
        _commit(engine, HOME / "run.tar", RUN_IMAGE)
        stamp.write_text(recipe)
    return digest_of(engine, BUILD_IMAGE)


def digest_of(engine: Engine, image: str) -> str:
    """The digest that a FROM pins."""
    return str(engine.inspect("image", image)["Digest"])


def _strip(whole: Path, target: Path) -> None:
    with tarfile.open(whole) as read, tarfile.open(target, "w") as written:
        for member in read:
            if _KEPT.fullmatch(member.name):
                written.addfile(member, read.extractfile(member) if member.isreg() else None)


def _commit(engine: Engine, tar: Path, name: str) -> None:
    recipe = HOME / "Containerfile"
    recipe.write_text(_RECIPE.format(tar=tar.name))
    engine.buildah("bud", "-q", "--isolation", "chroot", "-t", name, "-f", recipe, HOME)
    tar.unlink()
    recipe.unlink()
