"""What the embedded ledger admitted is there after a crash; what it could not answer is undone."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from gateway.call import RECOVERED
from gateway.ledger import Admitted, Known, StoreUnavailable
from tests.ledger.cases import ALL, NOT_PLACED, UNKNOWN, WHOLE
from tests.ledger.child import DAILY, LIMITS, TENANT
from tests.ledger.serving import StuckClock, eventually, serve
from tests.ledger.world import Clock, World


@pytest.mark.parametrize("after", [1, 40, 300])
def test_a_killed_process_loses_no_admission(tmp_path: Path, after: int) -> None:
    """After kill -9 every answered admission is there: unknown, charged, its key held, its slot free."""
    path = tmp_path / "gateway.db"
    command = [sys.executable, "-m", "tests.ledger.child", "admit", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        answered = [child.stdout.readline().strip() for _ in range(after)]
        child.kill()
        answered += [line.strip() for line in child.stdout if line.endswith("\n")]

    async def body(world: World) -> None:
        found = [await world.ledger.find(TENANT, call_id) for call_id in answered]
        assert all(record is not None and record.outcome == RECOVERED for record in found)
        for record in filter(None, found[:20]):
            again = await world.admit(key=record.key, limits=LIMITS)
            assert isinstance(again, Known)
            assert again.record == record
        (daily, at_once) = await world.ledger.peek(TENANT, "key:crm", LIMITS)
        # What was committed and not answered yet may be there too: eight callers, one each.
        assert len(answered) <= DAILY.limit - (daily.remaining or 0) <= len(answered) + 8
        assert at_once.in_use == 0

    serve(path, body)


def test_a_restart_turns_what_was_in_progress_unknown(tmp_path: Path) -> None:
    """At the next opening a record in progress is unknown at once, within its deadline or not."""
    path, clock = tmp_path / "gateway.db", Clock()
    made = []

    async def before(world: World) -> None:
        made.extend([await world.admitted(key=key, limits=ALL) for key in ("a", "b")])
        await world.settle(made[0], WHOLE, ALL)

    async def after(world: World) -> None:
        settled, lost = [await world.ledger.find(TENANT, record.call_id) for record in made]
        assert settled is not None
        assert lost is not None
        assert (settled.outcome, lost.outcome) == (WHOLE, RECOVERED)
        assert await world.remaining(*ALL) == [1, 3, 4]
        late = await world.settle(made[1], NOT_PLACED, ALL)
        assert late.record.outcome == NOT_PLACED
        assert await world.remaining(*ALL) == [2, 4, 4]
        newer = await world.admitted(limits=ALL)
        page = await world.ledger.list(TENANT, status=None, limit=9, cursor=None)
        assert page.records[0] == newer

    serve(path, before, clock)
    clock.advance(-1_000_000)
    serve(path, after, clock)


def test_a_locked_store_is_told_within_a_second(tmp_path: Path) -> None:
    """While another process holds the file, admissions are refused in time, and never happen later."""
    path = tmp_path / "gateway.db"

    async def body(world: World) -> None:
        record = await world.admitted(key="placed", limits=ALL)
        other = apsw.Connection(str(path))  # the same SQLite: its locks hold between two connections
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        answers = await asyncio.gather(
            *(world.admit(key=f"k-{n}", limits=ALL) for n in range(20)),
            world.settle(record, WHOLE, ALL),
            return_exceptions=True,
        )
        assert time.monotonic() - began < 1.0
        assert all(isinstance(answer, StoreUnavailable) for answer in answers)
        other.execute("ROLLBACK")
        other.close()

        async def is_settled() -> bool:
            found = await world.ledger.find(TENANT, record.call_id)
            return found is not None and found.outcome == WHOLE

        await eventually(is_settled)
        assert await world.remaining(*ALL) == [2, 4, 4]
        page = await world.ledger.list(TENANT, status=None, limit=9, cursor=None)
        assert [found.call_id for found in page.records] == [record.call_id]
        assert isinstance(await world.admit(key="k-0", limits=ALL), Admitted)

    serve(path, body)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_an_admission_that_comes_through_too_late_is_undone(tmp_path: Path, is_cancelled: bool) -> None:
    """What was decided after the caller had gone is refunded, its key freed, its record removed."""
    clock = StuckClock()

    async def body(world: World) -> None:
        clock.may_go.clear()
        asked = asyncio.create_task(world.admit(key="k", limits=ALL))
        if is_cancelled:
            await asyncio.sleep(0.1)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
        else:
            with pytest.raises(StoreUnavailable) as told:
                await asked
            assert told.value.kind == "timeout"
        clock.may_go.set()

        async def is_undone() -> bool:
            return await world.remaining(*ALL) == [3, 5, 4]

        await eventually(is_undone)
        page = await world.ledger.list(TENANT, status=None, limit=9, cursor=None)
        assert page.records == ()
        assert isinstance(await world.admit(key="k", limits=ALL), Admitted)

    serve(tmp_path / "gateway.db", body, clock)


def test_closing_finishes_what_was_handed_in(tmp_path: Path) -> None:
    """Settlements that are still queued when the ledger closes are in the file afterwards."""
    path, clock, made = tmp_path / "gateway.db", Clock(), []

    async def before(world: World) -> None:
        made.extend(await asyncio.gather(*(world.admitted() for _ in range(50))))
        queued = [asyncio.create_task(world.settle(record, UNKNOWN)) for record in made]
        await asyncio.sleep(0)
        await world.ledger.close()
        await asyncio.gather(*queued)
        with pytest.raises(StoreUnavailable):
            await world.admit()

    async def after(world: World) -> None:
        for record in made:
            found = await world.ledger.find(TENANT, record.call_id)
            assert found is not None
            assert found.outcome == UNKNOWN

    serve(path, before, clock)
    serve(path, after, clock)
