"""When what the shared store's scripts write begins, ends and leaves, to the microsecond."""

import asyncio

import pytest

from gateway.call import Outcome, Status
from gateway.ledger import Exceeded, Limit, Per
from tests.ledger.cases import NOT_PLACED, REJECTED, UNKNOWN, WHOLE
from tests.ledger.shared_store import opened
from tests.ledger.valkey import Valkey
from tests.ledger.world import (
    DAY_US,
    DEADLINE_US,
    HOUR_US,
    RETENTION_US,
    SECOND_US,
    UNKNOWN_RETENTION_US,
    Clock,
    World,
)

NOW_US = Clock().now_us + 123_457


async def _places(server: Valkey, world: World, kind: bytes) -> dict[str, bytes]:
    """The tenant's keys of one type."""
    names = await asyncio.to_thread(server.ask, "KEYS", f"gw:{{{world.tenant}}}:*")
    return {
        name.decode().split("}:")[1]: name
        for name in names
        if await asyncio.to_thread(server.ask, "TYPE", name) == kind
    }


@pytest.mark.parametrize("key", ["k", None])
@pytest.mark.parametrize("outcome", [WHOLE, UNKNOWN, REJECTED, NOT_PLACED], ids=lambda o: o.status.name)
def test_what_is_settled_lies_in_one_index_for_its_time(frozen, key: str | None, outcome: Outcome):
    """With its key's pointer, which leaves when it does."""
    server, clock = frozen
    clock.now_us = NOW_US
    index, kept_us = {
        Status.REQUESTED: ("i", RETENTION_US),
        Status.UNKNOWN: ("u", UNKNOWN_RETENTION_US),
    }.get(outcome.status, ("x", RETENTION_US))

    async def play() -> None:
        async with opened(server.url) as ledger:
            world = World(ledger)
            record = await world.admitted(key=key)
            await world.settle(record, outcome)
            assert [*await _places(server, world, b"zset")] == [index]
            texts = await _places(server, world, b"string")
            left = {
                name: await asyncio.to_thread(server.ask, "PEXPIRETIME", place)
                for name, place in texts.items()
                if name != "e"
            }
            names = {f"c:{record.call_id}"}
            if key is not None and outcome.status is not Status.NOT_PLACED:
                names.add(f"k:{key}")
            assert left == dict.fromkeys(names, -(-(NOW_US + kept_us) // 1000) - 1)

    asyncio.run(play())


def test_a_day_begins_and_ends_to_the_microsecond(frozen):
    """Midnight's own calls are the new day's, charged and refunded, whatever day the gateway took it for."""
    server, clock = frozen
    midnight_us = (NOW_US // DAY_US + 1) * DAY_US
    limits = (Limit("daily", 1, Per.DAY),)

    async def play() -> None:
        clock.now_us = midnight_us - HOUR_US
        async with opened(server.url) as ledger:
            world = World(ledger)
            await world.admitted(limits=limits)
            clock.now_us = midnight_us
            record = await world.admitted(limits=limits)
            clock.advance(HOUR_US)
            assert isinstance(await world.admit(limits=limits), Exceeded)
            await world.settle(record, REJECTED, limits)
            await world.admitted(limits=limits)
            assert isinstance(await world.admit(limits=limits), Exceeded)

    asyncio.run(play())


def test_a_slot_is_held_through_its_last_microsecond(frozen):
    """Others' admissions at that moment do not free it."""
    server, clock = frozen
    clock.now_us = NOW_US
    limits = (Limit("at-once", 2, Per.CONCURRENT),)

    async def play() -> None:
        async with opened(server.url) as ledger:
            world = World(ledger)
            await world.admitted(limits=limits, deadline_us=SECOND_US)
            clock.advance(SECOND_US)
            await world.admitted(limits=limits)
            assert isinstance(await world.admit(limits=limits), Exceeded)
            clock.advance(1)
            await world.admitted(limits=limits)
            assert isinstance(await world.admit(limits=limits), Exceeded)
            (slots,) = [name for name in await _places(server, world, b"zset") if name[0] == "l"]
            place = f"gw:{{{world.tenant}}}:{slots}"
            assert await asyncio.to_thread(server.ask, "ZCARD", place) == 2, "what is over is swept"

    asyncio.run(play())


@pytest.mark.parametrize("kept_us", [(2 * HOUR_US, DAY_US), (DAY_US, 2 * HOUR_US)])
def test_what_nobody_settles_expires_all_the_same(frozen, kept_us: tuple[int, int]):
    """Record, key and slots go after the deadline and the longer retention; a sooner call shortens none."""
    server, clock = frozen
    clock.now_us = NOW_US
    limits = (Limit("at-once", 3, Per.CONCURRENT),)

    async def expiries(world: World, kind: bytes) -> dict[str, int]:
        places = await _places(server, world, kind)
        return {
            name: await asyncio.to_thread(server.ask, "PEXPIRETIME", place) for name, place in places.items()
        }

    async def play() -> None:
        async with opened(server.url, retention_us=kept_us[0], unknown_retention_us=kept_us[1]) as ledger:
            world = World(ledger)
            await world.admitted(key="k", limits=limits)
            latest_ms = -(-(NOW_US + DEADLINE_US + DAY_US) // 1000) - 1
            texts = await expiries(world, b"string")
            assert sorted(texts.values()) == [-1, latest_ms, latest_ms], "the tenant's marker stays"
            slots = {name: at for name, at in (await expiries(world, b"zset")).items() if name[0] == "l"}
            assert [*slots.values()] == [latest_ms]
            await world.admitted(limits=limits, deadline_us=SECOND_US)
            assert (await expiries(world, b"zset")).items() >= slots.items()
            await world.admitted(limits=limits, deadline_us=2 * DEADLINE_US)
            (place,) = slots
            assert (await expiries(world, b"zset"))[place] == latest_ms + DEADLINE_US // 1000

    asyncio.run(play())
