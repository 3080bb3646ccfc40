"""What must reach the store some day survives crashes, torn writes and the death of its process."""

import asyncio
import contextlib
import signal
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.call import Status
from gateway.ledger import Admitted, Known
from gateway.ledger.journal import read_lines, write_line
from gateway.ledger.spool import Spool
from gateway.place_call.settler import SPOOL_KIND, Settler
from tests.ledger.redis_child import limits_of
from tests.ledger.shared_store import opened, until
from tests.ledger.test_redis_exactness import Child
from tests.ledger.valkey import Valkey
from tests.ledger.world import World


def test_entries_are_read_in_order_without_those_that_are_done() -> None:
    """A journal is what was added less what was done."""
    lines = [write_line(b"+", n, b'["entry %d"]' % n) for n in range(4)] + [write_line(b"-", 1)]
    assert read_lines(b"".join(lines)) == {n: b'["entry %d"]' % n for n in (0, 2, 3)}


@pytest.mark.parametrize("length", range(1, 24))
def test_a_torn_line_counts_for_nothing(length: int) -> None:
    """Whatever part of the last line reached the disk, the lines before it are all there."""
    whole = write_line(b"+", 1, b"first")
    torn = write_line(b"+", 2, b"second!!")[:-1][:-length]
    assert read_lines(whole + torn) == {1: b"first"}
    assert read_lines(whole + b"\0" * length + b"\n" + write_line(b"+", 3, b"x")) == {1: b"first", 3: b"x"}


def test_a_line_that_was_changed_counts_for_nothing() -> None:
    """Every bit is under the check."""
    line = write_line(b"+", 7, b"entry")
    for at in range(len(line) - 1):
        changed = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
        assert read_lines(changed) == {}, changed


def test_a_spool_is_taken_over_only_from_the_dead(tmp_path: Path) -> None:
    """A living process's journal is its own; once it is gone, the first who looks has its entries."""

    async def play() -> None:
        first, second = Spool(tmp_path, "settle"), Spool(tmp_path, "settle")
        await first.open()
        numbers = await asyncio.gather(*(first.add(b"entry %d" % n) for n in range(100)))
        first.done(numbers[0])
        await second.open()
        assert len(second) == 0
        await first.close()
        other_kind = Spool(tmp_path, "undo")
        await other_kind.open()
        assert len(other_kind) == 0
        await second.adopt()
        assert [entry for _, entry in second.since(0)] == [b"entry %d" % n for n in range(1, 100)]
        third = Spool(tmp_path, "settle")
        await third.open()
        assert len(third) == 0
        for number, _ in second.since(0):
            second.done(number)
        for spool in (second, third, other_kind):
            await spool.close()

    asyncio.run(play())
    assert list(tmp_path.iterdir()) == [], "nothing is left once nothing waits"


def test_an_empty_journal_does_not_grow(tmp_path: Path) -> None:
    """Where everything is done the file is emptied, however much passed through it."""

    async def play() -> None:
        spool = Spool(tmp_path, "settle")
        await spool.open()
        for _ in range(50):
            spool.done(await spool.add(b"x" * 1000))
        await spool.add(b"y")
        await spool.close()

    asyncio.run(play())
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size < 3000


def test_settlements_survive_kill_9(tmp_path: Path) -> None:
    """Outcomes that the store could not take reach it after a restart, from the disk alone."""
    server = Valkey(tmp_path / "data", ("--appendonly", "yes", "--appendfsync", "always")).start()
    spool, tenant, limits = tmp_path / "spool", f"tenant-{uuid4().hex[:8]}", limits_of("day")
    child = Child("spool", server.url, tenant, "day", "5", str(spool))
    try:
        assert child.line() == "ready"
        assert server.process is not None
        server.process.send_signal(signal.SIGSTOP)
        child.go()
        assert child.line() == "kept 5"
        assert child.line() == "ready"
        server.process.send_signal(signal.SIGCONT)

        async def is_settled() -> bool:
            async with opened(server.url, serving=False) as ledger:
                page = await ledger.list(tenant, status=Status.REQUESTED, limit=9, cursor=None)
                return len(page.records) == 5

        child.kill()
        assert not asyncio.run(is_settled()), "the settlements are on disk alone"

        async def play() -> None:
            async with opened(server.url, spool_directory=spool) as ledger:
                settler = Settler(ledger, Spool(spool, SPOOL_KIND), retry_seconds=0.05)
                await settler.open()
                await until(is_settled)
                assert settler.kept == 0
                replay = await World(ledger, tenant=tenant).admit(key="k-3", limits=limits)
                assert isinstance(replay, Known)
                assert replay.record.status is Status.REQUESTED
                await settler.close()

        asyncio.run(play())
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.process.kill()
        server.stop()


def test_an_undo_survives_kill_9(tmp_path: Path) -> None:
    """An admission that the store took while nobody could hear it is taken back by the next process."""
    server = Valkey(tmp_path / "data").start()
    spool, tenant, limits = tmp_path / "spool", f"tenant-{uuid4().hex[:8]}", limits_of("day")
    child = Child("spool", server.url, tenant, "day", "0", str(spool))
    try:
        assert child.line() == "ready"
        child.go()
        assert child.line() == "kept 0"
        assert child.line() == "ready"
        with server.paused():
            child.go()
            assert child.line() == "unavailable"
            child.kill()

        async def play() -> None:
            async with opened(server.url, serving=False) as reader:
                world = World(reader, tenant=tenant)

                async def is_charged() -> bool:
                    return await world.remaining(*limits) == [49]

                await until(is_charged)
            async with opened(server.url, spool_directory=spool) as ledger:
                world = World(ledger, tenant=tenant)

                async def is_refunded() -> bool:
                    return await world.remaining(*limits) == [50]

                await until(is_refunded)
                assert isinstance(await world.admit(key="lost", limits=limits), Admitted)

        asyncio.run(play())
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.process.kill()
        server.stop()
