"""`make mutants`: changes the program in every small way, and fails where no test notices and the table of
survivors does not say why."""

import argparse
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from tests.mutants import stores, trials
from tests.mutants.survivors import Change, change_of, explained, of_mutmut, verdict
from tests.mutants.texts import MODULES, ROOT, SCRIPTS, Mutant, mutants


def main(arguments: list[str]) -> int:
    """0 where every survivor is explained, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS), help="all of them")
    parser.add_argument("--side-by-side", type=int, default=2)
    asked = parser.parse_args(arguments)
    faults = [fault for part in asked.parts for fault in PARTS[part](asked.side_by_side)]
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


def _functions(side_by_side: int) -> list[str]:
    """Plain functions, by mutmut."""
    # What an earlier run found out, such as which tests reach which function, may not be so any more.
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    mutmut = str(Path(sys.executable).with_name("mutmut"))
    subprocess.run([mutmut, "run", "--max-children", str(side_by_side)], cwd=ROOT, check=True)
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"]
    judged = {str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern)}
    known = {change: why for change, why in explained().items() if not why.startswith(CONSTANT)}
    return verdict(of_mutmut(), known, judged)


def _constants(side_by_side: int) -> list[str]:
    """The same modules outside of plain functions."""
    known = {change: why for change, why in explained().items() if why.startswith(CONSTANT)}
    made = [mutant for mutant in mutants() if mutant.path in MODULES]
    return _judge(made, known, trials.survivors(made, side_by_side))


def _scripts(side_by_side: int) -> list[str]:
    """The shared store's scripts."""
    made = [mutant for mutant in mutants() if mutant.path in SCRIPTS]
    return _judge(made, explained(), stores.survivors(made, side_by_side))


def _judge(made: list[Mutant], known: dict[Change, str], survived: Iterable[Mutant]) -> list[str]:
    found = []
    for mutant in survived:
        sys.stdout.write(f"survived: {mutant.path}:{mutant.line}: {mutant.before} -> {mutant.after}\n")
        sys.stdout.flush()
        found.append(change_of(mutant))
    sys.stdout.write(f"{len(found)} of {len(made)} mutants survived\n")
    return verdict(found, known, {mutant.path for mutant in made})


CONSTANT = "Constant:"
"""How the table's reason begins where the mutant is not one of mutmut's."""
PARTS = {"functions": _functions, "constants": _constants, "scripts": _scripts}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
