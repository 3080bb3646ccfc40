"""Where it is told to, a gateway stays on one processor, all its threads, until others crowd it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from gateway.app.processor import CROWDED, MOST_LOOKS, Reading, Stay, crowding, keep_to_one
from tests.house import Gateway, configuration, number, simulated, started, tenant, until

PROCESSORS = os.sched_getaffinity(0)
ONE = ("--processors", "one")
PLACED = 202
"""The simulator tells no reference unless it is asked to."""


@contextmanager
def serving(place: Path, *options: str) -> Iterator[Gateway]:
    with simulated(place / "dials.jsonl") as simulator:
        config = place / "gateway.yaml"
        config.write_text(json.dumps(configuration(place, simulator.url, {"acme": tenant("acme")})))
        with started(config, place / "gateway.log", *options) as gateway:
            yield gateway


def placed(gateway: Gateway) -> set[frozenset[int]]:
    """Where the threads of a gateway may run, each different set once."""
    tasks = Path(f"/proc/{gateway.process.pid}/task").iterdir()
    return {frozenset(os.sched_getaffinity(int(task.name))) for task in tasks}


def place_of(gateway: Gateway) -> int:
    """The one processor of a gateway, once it has settled on it."""
    until(lambda: [len(some) for some in placed(gateway)] == [1])
    ((one,),) = placed(gateway)
    return one


def test_all_threads_stay_on_one_processor(tmp_path: Path) -> None:
    """The event loop's, the ledger's, the log's: also those that came to be while it served."""
    with serving(tmp_path, *ONE) as gateway:
        one = place_of(gateway)
        assert one in PROCESSORS
        assert gateway.call("rest", "acme", number()).status == PLACED
        assert gateway.metric("gateway_upstream_calls_total") >= 0  # made in a thread of its own
        assert placed(gateway) == {frozenset({one})}


def test_the_kernel_chooses_unless_told_otherwise(tmp_path: Path) -> None:
    """Unless it is asked for, nothing is confined."""
    with serving(tmp_path) as gateway:
        assert gateway.call("rest", "acme", number()).status == PLACED
        assert placed(gateway) == {frozenset(PROCESSORS)}


def test_what_an_operator_allows_is_taken(tmp_path: Path) -> None:
    """`taskset -ap` on a running gateway: it stays on one of what it was given, whatever it had before."""
    with serving(tmp_path, *ONE) as gateway:
        first = place_of(gateway)
        for allowed in ({*PROCESSORS} - {first} or {first}, PROCESSORS, {first}):
            for task in Path(f"/proc/{gateway.process.pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), allowed)
            assert place_of(gateway) in allowed
        assert gateway.call("rest", "acme", number()).status == PLACED


def test_a_system_that_keeps_another_affinity_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again a few times a second, and the event loop goes on meanwhile."""
    asked: list[int] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {97, 98})
    monkeypatch.setattr(os, "sched_setaffinity", lambda task, _: asked.append(task))

    async def body() -> None:
        staying = asyncio.ensure_future(keep_to_one())
        await asyncio.sleep(0.5)
        staying.cancel()

    asyncio.run(body())
    assert 1 <= asked.count(os.getpid()) <= 6


@pytest.mark.serial
def test_a_crowded_processor_is_left(tmp_path: Path) -> None:
    """Where others take its processor away while it has work, it goes to another, and answers meanwhile."""
    is_over = Event()
    answered: list[int] = []

    def ask(gateway: Gateway) -> None:
        while not is_over.is_set():
            answered.append(gateway.call("rest", "acme", number()).status)

    with serving(tmp_path, *ONE) as gateway, ExitStack() as crowd:
        first = place_of(gateway)
        others = [{frozenset({other})} for other in PROCESSORS - {first}]
        asking = [Thread(target=ask, args=(gateway,)) for _ in range(4)]
        for thread in asking:
            thread.start()
        for _ in range(3):
            crowd.enter_context(spinning(first))
        try:
            until(lambda: placed(gateway) in others, seconds=60)
        finally:
            is_over.set()
            for thread in asking:
                thread.join()
    assert set(answered) == {PLACED}
    assert f"others crowd processor {first}: the kernel may choose another" in gateway.log.read_text()


@contextmanager
def spinning(processor: int) -> Iterator[None]:
    """A process of a session of its own, busy on one processor."""
    code = f"import os; os.sched_setaffinity(0, {{{processor}}})\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_only_what_others_took_is_crowding() -> None:
    """Waiting for threads of its own is no reason to move."""
    before = Reading(10.0, 1.0, 2.0)
    assert crowding(before, Reading(12.0, 1.5, 2.0)) == 0.25
    assert crowding(before, Reading(12.0, 1.5, 2.5)) == 0.0
    assert crowding(before, Reading(12.0, 1.5, 3.5)) == 0.0
    assert crowding(before, Reading(12.0, 2.5, 2.5)) == 0.5


def test_where_all_are_crowded_it_moves_seldom() -> None:
    """Each stay among crowds is twice as long as the last, up to a minute; a calm minute forgets that."""
    stay = Stay()

    def looks() -> int:
        count = 1
        while not stay.is_over(CROWDED + 0.01):
            count += 1
        return count

    assert [looks() for _ in range(9)] == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert not any(stay.is_over(CROWDED) for _ in range(MOST_LOOKS))
    assert [looks() for _ in range(3)] == [1, 1, 2]
