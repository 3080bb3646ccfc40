"""Every example of the documentation runs as it is written."""

import json
import re
from pathlib import Path

import pytest

from tests.documents.blocks import DOCUMENTS, LANGUAGES, ROOT, document
from tests.documents.running import check_yaml, install_example, run, runnable
from tests.manifests.tools import installed

pytestmark = pytest.mark.timeout(400)

RUNBOOKS = "observability/runbooks.md"
"""Its lines ask a Prometheus too: tests/observability runs them."""
SHELLS_OWN = {"bash", "zsh", "fish"}
"""Start-up lines of shells: tests/completion types them into each."""
SAID = {
    "README.md": r"HTTP/1.1 201 Created",
    "docs/operating.md": r'(?s)"name":"daily".*"limit":500,.*"decision":"resolve".*"outcome":"NOT_PLACED"',
    "docs/services.md": r"\n202 REQUESTED\n",
    "docs/frontend.md": r'"told":"Requested: 2125551234 is rung',
    "SECURITY.md": r"\n(?:\.demo/(?:dials\.jsonl|config/credentials/password)\n){2}\Z",
}
"""What an example is there to show."""
YAML = {
    f"{found.name}:{block.line}": block.text
    for found in DOCUMENTS.values()
    for block in found.blocks
    if block.language == "yaml"
}


@pytest.mark.parametrize(
    "name", [name for name, found in DOCUMENTS.items() if any(runnable(found)) and name != RUNBOOKS]
)
def test_the_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom, in a checkout of its own: every command succeeds, every program runs, and no
    answer has a status that the example does not name."""
    found = DOCUMENTS[name]
    if any("npm" in block.text for block, _ in runnable(found)):
        install_example()
    if any("kubectl kustomize" in block.text for block, _ in runnable(found)):
        monkeypatch.setenv("PATH", str(installed()), prepend=":")
    said = run(found, tmp_path)
    assert re.search(SAID.get(name, ""), said), said


def test_an_example_that_fails_is_found(tmp_path: Path) -> None:
    """The judge is awake: it sees a status that the example does not name."""
    whole = DOCUMENTS["README.md"].text
    broken = document("README.md", whole.replace("2125551234", "9125551234"))
    with pytest.raises(AssertionError, match="STATUS 403"):
        run(broken, tmp_path)


@pytest.mark.parametrize("place", YAML)
def test_configuration_is_right(place: str, tmp_path: Path) -> None:
    """`gateway check` finds no fault in any YAML that the documentation shows, and warns of nothing but what
    an example leaves out."""
    done = check_yaml(YAML[place], tmp_path)
    assert done.returncode == 0, done.stdout
    warnings = re.findall(r"warning: (has no \w+)?", done.stdout)
    assert set(warnings) <= {"has no quotas", "has no destinations"}, done.stdout


def test_every_block_is_run_or_says_why_not() -> None:
    """A fence has a language that the tests run; the few that are left out are those that are known here."""
    left_out = {}
    for found in DOCUMENTS.values():
        for block in found.blocks:
            assert block.language in LANGUAGES, (found.name, block)
            assert block.language not in SHELLS_OWN or found.name == "docs/operating.md"
            if block.language == "json":
                json.loads(block.text)
            if block.left_out:
                left_out.setdefault(found.name, []).append(block.left_out)
    assert left_out == {
        "README.md": ["it is the gate itself, which runs this page"],
        "CONTRIBUTING.md": [
            "the first is the gate itself, and the gate runs the others already",
            "the gate runs them all",
        ],
    }
    assert {name: found.programs for name, found in DOCUMENTS.items() if found.programs} == {
        "k8s/README.md": ("kubectl", "buildah"),
        RUNBOOKS: ("kubectl",),
    }


def test_every_target_exists() -> None:
    """`make NAME` of any document names a target."""
    makefiles = (ROOT / "Makefile", ROOT / "observability" / "targets.mk")
    targets = {
        name for file in makefiles for name in re.findall(r"^([a-z-]+):", file.read_text(), re.MULTILINE)
    }
    asked = {
        name
        for found in DOCUMENTS.values()
        for words in re.findall(r"\bmake ((?:[a-z][a-z-]+ ?)+)", _code(found.text))
        for name in words.split()
    }
    assert asked >= {"demo", "test", "schema", "readme", "observe", "dashboards-preview"}
    assert asked <= targets


def _code(text: str) -> str:
    """What stands between backquotes or fences."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
