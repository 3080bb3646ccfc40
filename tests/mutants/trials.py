"""Runs tests on mutants of whole files: in copies of the tree, by processes forked before any of ours is
imported, so that each reads the file as the mutant has it."""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.mutants.texts import ROOT, Mutant

LONGEST_SECONDS: Final = 240
"""A mutant that keeps its tests busy for longer is as good as found."""
_CALM: Final = "not file and not exactly_its_limit"
MODULE_TESTS: Final = {
    "gateway/legacy/answer.py": ("tests/legacy",),
    "gateway/legacy/query.py": ("tests/legacy",),
    "gateway/policy.py": ("tests/policy",),
    "gateway/ledger/quota.py": ("tests/ledger/test_quota.py", "tests/ledger/test_refunds.py"),
    "gateway/ledger/weight.py": ("tests/ledger/test_refunds.py",),
    "gateway/ledger/windows.py": ("tests/ledger/test_windows.py",),
    "gateway/ledger/sqlite/decide.py": ("tests/ledger/test_sqlite_contract.py", "-k", _CALM),
    "gateway/ledger/sqlite/settle.py": ("tests/ledger/test_sqlite_contract.py", "-k", _CALM),
}
_COPIED: Final = ("gateway", "tests", "schema", "README.md", "pyproject.toml")


def survivors(mutants: Iterable[Mutant], side_by_side: int) -> Iterator[Mutant]:
    """Those that no test notices. Raises RuntimeError where the tests fail without any mutant."""
    with ExitStack() as stack:
        free = [
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
            for _ in range(side_by_side)
        ]
        for tree in free:
            _copy(tree)
        waiting, running = list(mutants), dict[int, tuple[Mutant, Path, float]]()
        for arguments in {MODULE_TESTS[mutant.path] for mutant in waiting}:
            if _ended(_begun(free[0], arguments)):
                raise RuntimeError(f"these fail without any mutant: {' '.join(arguments)}")
        while waiting or running:
            while waiting and free:
                mutant, tree = waiting.pop(0), free.pop()
                _put(tree / mutant.path, mutant.text)
                running[_begun(tree, MODULE_TESTS[mutant.path])] = (mutant, tree, time.monotonic())
            process, status = _next(running)
            mutant, tree, _ = running.pop(process)
            _put(tree / mutant.path, (ROOT / mutant.path).read_text())
            free.append(tree)
            if status == 0:
                yield mutant


def _put(path: Path, text: str) -> None:
    path.write_text(text)
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)  # it may be as old and as long


def _copy(tree: Path) -> None:
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        else:
            shutil.copy(source, tree / name)


def _begun(tree: Path, arguments: Sequence[str]) -> int:
    process = os.fork()
    if process:
        return process
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    for name in [name for name in sys.modules if name.partition(".")[0] in {"gateway", "tests"}]:
        del sys.modules[name]
    try:
        os._exit(int(pytest.main(["-x", "-q", "--hypothesis-profile=mutants", *arguments])))
    finally:
        os._exit(70)


def _next(running: dict[int, tuple[Mutant, Path, float]]) -> tuple[int, int]:
    """The next trial that ended, and how; whatever it left running ends with it."""
    while True:
        for process, (_, _, began) in running.items():
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                _end(process)
                return process, os.waitstatus_to_exitcode(status)
            if time.monotonic() - began > LONGEST_SECONDS:
                _end(process)
        time.sleep(0.02)


def _ended(process: int) -> int:
    _, status = os.waitpid(process, 0)
    _end(process)
    return os.waitstatus_to_exitcode(status)


def _end(process: int) -> None:
    """End the process group that a trial leads: a server that its tests left, or the trial itself."""
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        return
