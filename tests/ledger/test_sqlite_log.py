"""What is admitted is on the disk before it is told; one that fails to sync admits nothing until mended."""

import asyncio
import errno
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from gateway.ledger import Admitted, Exceeded, Known, StoreUnavailable
from gateway.ledger.sqlite import SqliteLedger
from tests.ledger.cases import ALL, AT_ONCE, WHOLE
from tests.ledger.child import TENANT
from tests.ledger.serving import StuckClock, eventually, serve
from tests.ledger.test_sqlite_contract import sqlite_ledger
from tests.ledger.world import Clock, World


class Disk:
    """What the disk has: the ledger's files as they were when a sync of the log last ended well."""

    def __init__(self, place: Path) -> None:
        self.ledger = place / "gateway.db"
        self._copy: Path | None = None
        self._sync = os.fdatasync
        self.syncs = 0
        self.fails = False
        self.may_go = threading.Event()
        self.may_go.set()

    def sync(self, descriptor: int) -> None:
        self.may_go.wait(10)
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._sync(descriptor)
        self.syncs += 1
        self._copy = self.copy("", "-wal")

    def copy(self, *ends: str) -> Path:
        """A copy of the ledger's files. By another process, as to close any of them drops SQLite's locks."""
        place = Path(tempfile.mkdtemp(dir=self.ledger.parent))
        subprocess.run(["cp", *(f"{self.ledger}{end}" for end in ends), str(place)], check=True)
        return place / self.ledger.name

    def calls(self) -> set[str]:
        """The calls that a loss of power now would leave."""
        with closing(apsw.Connection(str(self._copy))) as reader:
            return {call_id for (call_id,) in reader.execute("SELECT call_id FROM calls")}


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """The writer's own syncs; SQLite's, of its checkpoints, go to the real disk."""
    found = Disk(tmp_path)
    monkeypatch.setattr(os, "fdatasync", found.sync)
    yield found
    found.may_go.set()


def counted(disk: Disk) -> Callable[[], int]:
    """How many syncs there were since it was asked last."""
    seen = disk.syncs

    def since() -> int:
        nonlocal seen
        before, seen = seen, disk.syncs
        return seen - before

    return since


def test_admissions_are_synced_and_nothing_else_is(disk: Disk) -> None:
    """On the disk before it is told, many at once; a settlement, a replay and a refusal wait for no disk."""

    async def body(world: World) -> None:
        since = counted(disk)
        record = await world.admitted(key="k", limits=(AT_ONCE,))
        assert record.call_id in disk.calls()
        assert since() == 1
        await world.settle(record, WHOLE)
        assert isinstance(await world.admit(key="k"), Known)
        made = await asyncio.gather(*(world.admit(limits=(AT_ONCE,)) for _ in range(AT_ONCE.limit)))
        assert {decision.record.call_id for decision in made} <= disk.calls()
        assert 1 <= since() <= AT_ONCE.limit
        for _ in range(3):
            assert isinstance(await world.admit(limits=(AT_ONCE,)), Exceeded)
        assert since() == 0

    serve(disk.ledger, body)


def test_a_settlement_does_not_wait_for_an_admissions_sync(disk: Disk) -> None:
    """Both share a commit; the settlement is told at once, the admission when the disk has it."""
    clock = StuckClock()

    async def body(world: World) -> None:
        record = await world.admitted()
        clock.may_go.clear()
        asked = [asyncio.create_task(step) for step in (world.admit(), world.settle(record, WHOLE))]
        await asyncio.sleep(0.1)
        disk.may_go.clear()
        clock.may_go.set()
        settled = await asked[1]
        assert settled.record.outcome == WHOLE
        await asyncio.sleep(0.05)
        assert not asked[0].done()
        disk.may_go.set()
        assert isinstance(await asked[0], Admitted)

    serve(disk.ledger, body, clock)


def test_what_could_not_be_synced_is_refused_and_undone(disk: Disk) -> None:
    """Refunded, its key free, its record gone; replays, refusals and settlements are answered meanwhile.
    With a sound disk calls are admitted again, once everything before is on it."""

    async def body(world: World) -> None:
        first = await world.admitted(key="first", limits=ALL)
        disk.fails = True
        for door in ("found out", "known"):
            with pytest.raises(StoreUnavailable) as told:
                await world.admit(key="second", limits=ALL)
            assert told.value.kind == "io", door
            assert str(told.value) == f"the ledger {disk.ledger}: its disk fails to sync: mend that"
        assert await world.ledger.find_by_key(TENANT, "second") is None
        assert await world.remaining(*ALL) == [2, 4, 3]
        assert isinstance(await world.admit(key="first", limits=ALL), Known)
        await world.settle(first, WHOLE, ALL)
        disk.fails = False

        async def is_mended() -> bool:
            try:
                return isinstance(await world.admit(key="second", limits=ALL), Admitted)
            except StoreUnavailable:
                return False

        await eventually(is_mended)
        second = await world.ledger.find_by_key(TENANT, "second")
        assert second is not None
        assert {first.call_id, second.call_id} <= disk.calls()
        assert await world.remaining(*ALL) == [1, 3, 3]

    serve(disk.ledger, body)


def test_what_could_not_be_synced_at_the_end_is_undone_before_it(disk: Disk) -> None:
    """Where the ledger is closing already too: the next start finds no call that was refused."""
    clock = StuckClock()

    async def body(world: World) -> None:
        ledger = world.ledger
        assert isinstance(ledger, SqliteLedger)
        clock.may_go.clear()
        asked = asyncio.create_task(world.admit(key="k"))
        await asyncio.sleep(0.1)
        disk.fails = True
        closing = asyncio.create_task(ledger.close())
        await asyncio.sleep(0.05)
        clock.may_go.set()
        with pytest.raises(StoreUnavailable):
            await asked
        await closing

    async def after(world: World) -> None:
        assert await world.ledger.find_by_key(TENANT, "k") is None

    serve(disk.ledger, body, clock)
    disk.fails = False
    serve(disk.ledger, after, clock)


def test_reading_beside_a_gateway_syncs_nothing(disk: Disk) -> None:
    """Commands that read do so though the disk fails."""
    serve(disk.ledger, _admit_once)
    disk.fails = True

    async def play() -> None:
        reader = sqlite_ledger(disk.ledger, Clock(), serving=False)
        await reader.open()
        page = await reader.list(TENANT, status=None, limit=9, cursor=None)
        assert len(page.records) == 1
        await reader.close()

    asyncio.run(play())


async def _admit_once(world: World) -> None:
    await world.admitted()


def test_after_a_failed_sync_the_log_begins_anew(disk: Disk) -> None:
    """What was written before the failure may be lost from the log though later syncs succeed, so that what
    follows in it counts for nothing: before another call is admitted everything is in the ledger's file."""

    async def body(world: World) -> None:
        record = await world.admitted()
        assert record.call_id.encode() not in disk.copy("").read_bytes()
        disk.fails = True
        with pytest.raises(StoreUnavailable):
            await world.admit()
        disk.fails = False

        async def is_there() -> bool:
            return record.call_id.encode() in disk.copy("").read_bytes()

        await eventually(is_there)

    serve(disk.ledger, body)


def test_a_verdict_that_could_not_be_synced_is_told_as_a_fault(disk: Disk) -> None:
    """An operator hears that the disk fails; the verdict is written down, and asking again tells so."""

    async def body(world: World) -> None:
        record = await world.admitted()
        ledger = world.ledger
        assert isinstance(ledger, SqliteLedger)
        world.time.advance(41_000_000)
        assert await ledger.recover() == 1
        disk.fails = True
        with pytest.raises(StoreUnavailable) as told:
            await ledger.resolve(record.call_id, WHOLE)
        assert told.value.kind == "io"
        disk.fails = False

        async def is_mended() -> bool:
            try:
                return await ledger.resolve(record.call_id, WHOLE) is None
            except StoreUnavailable:
                return False

        await eventually(is_mended)
        found = await ledger.find(TENANT, record.call_id)
        assert found is not None
        assert found.outcome == WHOLE

    serve(disk.ledger, body)


def test_a_disk_that_fails_at_once_refuses_the_start(disk: Disk) -> None:
    """Before anything is admitted: the opening syncs."""
    disk.fails = True

    async def body(_: World) -> None:
        raise AssertionError("it must not open")

    with pytest.raises(StoreUnavailable) as told:
        serve(disk.ledger, body)
    assert told.value.kind == "io"
