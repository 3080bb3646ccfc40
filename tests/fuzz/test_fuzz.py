"""The fuzzed promises: over the corpus always, and for a short while over new inputs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
ROOT = Path(__file__).parents[2]
RUN_SECONDS = 5


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_breaks_no_promise(name):
    """Every input that once told something new, or broke something, is tried again."""
    found = sorted((CORPUS / name).iterdir())
    assert len(found) >= 10
    for path in found:
        TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_a_short_run_finds_nothing(name, tmp_path):
    """Seconds of search under a seed, guided by coverage where atheris is installed; `tests.fuzz.run` goes
    on for longer."""
    command = [sys.executable, "-m", "tests.fuzz.run", name, "-seed=20261123", "-max_len=2048"]
    bounds = [f"-max_total_time={RUN_SECONDS}", f"-artifact_prefix={tmp_path}/", "-timeout=5"]
    ran = subprocess.run(
        [*command, *bounds], check=False, capture_output=True, text=True, cwd=ROOT, timeout=90
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "Done " in ran.stderr, ran.stderr[-3000:]
