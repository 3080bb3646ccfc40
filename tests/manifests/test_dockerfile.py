"""The Dockerfile as it is written; tests/deploy builds and runs it."""

import re
import subprocess
import sys
from pathlib import Path

from gateway import __version__
from tests.manifests.tools import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_hadolint_has_nothing_to_say() -> None:
    """Hadolint is clean, and no rule of it is switched off."""
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "hadolint ignore" not in DOCKERFILE
    assert not list(ROOT.glob(".hadolint*"))


def test_the_base_is_pinned() -> None:
    """Both stages stand on images that are named by their digests, which are build arguments."""
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.MULTILINE))
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", arguments["BASE_DIGEST"])
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == [
        "${BASE_IMAGE}@${BASE_DIGEST}",
        "${RUN_IMAGE}@${RUN_DIGEST}",
    ]
    assert (arguments["RUN_IMAGE"], arguments["RUN_DIGEST"]) == ("${BASE_IMAGE}", "${BASE_DIGEST}")
    assert arguments["VERSION"] == __version__


def test_the_last_stage_runs_nothing() -> None:
    """What is run needs no shell to be built either, and starts in exec form."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "\nRUN " not in last
    for instruction in ("ENTRYPOINT", "CMD"):
        assert re.search(rf"^{instruction} \[.*\]$", last, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*\\\n  CMD \[.*\]$", last, re.MULTILINE)


def test_only_the_sources_are_sent_to_a_build() -> None:
    """The build's context begins with nothing, and lets in what the Dockerfile copies."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    lines_copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    copied = {name for line in lines_copied for name in line.split()}
    assert {line[1:] for line in lines if line.startswith("!")} == copied
