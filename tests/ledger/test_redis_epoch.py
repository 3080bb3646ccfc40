"""A store that lost its data is noticed and closed until an operator acknowledges the loss."""

import asyncio
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest

from gateway.ledger import Admitted, Known, Limit, Per, StoreUnavailable
from gateway.ledger.redis import RedisLedger
from tests.ledger.cases import UNKNOWN, WHOLE
from tests.ledger.shared_store import opened, until
from tests.ledger.valkey import Cluster, Valkey, start_cluster
from tests.ledger.world import World

LIMITS = (Limit("daily", 5, Per.DAY),)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A server for one test: these flush it."""
    server = Valkey(tmp_path / "data").start()
    yield server
    server.stop()


async def refusal_of(verb: Awaitable[object]) -> StoreUnavailable | None:
    try:
        await verb
    except StoreUnavailable as refusal:
        return refusal
    return None


async def is_closed(ledger: RedisLedger, world: World) -> bool:
    """Every verb is; otherwise none is."""
    refusals = [
        await refusal_of(ledger.admit(world.claim(limits=LIMITS))),
        await refusal_of(ledger.find(world.tenant, "x")),
        await refusal_of(ledger.find_by_key(world.tenant, "x")),
        await refusal_of(ledger.peek(world.tenant, "x", LIMITS)),
        await refusal_of(ledger.list(world.tenant, status=None, limit=1, cursor=None)),
    ]
    if all(refusal is None for refusal in refusals):
        return False
    for refusal in refusals:
        assert refusal is not None, "some verbs are open"
        assert refusal.kind == "emptied"
        assert "gateway store acknowledge --config FILE" in str(refusal)
    return True


def test_a_flush_closes_until_it_is_acknowledged(valkey: Valkey) -> None:
    """After FLUSHALL every replica is closed; one acknowledgement, by another process, opens all."""

    async def play() -> None:
        async with opened(valkey.url) as first, opened(valkey.url) as second:
            world = World(first)
            record = await world.admitted(limits=LIMITS)
            assert not await is_closed(second, World(second, tenant=world.tenant))
            await asyncio.to_thread(valkey.ask, "FLUSHALL")
            for ledger in (first, second):
                assert await is_closed(ledger, world)
                assert await is_closed(ledger, World(ledger)), "tenants that are new as well"
            with pytest.raises(StoreUnavailable):
                await world.settle(record, WHOLE, LIMITS)
            async with opened(valkey.url, serving=False) as operator:
                assert await is_closed(operator, world)
                await operator.acknowledge()
            for ledger in (first, second):
                assert not await is_closed(ledger, world)
            with pytest.raises(StoreUnavailable) as refusal:
                await world.settle(record, WHOLE, LIMITS)
            assert refusal.value.kind == "lost"

    asyncio.run(play())


def test_a_newcomer_does_not_take_an_emptied_store_for_new(valkey: Valkey) -> None:
    """Once any gateway has noticed, one that starts without a memory finds the store barred."""

    async def play() -> None:
        async with opened(valkey.url) as witness:
            world = World(witness)
            await world.admitted(limits=LIMITS)
            await asyncio.to_thread(valkey.ask, "FLUSHALL")
            assert await is_closed(witness, world)
            async with opened(valkey.url) as newcomer:
                assert await is_closed(newcomer, world)

    asyncio.run(play())


def test_the_memory_survives_a_restart(valkey: Valkey, tmp_path: Path) -> None:
    """A gateway that was down while the store was flushed remembers the epoch from its spool directory."""
    spool = tmp_path / "spool"

    async def play() -> None:
        async with opened(valkey.url, spool_directory=spool) as ledger:
            await World(ledger).admitted()
        await asyncio.to_thread(valkey.ask, "FLUSHALL")
        async with opened(valkey.url, spool_directory=spool) as ledger:
            assert await is_closed(ledger, World(ledger))
            await ledger.acknowledge()
        async with opened(valkey.url, spool_directory=spool) as ledger:
            assert not await is_closed(ledger, World(ledger))

    asyncio.run(play())


def test_a_store_that_was_founded_anew_is_not_the_one_that_was_known(valkey: Valkey, tmp_path: Path) -> None:
    """Where a newcomer came first after a flush, those who remember the old store stay closed, and close
    it for the newcomer: its next look, which comes every second, tells it. An operator's command that
    remembers closes nothing."""
    spool = tmp_path / "spool"

    async def play() -> None:
        async with opened(valkey.url, spool_directory=spool) as ledger:
            await World(ledger).admitted()
        await asyncio.to_thread(valkey.ask, "FLUSHALL")
        async with opened(valkey.url) as newcomer:
            world = World(newcomer)
            assert not await is_closed(newcomer, world)
            async with opened(valkey.url, spool_directory=spool, serving=False) as command:
                with pytest.raises(StoreUnavailable):
                    await command.recover()
            await newcomer.recover()
            async with opened(valkey.url, spool_directory=spool) as ledger:
                assert await is_closed(ledger, World(ledger))
                with pytest.raises(StoreUnavailable) as refusal:
                    await newcomer.recover()
                assert refusal.value.kind == "emptied"
                assert await is_closed(newcomer, world)
                await ledger.acknowledge()
                assert not await is_closed(newcomer, world)

    asyncio.run(play())


def test_an_older_state_of_the_store_is_refused_though_it_was_acknowledged(
    valkey: Valkey, tmp_path: Path
) -> None:
    """A snapshot from before the last acknowledgement has forgotten what was dialled since: closed for
    those who remember, over a restart too, and barred for those who don't."""
    spool = tmp_path / "spool"

    async def play() -> None:
        async with opened(valkey.url, spool_directory=spool) as ledger, opened(valkey.url) as operator:
            world = World(ledger)
            await world.admitted()
            await operator.acknowledge()
            assert not await is_closed(ledger, world)
            await asyncio.to_thread(valkey.ask, "SAVE")
            await asyncio.to_thread(valkey.ask, "FLUSHALL")
            assert await is_closed(ledger, world)
            await operator.acknowledge()
            await world.admitted(key="k")
            await asyncio.to_thread(valkey.stop)
            await asyncio.to_thread(valkey.start)
            await until(lambda: _is_emptied(ledger))
            assert await is_closed(ledger, world)
        async with opened(valkey.url, spool_directory=spool) as ledger, opened(valkey.url) as newcomer:
            for each in (ledger, newcomer):
                assert await is_closed(each, world)
            await newcomer.acknowledge()
            for each in (ledger, newcomer):
                assert not await is_closed(each, world)

    asyncio.run(play())


async def _is_emptied(ledger: RedisLedger) -> bool:
    refusal = await refusal_of(ledger.recover())
    return refusal is not None and refusal.kind == "emptied"


def test_who_was_down_takes_what_was_acknowledged_meanwhile(valkey: Valkey, tmp_path: Path) -> None:
    """Over several acknowledgements, and whether the store was lost or only closed; nobody is closed anew."""
    spool = tmp_path / "spool"

    async def play() -> None:
        async with opened(valkey.url, spool_directory=spool) as away:
            await World(away).admitted()
        async with opened(valkey.url) as ledger:
            world = World(ledger)
            await world.admitted(limits=LIMITS)
            await ledger.acknowledge()
            for _ in range(2):
                await asyncio.to_thread(valkey.ask, "FLUSHALL")
                assert await is_closed(ledger, world)
                async with opened(valkey.url, serving=False) as operator:
                    await operator.acknowledge()
                assert not await is_closed(ledger, world)
            async with opened(valkey.url, spool_directory=spool) as back:
                assert not await is_closed(back, World(back))
            assert not await is_closed(ledger, world)

    asyncio.run(play())


def test_an_acknowledgement_that_knew_nothing_of_a_store_is_asked_for_again(
    valkey: Valkey, tmp_path: Path
) -> None:
    """Where nobody who remembers had told the store, one who does closes it; the next word opens it."""
    spool = tmp_path / "spool"

    async def play() -> None:
        async with opened(valkey.url, spool_directory=spool) as ledger:
            await World(ledger).admitted()
        await asyncio.to_thread(valkey.ask, "FLUSHALL")
        async with opened(valkey.url, serving=False) as operator:
            await operator.acknowledge()
            async with opened(valkey.url, spool_directory=spool) as ledger:
                assert await is_closed(ledger, World(ledger))
                await operator.acknowledge()
                assert not await is_closed(ledger, World(ledger))

    asyncio.run(play())


def test_what_an_older_gateway_acknowledged_and_remembered_is_read(valkey: Valkey, tmp_path: Path) -> None:
    """Its store names no epochs that were superseded, its file the last one only."""
    spool = tmp_path / "spool"

    async def play() -> None:
        async with opened(valkey.url, spool_directory=spool) as ledger:
            await World(ledger).admitted()
        [file] = spool.glob("*.epoch")
        file.write_text("0123456789abcdef\n")
        await asyncio.to_thread(valkey.ask, "SET", "gateway:epoch", "A:0123456789abcdef")
        async with opened(valkey.url, spool_directory=spool) as ledger:
            assert not await is_closed(ledger, World(ledger))

    asyncio.run(play())


def test_a_new_tenant_is_not_a_lost_one(valkey: Valkey) -> None:
    """A tenant's first call on a known store needs nobody's word; one whose marker is gone does."""

    async def play() -> None:
        async with opened(valkey.url) as ledger, opened(valkey.url) as other:
            world = World(ledger)
            assert isinstance(await world.admit(limits=LIMITS), Admitted)
            await asyncio.to_thread(valkey.ask, "DEL", f"gw:{{{world.tenant}}}:e")
            assert await is_closed(ledger, world)
            assert await is_closed(other, world)
            assert not await is_closed(other, World(other)), "others' data are all there"
            await other.acknowledge()
            assert not await is_closed(ledger, world)

    asyncio.run(play())


def test_acknowledging_forgets_nothing_that_is_there(valkey: Valkey) -> None:
    """Records, keys and charges that were not lost go on under the new epoch."""

    async def play() -> None:
        async with opened(valkey.url) as ledger, opened(valkey.url) as other:
            world = World(ledger)
            record = await world.admitted(key="k", limits=LIMITS)
            await other.acknowledge()
            assert await other.find(world.tenant, record.call_id) == record
            replay = await world.admit(key="k", limits=LIMITS)
            assert isinstance(replay, Known)
            assert await world.remaining(*LIMITS) == [4]

    asyncio.run(play())


def test_acknowledging_hides_no_tenant_that_has_not_called_since(valkey: Valkey) -> None:
    """What asks for all tenants, listing, resolving and recovery, sees each of them at once; so it does one
    whose marker was lost, and who may call again."""

    async def play() -> None:
        async with opened(valkey.url) as ledger:
            idle, robbed = World(ledger), World(ledger)
            record = await idle.admitted(limits=LIMITS)
            await idle.settle(record, UNKNOWN, LIMITS)
            lost = await robbed.admitted(limits=LIMITS)
            await asyncio.to_thread(valkey.ask, "DEL", f"gw:{{{robbed.tenant}}}:e")
            async with opened(valkey.url, serving=False) as operator:
                await operator.acknowledge()
            async with opened(valkey.url, serving=False) as command:
                page = await command.list(None, status=None, limit=10, cursor=None)
                assert {each.call_id for each in page.records} == {record.call_id, lost.call_id}
                settlement = await command.resolve(record.call_id, WHOLE)
                assert settlement is not None
                assert settlement.record.outcome == WHOLE
            assert not await is_closed(ledger, robbed)

    asyncio.run(play())


def test_a_flush_of_one_node_closes_its_tenants(tmp_path: Path) -> None:
    """In a cluster the flush of one node closes what it held, and is accepted for all at once."""
    cluster: Cluster = start_cluster(tmp_path)

    async def play() -> None:
        async with opened(cluster.url) as ledger:
            worlds = [World(ledger) for _ in range(6)]
            for world in worlds:
                await world.admitted(limits=LIMITS)
            epoch_slot = await asyncio.to_thread(cluster.nodes[0].ask, "CLUSTER", "KEYSLOT", "gateway:epoch")
            assert isinstance(epoch_slot, int)
            epoch_node = cluster.nodes[epoch_slot * 3 // 16384]
            holders = [await asyncio.to_thread(cluster.node_of, world.tenant) for world in worlds]
            flushed = next(node for node in cluster.nodes if node is not epoch_node and node in holders)
            await asyncio.to_thread(flushed.ask, "FLUSHALL")
            for world, holder in zip(worlds, holders, strict=True):
                assert await is_closed(ledger, world) == (holder is flushed)
            await ledger.acknowledge()
            for world in worlds:
                assert not await is_closed(ledger, world)

    try:
        asyncio.run(play())
    finally:
        cluster.stop()
