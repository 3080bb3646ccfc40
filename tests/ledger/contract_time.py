"""What every engine promises as time goes by; for engines whose clock can be set."""

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.call import Status
from gateway.ledger import Admitted, Exceeded, Limit, Per
from tests.ledger.cases import NOT_PLACED, REJECTED
from tests.ledger.world import (
    DAY_US,
    DEADLINE_US,
    HOUR_US,
    MINUTE_US,
    SECOND_US,
    Body,
    World,
)


def _at(zone: str, *moment: int) -> int:
    return int(datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp()) * SECOND_US


async def a_bucket_refills_to_the_microsecond(world: World) -> None:
    """Seven a minute: the eighth waits for exactly a seventh of a minute, and no microsecond less."""
    limit = Limit("q", 7, Per.MINUTE)
    for _ in range(7):
        await world.admitted(limits=(limit,))
    refused = await world.admit(limits=(limit,))
    assert isinstance(refused, Exceeded)
    assert refused.retry_after_seconds == refused.quotas[0].reset_seconds == 9
    world.time.advance(8_571_428)
    assert isinstance(await world.admit(limits=(limit,)), Exceeded)
    world.time.advance(1)
    assert await world.remaining(limit) == [1]
    await world.admitted(limits=(limit,))
    world.time.advance(MINUTE_US)
    assert await world.remaining(limit) == [7]


async def a_bucket_that_refills_within_a_millisecond_counts(world: World) -> None:
    """Two thousand a second, one at once: the second waits for its half millisecond too."""
    limit = Limit("q", 2000, Per.SECOND, burst=1)
    for _ in range(2):
        await world.admitted(limits=(limit,))
        assert isinstance(await world.admit(limits=(limit,)), Exceeded)
        world.time.advance(499)
        assert isinstance(await world.admit(limits=(limit,)), Exceeded)
        world.time.advance(1)


async def a_burst_is_the_buckets_size(world: World) -> None:
    """A bucket holds `burst` and refills `limit` a period."""
    limit = Limit("q", 1, Per.SECOND, burst=5)
    decisions = [await world.admit(limits=(limit,)) for _ in range(6)]
    assert [isinstance(decision, Admitted) for decision in decisions] == [True] * 5 + [False]
    assert decisions[0].quotas[0].remaining == 4
    assert decisions[4].quotas[0].reset_seconds == 1
    world.time.advance(3 * SECOND_US)
    (state,) = await world.ledger.peek(world.tenant, "key:crm", (limit,))
    assert (state.remaining, state.reset_seconds) == (3, 1)
    world.time.advance(2 * SECOND_US)
    (state,) = await world.ledger.peek(world.tenant, "key:crm", (limit,))
    assert (state.remaining, state.reset_seconds) == (5, 0)


async def a_day_ends_at_the_tenants_midnight(world: World) -> None:
    """A daily quota starts afresh at midnight in its zone; before it the wait is told."""
    limit = Limit("daily", 1, Per.DAY, time_zone="Europe/Kyiv")
    world.time.now_us = _at("Europe/Kyiv", 2026, 3, 29, 1, 0)  # the day of 23 hours
    await world.admitted(limits=(limit,))
    refused = await world.admit(limits=(limit,))
    assert isinstance(refused, Exceeded)
    assert refused.retry_after_seconds == refused.quotas[0].reset_seconds == 22 * 3600
    world.time.now_us = _at("Europe/Kyiv", 2026, 3, 30) - 1
    refused = await world.admit(limits=(limit,))
    assert isinstance(refused, Exceeded)
    assert refused.retry_after_seconds == 1
    world.time.advance(1)
    await world.admitted(limits=(limit,))


async def a_month_ends_with_the_tenants_month(world: World) -> None:
    """A monthly quota starts afresh on the first, in its zone."""
    limit = Limit("monthly", 1, Per.MONTH, time_zone="America/New_York")
    world.time.now_us = _at("America/New_York", 2026, 10, 31, 23, 59)
    await world.admitted(limits=(limit,))
    assert isinstance(await world.admit(limits=(limit,)), Exceeded)
    world.time.advance(MINUTE_US)
    await world.admitted(limits=(limit,))
    (state,) = await world.ledger.peek(world.tenant, "key:crm", (limit,))
    assert state.reset_seconds == 30 * 86_400 + 3600, "November has 30 days, one of them 25 hours long"


async def a_refund_goes_to_the_window_of_its_charge(world: World) -> None:
    """What yesterday's call gives back is yesterday's: today's count stays."""
    limit = Limit("daily", 3, Per.DAY)
    world.time.now_us = _at("UTC", 2026, 5, 1, 23, 59)
    late = await world.admitted(limits=(limit,))
    world.time.advance(2 * MINUTE_US)
    record = await world.admitted(limits=(limit,))
    await world.admitted(limits=(limit,))
    await world.settle(late, REJECTED, (limit,))
    assert await world.remaining(limit) == [1]
    await world.settle(record, REJECTED, (limit,))
    assert await world.remaining(limit) == [2]


async def a_refund_after_the_refill_is_nothing(world: World) -> None:
    """A bucket that has refilled meanwhile is never fuller than full."""
    limit = Limit("q", 2, Per.MINUTE)
    record = await world.admitted(limits=(limit,))
    world.time.advance(MINUTE_US)
    await world.settle(record, NOT_PLACED, (limit,))
    decisions = [await world.admit(limits=(limit,)) for _ in range(3)]
    assert [isinstance(decision, Admitted) for decision in decisions] == [True, True, False]


async def a_late_refund_gives_back_what_the_call_still_weighs(world: World) -> None:
    """Nothing where the call is paid back, a part where a part of it is, and the whole where every later
    call found others in the bucket: as if it had never been there."""
    limit = Limit("q", 1, Per.SECOND)
    late = await world.admitted(limits=(limit,))
    world.time.advance(2_800_000)
    await world.admitted(limits=(limit,))
    world.time.advance(200_000)
    await world.settle(late, REJECTED, (limit,))
    world.time.advance(799_999)
    assert isinstance(await world.admit(limits=(limit,)), Exceeded)
    world.time.advance(1)
    assert isinstance(await world.admit(limits=(limit,)), Admitted)

    part = Limit("part", 1, Per.SECOND, burst=2)
    first = await world.admitted(limits=(part,))
    world.time.advance(400_000)
    await world.admitted(limits=(part,))
    await world.settle(first, NOT_PLACED, (part,))
    assert await world.remaining(part) == [1]
    assert isinstance(await world.admit(limits=(part,)), Admitted)
    world.time.advance(999_999)
    assert isinstance(await world.admit(limits=(part,)), Exceeded)


async def a_burst_is_given_back_though_the_answers_are_slow(world: World) -> None:
    """While others kept the bucket full, half of the burst comes back whole after three seconds."""
    limit = Limit("q", 1, Per.SECOND, burst=20)
    burst = [await world.admitted(limits=(limit,)) for _ in range(20)]
    for _ in range(3):
        world.time.advance(SECOND_US)
        await world.admitted(limits=(limit,))
    for number, record in enumerate(burst[:10], start=1):
        await world.settle(record, NOT_PLACED, (limit,))
        assert await world.remaining(limit) == [number]


async def a_clock_that_goes_back_frees_nothing(world: World) -> None:
    """Neither a bucket nor a window gives anything back to a clock that was set back."""
    limits = (Limit("minute", 1, Per.MINUTE), Limit("daily", 1, Per.DAY))
    for limit in limits:
        await world.admitted(limits=(limit,))
    for back in (MINUTE_US, DAY_US):
        world.time.advance(-back)
        for limit in limits:
            assert isinstance(await world.admit(limits=(limit,)), Exceeded)
    world.time.advance(MINUTE_US + DAY_US)
    assert await world.remaining(*limits) == [0, 0]


async def a_lease_ends_at_its_deadline(world: World) -> None:
    """A slot that was never given back is free once its call is past the deadline."""
    limit = Limit("at-once", 1, Per.CONCURRENT)
    await world.admitted(limits=(limit,), deadline_us=DEADLINE_US)
    world.time.advance(DEADLINE_US)
    assert isinstance(await world.admit(limits=(limit,)), Exceeded)
    world.time.advance(1)
    (state,) = await world.ledger.peek(world.tenant, "key:crm", (limit,))
    assert (state.remaining, state.in_use) == (1, 0)
    await world.admitted(limits=(limit,))
    assert isinstance(await world.admit(limits=(limit,)), Exceeded)


async def each_lease_has_its_own_deadline(world: World) -> None:
    """When one lease has ended, the one that ends a microsecond later still counts."""
    limit = Limit("at-once", 5, Per.CONCURRENT)
    for ahead_us in (3, 2, 1):
        await world.admitted(limits=(limit,), deadline_us=DEADLINE_US + ahead_us)
    world.time.advance(DEADLINE_US)
    for in_use in (3, 3, 2, 1, 0):
        (state,) = await world.ledger.peek(world.tenant, "key:crm", (limit,))
        assert state.in_use == in_use
        world.time.advance(1)


async def consumption_survives_other_limits(world: World) -> None:
    """A counter is the quota's name: what was used stays used when limit, burst, period or zone change."""
    for _ in range(4):
        await world.admitted(limits=(Limit("q", 6, Per.MINUTE),))
    assert await world.remaining(Limit("q", 10, Per.MINUTE)) == [6]
    assert await world.remaining(Limit("q", 6, Per.MINUTE, burst=9)) == [5]
    assert await world.remaining(Limit("q", 3, Per.MINUTE)) == [0]
    assert await world.remaining(Limit("q", 6, Per.HOUR)) == [2]
    assert await world.remaining(Limit("q", 6, Per.SECOND)) == [2]
    assert await world.remaining(Limit("q", 6, Per.DAY)) == [2]
    await world.admitted(limits=(Limit("q", 6, Per.HOUR),))
    assert await world.remaining(Limit("q", 6, Per.HOUR), Limit("q", 6, Per.MINUTE)) == [1, 1]
    # A bucket that was made smaller is empty at most: it is not in debt.
    world.time.advance(20 * MINUTE_US)
    assert await world.remaining(Limit("q", 3, Per.HOUR)) == [1]


async def another_time_zone_gives_nothing_back(world: World) -> None:
    """What was used within the new zone's day stays used, wherever the old day began."""
    world.time.now_us = _at("UTC", 2026, 6, 1, 5, 0)
    for _ in range(2):
        await world.admitted(limits=(Limit("daily", 5, Per.DAY),))
    for zone in ("America/New_York", "Europe/Kyiv", "Pacific/Auckland"):
        assert await world.remaining(Limit("daily", 5, Per.DAY, time_zone=zone)) == [3], zone


async def another_time_zone_forgets_no_refund(world: World) -> None:
    """What was used before the new zone's day began is still counted, and given back when it is refunded."""
    world.time.now_us = _at("UTC", 2026, 6, 1, 3, 0)
    early = await world.admitted(limits=(Limit("daily", 5, Per.DAY),))
    world.time.now_us = _at("UTC", 2026, 6, 1, 5, 0)
    await world.admitted(limits=(Limit("daily", 5, Per.DAY),))
    new = Limit("daily", 5, Per.DAY, time_zone="America/New_York")  # whose day began at four
    await world.admitted(limits=(new,))
    assert await world.remaining(new) == [2]
    await world.settle(early, REJECTED)
    assert await world.remaining(new) == [3]


async def listing_since_a_moment(world: World) -> None:
    """Records admitted at or after the moment are listed, older ones are not."""
    made = []
    for _ in range(3):
        made.append(await world.admitted())
        world.time.advance(HOUR_US)
    page = await world.ledger.list(
        world.tenant, status=Status.IN_PROGRESS, limit=9, cursor=None, since_us=made[1].requested_at_us
    )
    assert page.records == (made[2], made[1])


BODIES: tuple[Body, ...] = (
    a_bucket_refills_to_the_microsecond,
    a_bucket_that_refills_within_a_millisecond_counts,
    a_burst_is_the_buckets_size,
    a_day_ends_at_the_tenants_midnight,
    a_month_ends_with_the_tenants_month,
    a_refund_goes_to_the_window_of_its_charge,
    a_refund_after_the_refill_is_nothing,
    a_late_refund_gives_back_what_the_call_still_weighs,
    a_burst_is_given_back_though_the_answers_are_slow,
    a_clock_that_goes_back_frees_nothing,
    a_lease_ends_at_its_deadline,
    each_lease_has_its_own_deadline,
    consumption_survives_other_limits,
    another_time_zone_gives_nothing_back,
    another_time_zone_forgets_no_refund,
    listing_since_a_moment,
)
