"""What every engine promises of settlements: outcomes, refunds, keys, slots; over any engine."""

import asyncio

from gateway.call import requested
from gateway.ledger import Exceeded, Known, Limit, Per, Scope
from tests.ledger.cases import ALL, AT_ONCE, DAILY, NOT_PLACED, REJECTED, UNKNOWN, WHOLE
from tests.ledger.world import Body, World


async def the_first_settlement_stands(world: World) -> None:
    """Settling writes the outcome once; a later word changes neither record nor quota."""
    record = await world.admitted(key="k", limits=ALL, client_reference="order 7")
    settlement = await world.settle(record, WHOLE, ALL, elapsed_us=1_234_567)
    assert settlement.record.client_reference == "order 7"
    assert settlement.quotas is None
    assert settlement.record.outcome == WHOLE
    assert settlement.record.settled_at_us == record.requested_at_us + 1_234_567
    for late in (NOT_PLACED, UNKNOWN, requested(None)):
        again = await world.settle(record, late, ALL, elapsed_us=9)
        assert again.record == settlement.record
        assert again.quotas is None
    assert await world.ledger.find(world.tenant, record.call_id) == settlement.record
    assert await world.ledger.find_by_key(world.tenant, "k") == settlement.record
    assert await world.remaining(*ALL) == [2, 4, 4]


async def a_settlement_is_never_before_its_admission(world: World) -> None:
    """What took no time was settled when it was admitted; so was what is said to have taken less."""
    for elapsed_us in (0, -5):
        record = await world.admitted()
        settlement = await world.settle(record, WHOLE, elapsed_us=elapsed_us)
        assert settlement.record.settled_at_us == record.requested_at_us


async def requested_and_unknown_stay_charged(world: World) -> None:
    """What was or may have been placed keeps its charge and its key, but gives its slot back."""
    for number, outcome in enumerate((requested(None), UNKNOWN), start=1):
        record = await world.admitted(key=f"k-{number}", limits=ALL)
        assert (await world.settle(record, outcome, ALL)).quotas is None
        assert await world.remaining(*ALL) == [3 - number, 5 - number, 4]
        replay = await world.admit(key=f"k-{number}", limits=ALL)
        assert isinstance(replay, Known)
        assert replay.record.outcome == outcome


async def rejected_refunds_once_and_keeps_the_key(world: World) -> None:
    """What the upstream rejected costs nothing; its key replays the rejection."""
    record = await world.admitted(key="k", limits=ALL)
    settlement = await world.settle(record, REJECTED, ALL)
    assert settlement.quotas is not None
    assert [state.limit for state in settlement.quotas] == list(ALL)
    assert [state.remaining for state in settlement.quotas] == [3, 5, 4]
    await world.admitted(limits=ALL)
    assert (await world.settle(record, REJECTED, ALL)).quotas is None
    assert await world.remaining(*ALL) == [2, 4, 3]
    replay = await world.admit(key="k", limits=ALL)
    assert isinstance(replay, Known)
    assert replay.record == settlement.record


async def not_placed_refunds_once_and_releases_the_key(world: World) -> None:
    """What was not placed costs nothing, its key is free for a first try, its record can be read."""
    record = await world.admitted(key="k", limits=ALL)
    settlement = await world.settle(record, NOT_PLACED, ALL)
    assert settlement.quotas is not None
    assert [state.remaining for state in settlement.quotas] == [3, 5, 4]
    assert await world.ledger.find_by_key(world.tenant, "k") is None
    retry = await world.admitted(key="k", says="even another input", limits=ALL)
    assert (await world.settle(record, NOT_PLACED, ALL)).quotas is None
    assert await world.ledger.find_by_key(world.tenant, "k") == retry
    assert await world.ledger.find(world.tenant, record.call_id) == settlement.record
    assert await world.remaining(*ALL) == [2, 4, 3]


async def settlements_at_once_refund_once(world: World) -> None:
    """Twenty concurrent settlements of one call give back one charge, and one of them says so."""
    await world.admitted(limits=ALL)
    record = await world.admitted(limits=ALL)
    settlements = await asyncio.gather(*(world.settle(record, NOT_PLACED, ALL) for _ in range(20)))
    assert sum(settlement.quotas is not None for settlement in settlements) == 1
    assert await world.remaining(*ALL) == [2, 4, 3]


async def refunds_go_where_the_charge_was(world: World) -> None:
    """Each scope's counter gets back what that call took, and only that one."""
    limits = (Limit("agent", 2, Per.HOUR, Scope.USER), Limit("callee", 2, Per.DAY, Scope.CALLEE))
    await world.admitted(subject="a", callee="1", limits=limits)
    record = await world.admitted(subject="a", callee="1", limits=limits)
    await world.admitted(subject="b", callee="2", limits=limits)
    settlement = await world.settle(record, REJECTED, limits)
    assert settlement.quotas is not None
    assert [state.remaining for state in settlement.quotas] == [1, 1]
    other = await world.admit(subject="b", callee="2", limits=limits)
    assert [state.remaining for state in other.quotas] == [0, 0]


async def a_refund_outlives_a_change_of_limits(world: World) -> None:
    """What was charged is given back though the tenant's limits are others by now."""
    old = Limit("hourly", 3, Per.HOUR)
    record = await world.admitted(limits=(old, DAILY))
    settlement = await world.settle(record, NOT_PLACED, (AT_ONCE,))
    assert settlement.quotas is not None
    assert [state.limit for state in settlement.quotas] == [AT_ONCE]
    assert await world.remaining(old, DAILY) == [3, 5]


async def every_outcome_gives_the_slot_back(world: World) -> None:
    """A concurrent quota counts from admission to settlement, whatever the outcome."""
    limit = Limit("at-once", 1, Per.CONCURRENT)
    for outcome in (WHOLE, REJECTED, NOT_PLACED, UNKNOWN):
        record = await world.admitted(limits=(limit,))
        assert isinstance(await world.admit(limits=(limit,)), Exceeded)
        await world.settle(record, outcome, (limit,))
    (state,) = await world.ledger.peek(world.tenant, "key:crm", (limit,))
    assert (state.remaining, state.in_use, state.reset_seconds) == (1, 0, None)


BODIES: tuple[Body, ...] = (
    the_first_settlement_stands,
    a_settlement_is_never_before_its_admission,
    requested_and_unknown_stay_charged,
    rejected_refunds_once_and_keeps_the_key,
    not_placed_refunds_once_and_releases_the_key,
    settlements_at_once_refund_once,
    refunds_go_where_the_charge_was,
    a_refund_outlives_a_change_of_limits,
    every_outcome_gives_the_slot_back,
)
