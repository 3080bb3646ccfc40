"""Runs the shared ledger's tests on mutants of its scripts: each in a process forked where everything is
imported and its servers already run, so that most are found in a fraction of a second."""

import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from tests.clocks.frozen import FileClock, frozen_valkey
from tests.ledger.valkey import Valkey
from tests.mutants.texts import ROOT, Mutant

LONGEST_SECONDS: Final = 60
_REDIS: Final = "gateway/ledger/redis"


@dataclass(frozen=True)
class Lane:
    """One mutant at a time is tried here: a copy of the package, a server, and one with a clock to set."""

    packages: Path
    server: Valkey
    frozen: Valkey
    clock: FileClock


def survivors(mutants: Iterable[Mutant], side_by_side: int) -> Iterator[Mutant]:
    """Those that no test notices. Raises RuntimeError where the tests fail without any mutant."""
    with ExitStack() as stack:
        importlib.import_module("tests.clocks.test_ledger_machine")  # what all trials share
        free = [_lane(stack) for _ in range(side_by_side)]
        waiting, running = list(mutants), dict[int, tuple[Mutant, Lane, float]]()
        for lane in free:
            if os.waitstatus_to_exitcode(os.waitpid(_begun(lane), 0)[1]):
                raise RuntimeError("the tests fail without any mutant")
        while waiting or running:
            while waiting and free:
                mutant, lane = waiting.pop(0), free.pop()
                _copied(lane.packages)
                (lane.packages / "redis" / Path(mutant.path).name).write_text(mutant.text)
                running[_begun(lane)] = (mutant, lane, time.monotonic())
            for process, (mutant, lane, began) in list(running.items()):
                found, status = os.waitpid(process, os.WNOHANG)
                if found:
                    del running[process]
                    free.append(lane)
                    if status == 0:
                        yield mutant
                elif time.monotonic() - began > LONGEST_SECONDS:
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.01)


def _lane(stack: ExitStack) -> Lane:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
    server = Valkey(directory / "valkey")
    frozen, clock = frozen_valkey(directory / "frozen")
    for each in (server, frozen):
        stack.callback(each.stop)
        each.start()
    _copied(directory / "packages")
    return Lane(directory / "packages", server, frozen, clock)


def _copied(packages: Path) -> None:
    shutil.rmtree(packages, ignore_errors=True)
    shutil.copytree(ROOT / _REDIS, packages / "redis", ignore=shutil.ignore_patterns("__pycache__"))


def _begun(lane: Lane) -> int:
    process = os.fork()
    if process:
        return process
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        _try(lane)
        os._exit(0)
    finally:
        os._exit(1)


def _try(lane: Lane) -> None:
    for name in [
        n for n in sys.modules if n.startswith(("gateway.ledger.redis", "tests.ledger", "tests.clocks"))
    ]:
        del sys.modules[name]
    ledger = importlib.import_module("gateway.ledger")
    ledger.__path__.insert(0, str(lane.packages))
    for step in _steps(lane):
        step()


def _steps(lane: Lane) -> Iterator[Callable[[], object]]:
    """From the quickest to the slowest."""
    contract = importlib.import_module("tests.ledger.contract")
    undo = importlib.import_module("tests.ledger.test_redis_undo")
    timed = importlib.import_module("tests.clocks.test_ledger_time")
    real = importlib.import_module("tests.ledger.test_redis_time")
    played = importlib.import_module("tests.ledger.test_redis_contract")
    machine = importlib.import_module("tests.clocks.test_ledger_machine")
    scripts = importlib.import_module("gateway.ledger.redis.scripts")
    assert Path(scripts.__file__).is_relative_to(lane.packages)
    lane.server.ask("FLUSHALL")
    for body in contract.UNTIMED:
        if "exactly_its_limit" not in body.__name__:
            yield lambda body=body: played.play_on(lane.server.url, body)
    for body in contract.TIMED:
        yield lambda body=body: timed.test_redis_keeps_the_contract_in_time((lane.frozen, lane.clock), body)
    for test in vars(undo).values():
        if getattr(test, "__name__", "").startswith("test_"):
            marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
            for case in marks[0].args[1] if marks else [None]:
                yield lambda test=test, case=case, marks=marks: test(lane.server, *([case] if marks else []))
    yield from _written(lane)
    for name in ("test_time_frees_buckets_and_slots", "test_records_leave_with_their_retention"):
        yield lambda name=name: getattr(real, name)(lane.server)
    yield lambda: real.test_an_idle_store_forgets_what_is_over(lane.server)
    yield lambda: machine.agrees(lane.frozen, lane.clock)


def _written(lane: Lane) -> Iterator[Callable[[], object]]:
    """What the scripts write, word for word."""
    scripted = importlib.import_module("tests.clocks.test_scripts")
    times = importlib.import_module("tests.clocks.test_script_times")
    cases = importlib.import_module("tests.ledger.cases")
    both = (lane.frozen, lane.clock)
    for aside_us in (0, 1, 428, 429, 571, 572):
        yield lambda aside_us=aside_us: scripted.test_a_counter_stays_until_nothing_is_used(both, aside_us)
    for kept_us in ((7_200_000_000, 86_400_000_000), (86_400_000_000, 7_200_000_000)):
        yield lambda kept_us=kept_us: scripted.test_a_key_finds_its_call_past_the_deadline_unknown(
            both, kept_us
        )
    yield lambda: scripted.test_decisions_recover_nothing_by_themselves(both)
    for step in ("admit", "settle", "peek"):
        yield lambda step=step: scripted.test_a_tenant_whose_marker_is_gone_is_closed(both, step)
    for outcome in (cases.WHOLE, cases.UNKNOWN, cases.REJECTED, cases.NOT_PLACED):
        for key in ("k", None):
            yield (
                lambda key=key, outcome=outcome: times.test_what_is_settled_lies_in_one_index_for_its_time(
                    both, key, outcome
                )
            )
    yield lambda: times.test_a_day_begins_and_ends_to_the_microsecond(both)
    yield lambda: times.test_a_slot_is_held_through_its_last_microsecond(both)
    for kept_us in ((7_200_000_000, 86_400_000_000), (86_400_000_000, 7_200_000_000)):
        yield lambda kept_us=kept_us: times.test_what_nobody_settles_expires_all_the_same(both, kept_us)
    for limit in scripted.LIMITS:
        yield lambda limit=limit: scripted.test_the_first_counter_is_what_the_arithmetic_says(both, limit)
    for limit in scripted.LIMITS:
        yield lambda limit=limit: scripted.test_a_counter_becomes_what_the_arithmetic_says(both, limit)
    yield lambda: scripted.test_a_trace_counts_no_further_than_its_part(both)
    for limit, is_old in product(scripted.LIMITS, (False, True)):
        yield (
            lambda limit=limit, is_old=is_old: scripted.test_a_refund_is_what_the_arithmetic_says(
                both, limit, is_old
            )
        )
