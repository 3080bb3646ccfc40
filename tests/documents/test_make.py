"""`make`, as a newcomer meets it on a machine that has nothing yet."""

import os
import re
import subprocess
from pathlib import Path

from tests.documents.blocks import ROOT


def make(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A run of make."""
    # What the make that runs these tests hands down would make this one speak of itself.
    plain = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
    return subprocess.run(
        ["make", *arguments], cwd=cwd, env=plain, capture_output=True, text=True, check=False, timeout=60
    )


def bare(place: Path) -> Path:
    """What the set-up reads of a fresh clone, without its environment."""
    (place / "observability").mkdir()
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "observability/targets.mk"):
        (place / name).write_text((ROOT / name).read_text())
    return place


def interpreter(place: Path, version: str) -> str:
    """A Python that says it has that version, and makes no environment."""
    program = place / f"python{version}"
    program.write_text(
        "#!/bin/sh\n"
        '[ "$1" = -c ] || exit 3\n'
        f'exec python3 -c "import sys; sys.version_info = ({version.replace(".", ", ")}, 0); $2"\n'
    )
    program.chmod(0o755)
    return str(program)


def test_an_old_python_is_told(tmp_path: Path) -> None:
    """Not by what pip makes of the lock file, but in one line, with what to do."""
    done = make("demo", f"PYTHON={interpreter(tmp_path, '3.9')}", cwd=bare(tmp_path))
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "Python 3.11 or later is needed: name it, as in make PYTHON=python3.11"
    )
    assert done.stdout == ""


def test_the_long_first_minute_is_told(tmp_path: Path) -> None:
    """Before anything is installed, a line says what is done and how long it takes."""
    done = make("demo", f"PYTHON={interpreter(tmp_path, '3.11')}", cwd=bare(tmp_path))
    assert done.returncode == 2  # this interpreter makes no environment
    assert done.stdout == "setting up .venv: about a minute, once\n"


def test_targets_are_explained() -> None:
    """`make help` lists every target that the documentation may name, with what it does."""
    told = make("help", cwd=ROOT).stdout
    names = set(re.findall(r"^([a-z-]+):.*## ", "".join(map(Path.read_text, makefiles())), re.MULTILINE))
    assert names
    assert {line.split()[0] for line in told.splitlines()} == names


def makefiles() -> list[Path]:
    """The files that targets stand in."""
    return [ROOT / "Makefile", ROOT / "observability" / "targets.mk"]
