"""The table of mutants that no test can tell from the program, and why."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.mutants.texts import ROOT, Mutant

TABLE: Final = Path(__file__).with_name("SURVIVORS.md")
_MUTMUT: Final = str(Path(sys.executable).with_name("mutmut"))
_ROW: Final = re.compile(r"^\| `(.+?)` \| `` (.+?) `` \| `` (.*?) `` \| (.+) \|$")


class Change(NamedTuple):
    """The file, and the line as it is and as the mutant has it; its number may change."""

    path: str
    before: str
    after: str


def explained(table: Path = TABLE) -> dict[Change, str]:
    """Every row of the table: a change, and why nothing can tell it. Raises ValueError on a row without."""
    rows = [line for line in table.read_text().splitlines() if line.startswith("| `")]
    found: dict[Change, str] = {}
    for row in rows:
        match = _ROW.match(row)
        if match is None or not match[4].strip():
            raise ValueError(f"not a row of the table: {row}")
        path, before, after = (text.replace("\\|", "|") for text in match.groups()[:3])
        found[Change(path, before.strip(), after.strip())] = match[4]
    return found


def row(change: Change, why: str = "") -> str:
    """A row of the table, ready to paste."""
    before, after = (text.replace("|", "\\|") for text in (change.before, change.after))
    return f"| `{change.path}` | `` {before} `` | `` {after} `` | {why} |"


def change_of(mutant: Mutant) -> Change:
    """What a mutant of a whole file changes."""
    return Change(mutant.path, mutant.before, mutant.after)


def of_mutmut() -> Iterator[Change]:
    """What survived mutmut's last run, or was not tested at all."""
    told = subprocess.run([_MUTMUT, "results"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for line in told.splitlines():
        name, _, verdict = line.strip().partition(": ")
        if verdict not in {"timeout", "killed", "segfault", ""}:
            yield _shown(name)


def _shown(name: str) -> Change:
    command = [_MUTMUT, "show", name]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    path = next(line for line in lines if line.startswith("--- ")).removeprefix("--- ").strip()
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    before = " ".join(line[1:].strip() for line in changed if line[0] == "-")
    after = " ".join(line[1:].strip() for line in changed if line[0] == "+")
    return Change(path, before, after)


def verdict(found: Iterable[Change], known: dict[Change, str], judged: Iterable[str]) -> list[str]:
    """What is wrong: survivors that the table doesn't explain, and rows (of the files that were judged)
    whose mutant is found by now or can't be made any more."""
    found, files = set(found), set(judged)
    return [
        *(f"not explained: {row(change)}" for change in sorted(found - known.keys())),
        *(f"no survivor: {row(change)}" for change in sorted(known.keys() - found) if change.path in files),
    ]
