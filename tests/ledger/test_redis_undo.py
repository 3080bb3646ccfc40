"""Taking back an admission that nobody heard of, on a real store: once, whole, and never what is settled."""

import asyncio

import pytest

from gateway.call import Outcome, Status
from gateway.ledger import Known, Limit, Per, StoreUnavailable
from gateway.ledger.charges import charges_of
from gateway.ledger.redis import RedisLedger
from gateway.ledger.redis.undos import handle_of_claim
from tests.ledger.cases import ALL, NOT_PLACED, REJECTED, UNKNOWN, WHOLE
from tests.ledger.shared_store import opened
from tests.ledger.valkey import Valkey
from tests.ledger.world import World


async def undo(ledger: RedisLedger, claim) -> object:
    """The script's word on it."""
    answer = await ledger._closing.undo(handle_of_claim(claim, charges_of(claim.limits)))
    return answer[0]


async def listed(world: World, status: Status | None = None) -> list[str]:
    page = await world.ledger.list(world.tenant, status=status, limit=9, cursor=None)
    return [record.call_id for record in page.records]


async def _ids_of(valkey: Valkey, world: World) -> set[bytes]:
    """What is in any index or slot of the tenant."""
    ids: set[bytes] = set()
    for place in await asyncio.to_thread(valkey.ask, "KEYS", f"gw:{{{world.tenant}}}:*"):
        if await asyncio.to_thread(valkey.ask, "TYPE", place) == b"zset":
            ids |= set(await asyncio.to_thread(valkey.ask, "ZRANGE", place, "0", "-1"))
    return ids


@pytest.mark.parametrize("key", ["k", None])
def test_an_undone_admission_leaves_nothing(valkey: Valkey, key: str | None) -> None:
    """Counters and slot are given back once, the record is gone, its key is free and it can't come again."""

    async def play() -> None:
        async with opened(valkey.url) as ledger:
            world = World(ledger)
            other = await world.admitted(key="other", limits=ALL)
            claim = world.claim(key=key, limits=ALL)
            await ledger.admit(claim)
            assert await undo(ledger, claim) == b"refunded"
            assert await world.remaining(*ALL) == [2, 4, 3]
            assert await undo(ledger, claim) == b"missing"
            assert await world.remaining(*ALL) == [2, 4, 3]
            assert await ledger.find(world.tenant, claim.call_id) is None
            assert await ledger.find_by_key(world.tenant, "k") is None
            assert await listed(world) == await listed(world, Status.IN_PROGRESS) == [other.call_id]
            assert await _ids_of(valkey, world) == {other.call_id.encode()}
            with pytest.raises(StoreUnavailable, match="taken back"):
                await ledger.admit(claim)
            await world.admitted(key="k", limits=ALL)

    asyncio.run(play())


@pytest.mark.parametrize("key", ["k", None])
def test_an_admission_that_was_not_made_yet_is_forbidden(valkey: Valkey, key: str | None) -> None:
    """For an hour; nothing is charged, and its key is free for others."""

    async def play() -> None:
        async with opened(valkey.url) as ledger:
            world = World(ledger)
            claim = world.claim(key=key, limits=ALL)
            assert await undo(ledger, claim) == b"missing"
            with pytest.raises(StoreUnavailable, match="taken back"):
                await ledger.admit(claim)
            (place,) = await asyncio.to_thread(valkey.ask, "KEYS", f"gw:{{{world.tenant}}}:*{claim.call_id}")
            left_ms = await asyncio.to_thread(valkey.ask, "PTTL", place)
            assert 3_500_000 < left_ms <= 3_600_000
            assert await world.remaining(*ALL) == [3, 5, 4]
            await world.admitted(key="k", limits=ALL)

    asyncio.run(play())


@pytest.mark.parametrize("outcome", [WHOLE, UNKNOWN, REJECTED, NOT_PLACED], ids=lambda o: o.status.name)
def test_what_is_settled_is_not_undone(valkey: Valkey, outcome: Outcome) -> None:
    """The outcome stands, with its record and what it cost."""

    async def play() -> None:
        async with opened(valkey.url) as ledger:
            world = World(ledger)
            await world.admitted(limits=ALL)
            claim = world.claim(key="k", limits=ALL)
            await ledger.admit(claim)
            settled = await ledger.settle(world.tenant, claim.call_id, outcome, 1, ALL)
            before = await world.remaining(*ALL)
            assert await undo(ledger, claim) == b"kept"
            assert await world.remaining(*ALL) == before
            assert await ledger.find(world.tenant, claim.call_id) == settled.record

    asyncio.run(play())


def test_what_became_unknown_by_itself_is_undone(valkey: Valkey) -> None:
    """A call that is past its deadline was not dialled if nobody heard of its admission."""

    async def play() -> None:
        async with opened(valkey.url) as ledger:
            world = World(ledger)
            limits = (Limit("daily", 2, Per.DAY),)
            claim = world.claim(key="k", limits=limits, deadline_us=0)
            await ledger.admit(claim)
            known = await world.admit(key="k")
            assert isinstance(known, Known)
            assert await listed(world, Status.UNKNOWN) == [claim.call_id]
            assert await undo(ledger, claim) == b"refunded"
            with pytest.raises(StoreUnavailable, match="taken back"):
                await ledger.admit(claim)
            assert await listed(world) == await listed(world, Status.UNKNOWN) == []
            assert await _ids_of(valkey, world) == set()
            assert await world.remaining(*limits) == [2]
            assert await ledger.find_by_key(world.tenant, "k") is None

    asyncio.run(play())


def test_another_calls_key_is_not_taken(valkey: Valkey) -> None:
    """Where the key belongs to another call by now, that call keeps it, its charge and its slot."""

    async def play() -> None:
        async with opened(valkey.url) as ledger:
            world = World(ledger)
            holder = await world.admitted(key="k", limits=ALL)
            assert await undo(ledger, world.claim(key="k", limits=ALL)) == b"missing"
            assert await ledger.find_by_key(world.tenant, "k") == holder
            assert await world.remaining(*ALL) == [2, 4, 3]

    asyncio.run(play())
