"""The folder of bad files: each is named by its fault, and tells at its top what must be found."""

import re
from pathlib import Path

import pytest
import yaml

from gateway.settings.findings import BadConfiguration
from gateway.settings.load import examine, load
from tests.settings.files import write_pair

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
WITHOUT_FAULT = {
    "deny-without-allow",
    "pattern-that-never-matches",
    "unreachable-pattern",
    "warn-everything",
}
SECRET = "hunter2"


def expectations(source: bytes) -> list[str]:
    """The comment lines at the top: `LINE:COLUMN path: message`."""
    head = re.match(rb"(# .*\n)*", source)
    assert head is not None
    return [line.removeprefix("# ") for line in head.group().decode().splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the pairs that the bad files name."""
    write_pair(tmp_path / "pbx")
    write_pair(tmp_path / "empty-password", password="\n")
    write_pair(tmp_path / "world-readable", mode=0o644)
    return tmp_path


@pytest.mark.parametrize("bad", BAD, ids=lambda path: path.stem)
def test_every_fault_is_found_at_its_place(bad: Path, place: Path) -> None:
    """All faults and warnings are told at once, each with its line, column, path and remedy, no more."""
    path = place / bad.name
    path.write_bytes(bad.read_bytes())

    settings, findings = examine(path)

    told = [str(finding).replace(f"{place}/", "") for finding in findings]
    wanted = [f"{bad.name}:{line.replace(' ', ': ', 1)}" for line in expectations(bad.read_bytes())]
    assert told == wanted
    assert wanted
    assert (settings is not None) == (bad.stem in WITHOUT_FAULT)
    assert not any(SECRET in line for line in told)


@pytest.mark.parametrize("bad", BAD, ids=lambda path: path.stem)
def test_libyaml_and_python_agree(bad: Path, place: Path) -> None:
    """Where libyaml is missing the same files are refused; what is no syntax fault is told the same."""
    path = place / bad.name
    path.write_bytes(bad.read_bytes())

    fast, slow = examine(path, yaml.CSafeLoader), examine(path, yaml.SafeLoader)

    assert (fast[0] is None) == (slow[0] is None)
    if not any("is no valid YAML" in finding.message for finding in fast[1]):
        assert fast[1] == slow[1]


def test_loading_raises_every_fault_and_no_warning(place: Path) -> None:
    """`load` refuses what `check` refuses, with the faults alone."""
    path = place / "many-faults.yaml"
    path.write_bytes((Path(__file__).parent / "bad" / "many-faults.yaml").read_bytes())

    with pytest.raises(BadConfiguration) as refusal:
        load(path)

    _, findings = examine(path)
    assert list(refusal.value.faults) == [one for one in findings if one.severity == "error"]
    assert len(str(refusal.value).splitlines()) == len(refusal.value.faults) > 5
