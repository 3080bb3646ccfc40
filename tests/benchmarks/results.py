"""RESULTS.md: a section for each command, which replaces its own and tells where and when it was measured."""

import argparse
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.benchmarks.process import favour
from tests.node.runtime import node_program

RESULTS: Final = Path(__file__).parent / "RESULTS.md"
_ROOT: Final = Path(__file__).parent.parent.parent
_HEAD: Final = """\
# Measured

Written by `make bench` and its parts (`python -m tests.benchmarks.PART --write`), each of which says how
its figures are taken. Rounds interleave, and medians stand with their spread; compare ratios within a
section, not figures of different sections or machines.
"""


def machine() -> str:
    """The machine, its programs, the moment and the commit, on two lines."""
    told = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", told)
    busy = os.getloadavg()[0]
    programs = (
        f"Python {platform.python_version()}",
        f"Node.js {_said(node_program(), '--version')}",
        _version("wrk", "-v", r"wrk \S+"),
        _version("nginx", "-v", r"nginx/\S+"),
    )
    changed = " and changes" if _said("git", "status", "--porcelain", "gateway") else ""
    commit = _said("git", "rev-parse", "--short", "HEAD") + changed
    return (
        f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}; "
        f"{', '.join(programs)}.\n"
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}, "
        f"load of the machine before: {busy:.1f}."
    )


def _ticks() -> tuple[int, int]:
    """The CPU time that was stolen, and all of it, since the start: proc(5), /proc/stat."""
    ticks = [int(number) for number in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[7], sum(ticks)


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=_ROOT)
    return (done.stdout + done.stderr).strip()


def _version(program: str, option: str, pattern: str) -> str:
    found = re.search(pattern, _said(program, option))
    return found[0] if found is not None else program


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; every column but the first is aligned to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replaced(document: str, name: str, section: str) -> str:
    """The document with that section instead of its own of that name, or at its end."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    block = f"{begin}\n{section.strip()}\n{end}"
    if begin in document:
        before, _, rest = document.partition(begin)
        return before + block + rest.partition(end)[2]
    return f"{document.rstrip()}\n\n{block}\n"


def write(name: str, section: str, path: Path = RESULTS) -> None:
    """Put a section in its place in the file, which is made where there is none."""
    document = path.read_text() if path.exists() else _HEAD
    path.write_text(replaced(document, name, section))


def command(
    name: str,
    title: str,
    parser: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace], str],
    arguments: Sequence[str] | None = None,
) -> None:
    """Measure, print the section, and with `--write` keep it."""
    parser.add_argument("--write", action="store_true", help="keep it in RESULTS.md")
    parser.add_argument("--nice", type=int, default=0, help="priority of all of it, on a shared machine")
    options = parser.parse_args(arguments)
    favour(os.getpid(), options.nice)
    where, before = machine(), _ticks()
    told = measure(options)
    stolen, all_of_it = (after - start for after, start in zip(_ticks(), before, strict=True))
    where += (
        f" Meanwhile {100 * stolen / all_of_it:.0f} % of the CPU's time went to other machines on its host."
    )
    section = f"## {title}\n\n{where}\n\n{told}"
    sys.stdout.write(section + "\n")
    if options.write:
        write(name, section)
