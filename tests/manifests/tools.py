"""kubectl and checkov in an environment of their own: checkov's pins clash with the gateway's."""

import fcntl
import hashlib
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
REQUIREMENTS: Final = ROOT / "k8s" / "requirements-tools.txt"
HOME: Final = ROOT / ".venv" / "k8s-tools"


def installed() -> Path:
    """The directory of the programs; installs them, hash-locked, where the lock file has changed.

    Takes about a minute the first time. Safe to ask from several processes at once.
    """
    HOME.parent.mkdir(exist_ok=True)
    stamp = HOME / ".installed"
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    with (HOME.parent / "k8s-tools.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != digest:
            venv.create(HOME, with_pip=True, clear=True, symlinks=True)
            install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes"]
            subprocess.run([HOME / "bin" / "python", *install, "-r", REQUIREMENTS], check=True)
            stamp.write_text(digest)
    return HOME / "bin"


def kubectl(*arguments: str | Path) -> str:
    """What kubectl prints. Raises CalledProcessError."""
    return _run("kubectl", *arguments)


def checkov(*arguments: str | Path) -> str:
    """What checkov prints, whatever it finds; its exit code is asked to be 0."""
    return _run("checkov", "--skip-download", "--soft-fail", *arguments)


def _run(program: str, *arguments: str | Path) -> str:
    command = [str(one) for one in (installed() / program, *arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    return done.stdout
