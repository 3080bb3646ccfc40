"""The shared ledger as time goes by: by the store's own clock, which a test can only wait for."""

import asyncio

from gateway.ledger import Exceeded, Known, Limit, Per
from tests.ledger.cases import NOT_PLACED, UNKNOWN, WHOLE
from tests.ledger.shared_store import opened, until
from tests.ledger.valkey import Valkey
from tests.ledger.world import SECOND_US, World


def test_time_frees_buckets_and_slots(valkey: Valkey) -> None:
    """A bucket refills, and the slot of a call past its deadline is free, neither of them early."""
    bucket = Limit("burst", 2, Per.SECOND)
    slots = Limit("slots", 1, Per.CONCURRENT)

    async def play() -> None:
        async with opened(valkey.url) as ledger:
            world = World(ledger)
            first = await world.admitted(limits=(bucket, slots), deadline_us=SECOND_US)
            refused = await world.admit(limits=(bucket, slots))
            assert isinstance(refused, Exceeded)
            assert refused.violated == ("slots",)
            freed_at_us = 0

            async def is_free() -> bool:
                nonlocal freed_at_us
                states = await ledger.peek(world.tenant, "key:crm", (bucket, slots))
                freed_at_us = ledger._store.now_us
                return [state.remaining for state in states] == [2, 1]

            await until(is_free)
            assert freed_at_us > first.requested_at_us + SECOND_US
            await world.admitted(limits=(bucket, slots))

    asyncio.run(play())


def test_records_leave_with_their_retention(valkey: Valkey) -> None:
    """A settled record goes with its key and its place in the listing; an unknown one stays longer."""

    async def play() -> None:
        retention = {"retention_us": SECOND_US, "unknown_retention_us": 3600 * SECOND_US}
        async with opened(valkey.url, **retention) as ledger:
            world = World(ledger)
            settled = await world.admitted(key="settled")
            unknown = await world.admitted(key="unknown")
            await world.settle(settled, WHOLE)
            await world.settle(unknown, UNKNOWN)
            assert isinstance(await world.admit(key="settled"), Known)

            async def is_gone() -> bool:
                return await ledger.find(world.tenant, settled.call_id) is None

            await until(is_gone)
            assert ledger._store.now_us >= settled.requested_at_us + SECOND_US
            assert await ledger.find_by_key(world.tenant, "settled") is None
            assert isinstance(await world.admit(key="unknown"), Known)
            page = await ledger.list(world.tenant, status=None, limit=9, cursor=None)
            assert [record.call_id for record in page.records] == [unknown.call_id]
            verdict = await ledger.resolve(unknown.call_id, NOT_PLACED)
            assert verdict is not None
            assert await ledger.find(world.tenant, unknown.call_id) == verdict.record

    asyncio.run(play())


def test_an_idle_store_forgets_what_is_over(valkey: Valkey) -> None:
    """Counters, places and pointers of what is over leave the store: memory does not grow for ever."""

    async def play() -> None:
        retention = {"retention_us": SECOND_US // 2, "unknown_retention_us": SECOND_US // 2}
        async with opened(valkey.url, **retention) as ledger:
            world = World(ledger)
            limits = (Limit("burst", 5, Per.SECOND), Limit("slots", 5, Per.CONCURRENT))
            for number, outcome in enumerate((WHOLE, NOT_PLACED, UNKNOWN)):
                record = await world.admitted(key=f"k-{number}", limits=limits, deadline_us=SECOND_US)
                await world.settle(record, outcome, limits)

            async def is_tidy() -> bool:
                await ledger._recovery.trim()
                names = await asyncio.to_thread(valkey.ask, "KEYS", f"gw:{{{world.tenant}}}:*")
                return names == [f"gw:{{{world.tenant}}}:e".encode()]

            await until(is_tidy)

    asyncio.run(play())
