"""What every engine promises of records as they age: recovery, late truths, retention."""

from gateway.call import RECOVERED, requested
from gateway.ledger import Known, Limit, Per
from tests.ledger.cases import ALL, NOT_PLACED, REJECTED, UNKNOWN, WHOLE
from tests.ledger.world import (
    DAY_US,
    DEADLINE_US,
    MILLISECOND_US,
    MINUTE_US,
    RETENTION_US,
    UNKNOWN_RETENTION_US,
    Body,
    World,
)


async def past_its_deadline_a_record_becomes_unknown(world: World) -> None:
    """Recovering counts what it turns; it stays charged, keeps its key and gives its slot back."""
    record = await world.admitted(key="k", limits=ALL, deadline_us=DEADLINE_US)
    world.time.advance(DEADLINE_US)
    assert await world.ledger.recover() == 0
    world.time.advance(1)
    assert await world.ledger.recover() == 1
    assert await world.ledger.recover() == 0
    found = await world.ledger.find(world.tenant, record.call_id)
    assert found is not None
    assert (found.outcome, found.settled_at_us) == (RECOVERED, world.time.now_us)
    assert await world.remaining(*ALL) == [2, 4, 4]
    replay = await world.admit(key="k", limits=ALL)
    assert isinstance(replay, Known)
    assert replay.record == found


async def a_late_settlement_replaces_recovered_by_the_truth(world: World) -> None:
    """After recovery the first settlement counts, and refunds what it must; the next does not."""
    for truth, left in ((WHOLE, 2), (UNKNOWN, 2), (REJECTED, 3), (NOT_PLACED, 3)):
        limit = Limit(f"q-{truth.status}", 3, Per.DAY)
        record = await world.admitted(key=f"k-{truth.status}", limits=(limit,))
        world.time.advance(DEADLINE_US + 1)
        assert await world.ledger.recover() == 1
        settlement = await world.settle(record, truth, (limit,), elapsed_us=MINUTE_US)
        assert settlement.record.outcome == truth
        assert settlement.record.settled_at_us == record.requested_at_us + MINUTE_US
        assert (settlement.quotas is not None) == (left == 3)
        assert await world.remaining(limit) == [left]
        again = await world.settle(record, requested(None), (limit,))
        assert again == type(again)(settlement.record)
        held = await world.ledger.find_by_key(world.tenant, f"k-{truth.status}")
        assert held == (None if truth is NOT_PLACED else settlement.record)


async def records_and_keys_live_for_the_retention(world: World) -> None:
    """A settled record and its key are there until the retention is over, and then gone."""
    record = await world.admitted(key="k")
    await world.settle(record, WHOLE)
    world.time.advance(RETENTION_US - 1)
    assert isinstance(await world.admit(key="k"), Known)
    world.time.advance(1)
    assert await world.ledger.find(world.tenant, record.call_id) is None
    assert await world.ledger.find_by_key(world.tenant, "k") is None
    page = await world.ledger.list(world.tenant, status=None, limit=9, cursor=None)
    assert page.records == ()
    again = await world.admitted(key="k", says="another input")
    assert await world.ledger.find_by_key(world.tenant, "k") == again


async def unknown_records_live_longer(world: World) -> None:
    """An unknown record and its key outlive the retention; a late verdict replays, not vanishes."""
    record = await world.admitted(key="k")
    await world.settle(record, UNKNOWN)
    world.time.advance(UNKNOWN_RETENTION_US - 2 * MILLISECOND_US)
    held = await world.admit(key="k")
    assert isinstance(held, Known)
    verdict = await world.ledger.resolve(record.call_id, requested(None))
    assert verdict is not None
    assert verdict.record.settled_at_us == world.time.now_us
    world.time.advance(2 * MILLISECOND_US - 1)
    held = await world.admit(key="k")
    assert isinstance(held, Known)
    assert held.record == verdict.record
    world.time.advance(1)
    assert await world.ledger.find(world.tenant, record.call_id) is None
    await world.admitted(key="k")


async def a_record_in_progress_never_expires(world: World) -> None:
    """Retention is for what is settled: a call that is on the wire keeps its key, however long."""
    record = await world.admitted(key="k", deadline_us=100 * DAY_US)
    world.time.advance(UNKNOWN_RETENTION_US + DAY_US)
    held = await world.admit(key="k")
    assert isinstance(held, Known)
    assert held.record == record


BODIES: tuple[Body, ...] = (
    past_its_deadline_a_record_becomes_unknown,
    a_late_settlement_replaces_recovered_by_the_truth,
    records_and_keys_live_for_the_retention,
    unknown_records_live_longer,
    a_record_in_progress_never_expires,
)
