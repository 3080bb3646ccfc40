"""Everything that is promised through the public doors holds for the compiled gateway too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.serial, pytest.mark.timeout(2400)]

ROOT = Path(__file__).parent.parent.parent
PROVEN = ("e2e", "hardening", "wire", "conformance", "ledger", "reload")
"""Folders of tests that are played against it: both doors with every outcome, fault and promise; what hostile
clients do; the wire; the stores' contract; reloads."""
FILES = (
    "pyproject.toml",
    "requirements.txt",
    "requirements-dev.txt",
    "README.md",
    "SECURITY.md",
    "Makefile",
    "Dockerfile",
)
FOLDERS = ("tests", "schema", "docs", "k8s", "observability")

_MADE = shutil.ignore_patterns("__pycache__", "node_modules", "out")


def run(*command: str, cwd: Path) -> str:
    """What a command printed; it fails the test where the command fails."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(cwd)}
    done = subprocess.run(command, check=False, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_the_compiled_gateway_keeps_every_promise(tmp_path: Path) -> None:
    """It is built, is what runs, and passes the tests that stand for both forms.

    Without optimisation, to save a minute; what is made with it runs in the tests of the image.
    """
    run(sys.executable, "-m", "gateway.native", "-O0", str(tmp_path), cwd=ROOT)
    told = run(
        sys.executable,
        "-c",
        "import gateway.place_call.place as a, gateway.wire.wire as b; print(a.__file__, b.__file__)",
        cwd=tmp_path,
    )
    assert told.count(".so") == 2
    assert told.count(str(tmp_path)) == 2
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=_MADE)
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    folders = [f"tests/{name}" for name in PROVEN]
    passed = run(sys.executable, "-m", "pytest", "-n", "2", "-m", "not serial", *folders, cwd=tmp_path)
    assert " passed" in passed
    assert "skipped" not in passed
