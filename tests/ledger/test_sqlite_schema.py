"""An older file becomes a newer one and loses nothing; what a call writes; where those in progress are."""

from contextlib import closing
from itertools import pairwise
from pathlib import Path

import apsw
import pytest

from gateway.call import IN_PROGRESS, RECOVERED, CallRecord, Outcome, Status
from gateway.ledger import Admitted, Known, Limit, Per
from gateway.ledger.outcome_text import write_outcome
from gateway.ledger.sqlite.schema import MIGRATIONS, VERSION
from tests.ledger.cases import ALL, AT_ONCE, NOT_PLACED, REJECTED, UNKNOWN, WHOLE
from tests.ledger.child import TENANT
from tests.ledger.serving import serve
from tests.ledger.world import (
    DAY_US,
    DEADLINE_US,
    HOUR_US,
    MINUTE_US,
    UNKNOWN_RETENTION_US,
    Clock,
    World,
)

ENDS: dict[str, Outcome] = {
    "lost": IN_PROGRESS,
    "whole": WHOLE,
    "rejected": REJECTED,
    "not-placed": NOT_PLACED,
    "unknown": UNKNOWN,
}
"""What became of the call of each idempotency key."""

INSERT = "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
PAGE_BYTES = 4096
FRAME_BYTES = PAGE_BYTES + 24


def made_by_an_older_gateway(path: Path, now_us: int) -> None:
    """A file of the first version, with a call of every end that an hour ago was charged on a slot."""
    claim = World(None, tenant=TENANT).claim()
    with closing(apsw.Connection(str(path))) as connection, connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        for number, (key, outcome) in enumerate(ENDS.items()):
            at_us = now_us - HOUR_US + number
            is_over = outcome is not IN_PROGRESS
            values = (
                at_us,
                f"call-{key}",
                TENANT,
                claim.subject,
                key,
                claim.fingerprint,
                claim.caller_number,
                claim.callee_number,
                None,
                '[["at-once","tenant",true]]',
                at_us,
                at_us + DEADLINE_US,
                str(outcome.status.value),
                write_outcome(outcome).decode() if is_over else None,
                at_us + 1 if is_over else None,
                int(is_over),
                at_us + UNKNOWN_RETENTION_US if is_over else None,
            )
            connection.execute(INSERT, values)


async def listed(world: World, status: Status) -> list[str]:
    page = await world.ledger.list(TENANT, status=status, limit=9, cursor=None)
    return [record.call_id for record in page.records]


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Every record is there with its outcome; keys are held or free as they were; a lost call is unknown."""
    path, clock = tmp_path / "gateway.db", Clock()
    made_by_an_older_gateway(path, clock())

    async def body(world: World) -> None:
        for key, outcome in ENDS.items():
            found = await world.ledger.find(TENANT, f"call-{key}")
            assert found is not None
            assert (found.outcome, found.key) == (RECOVERED if key == "lost" else outcome, key)
            assert await listed(world, found.outcome.status) == [
                f"call-{other}"
                for other in reversed(ENDS)
                if (RECOVERED if other == "lost" else ENDS[other]).status is found.outcome.status
            ]
            again = await world.admit(key=key, limits=ALL)
            assert isinstance(again, Admitted if key == "not-placed" else Known)
        assert await world.remaining(AT_ONCE) == [AT_ONCE.limit - 1], "one slot, of the key that was free"
        late = await world.ledger.settle(TENANT, "call-lost", WHOLE, 5, ())
        assert late.record.outcome == WHOLE

    serve(path, body, clock)
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("PRAGMA user_version").get == VERSION
        assert connection.execute("PRAGMA integrity_check").get == "ok"


def test_a_bucket_of_an_older_gateway_is_refunded_as_far_as_it_tells(tmp_path: Path) -> None:
    """Its records name no rule and its counters have no trace: the last call comes back whole, and of one
    before it nobody knows what it still weighs."""
    path, clock, limit = tmp_path / "gateway.db", Clock(), Limit("q", 3, Per.HOUR)
    records: list[CallRecord] = []

    async def charged(world: World) -> None:
        for _ in range(2):
            records.append(await world.admitted(tenant=TENANT, limits=(limit,)))
            clock.advance(MINUTE_US)

    async def refunded(world: World) -> None:
        for record, remaining in zip(records, (1, 2), strict=True):
            await world.settle(record, REJECTED, (limit,))
            assert await world.remaining(limit) == [remaining]

    serve(path, charged, clock)
    with closing(apsw.Connection(str(path))) as connection, connection:
        connection.execute("""UPDATE calls SET charges = '[["q","tenant",false]]'""")
        connection.execute("UPDATE counters SET since_us = 0")
    serve(path, refunded, clock)


def test_an_older_file_without_calls_is_brought_up_to_date(tmp_path: Path) -> None:
    """One that has never served."""
    path = tmp_path / "gateway.db"
    with closing(apsw.Connection(str(path))) as connection, connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")

    async def body(world: World) -> None:
        record = await world.admitted(key="k")
        assert await listed(world, Status.IN_PROGRESS) == [record.call_id]

    serve(path, body)


@pytest.mark.parametrize(("outcome", "pages"), [(WHOLE, 1), (NOT_PLACED, 4)])
def test_a_call_writes_few_pages(tmp_path: Path, outcome: Outcome, pages: int) -> None:
    """Admitted: the row, its id, its key, its tenant and the counters; requested: the row again."""
    path = tmp_path / "gateway.db"
    log = path.with_name("gateway.db-wal")

    async def body(world: World) -> None:
        await world.settle(await world.admitted(key="first", limits=ALL), WHOLE, ALL)
        sizes = [log.stat().st_size]
        record = await world.admitted(key="second", limits=ALL)
        sizes.append(log.stat().st_size)
        await world.settle(record, outcome, ALL)
        sizes.append(log.stat().st_size)
        written = [(after - before) // FRAME_BYTES for before, after in pairwise(sizes)]
        # A tick of the housekeeping may come between, and moves its mark.
        assert 5 <= written[0] <= 6
        assert pages <= written[1] <= pages + 1

    serve(path, body)


def test_calls_in_progress_are_sought_above_the_mark(tmp_path: Path) -> None:
    """The mark follows the oldest call in progress, and no restart overlooks one: also where all newer
    rows have expired, and the clock went back behind the mark."""
    path, clock = tmp_path / "gateway.db", Clock()

    def mark() -> int:
        with closing(apsw.Connection(str(path))) as reader:
            return int(reader.execute("SELECT settled_below FROM marks").get)

    async def settled(world: World) -> None:
        record = await world.admitted()
        await world.settle(record, WHOLE)
        clock.advance(2 * DAY_US)

    async def in_progress(world: World) -> None:
        made.append(await world.admitted(key="k"))
        assert await listed(world, Status.IN_PROGRESS) == [made[0].call_id]

    async def recovered(world: World) -> None:
        found = await world.ledger.find(TENANT, made[0].call_id)
        assert found is not None
        assert found.outcome == RECOVERED
        assert not await listed(world, Status.IN_PROGRESS)

    made: list[CallRecord] = []
    serve(path, settled, clock)
    serve(path, settled, clock)  # closing keeps house once more, and takes out what has expired
    behind = mark()
    assert behind > 0
    with closing(apsw.Connection(str(path))) as emptied:
        emptied.execute("DELETE FROM calls")
    clock.now_us = behind - 5 * DAY_US
    serve(path, in_progress, clock)
    assert mark() == behind, "the call in progress has the next number"
    serve(path, recovered, clock)
    assert mark() > behind
