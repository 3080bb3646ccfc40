"""One shard of a cluster is dead: what waits for the tenants of the others is done all the same."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.call import CallRecord, Status
from gateway.ledger import Known, StoreUnavailable
from gateway.ledger.redis import RedisLedger
from gateway.ledger.redis.faults import Doubtful
from gateway.ledger.redis.keys import EPOCH
from gateway.ledger.redis.routing import slot_of
from gateway.ledger.spool import Spool
from gateway.place_call.settler import SPOOL_KIND, Settler
from tests.ledger.cases import WHOLE
from tests.ledger.shared_store import LIMITS, opened, until
from tests.ledger.valkey import Cluster, Valkey, start_cluster
from tests.ledger.world import World

_OPTIONS = (
    *("--cluster-require-full-coverage", "no", "--cluster-allow-reads-when-down", "yes"),
    *("--appendonly", "yes", "--appendfsync", "always"),
)


def _holder(cluster: Cluster, tag: bytes) -> Valkey:
    return cluster.nodes[slot_of(tag) * 3 // 16384]


def _name(cluster: Cluster, begin: str, fits: Callable[[Valkey], bool]) -> str:
    names = (f"{begin}-{n}" for n in range(100))
    return next(name for name in names if fits(_holder(cluster, name.encode())))


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster whose servers go on without one of them, and forget nothing when they are killed."""
    cluster = start_cluster(tmp_path_factory.mktemp("shards"), _OPTIONS)
    yield cluster
    cluster.stop()


async def _unheard(world: World, settler: Settler, record: CallRecord, node: Valkey) -> None:
    """An admission whose answer does not come, and a settlement that has to be kept."""
    with node.paused():
        with pytest.raises(Doubtful):
            await world.admit(key="unheard", limits=LIMITS)
        assert (await settler.settle(record, WHOLE, 1, LIMITS)).fault_kind is not None


async def _status(ledger: RedisLedger, record: CallRecord) -> Status | None:
    try:
        found = await ledger.find(record.tenant, record.call_id)
    except StoreUnavailable:
        return None
    return found and found.status


async def _unknowns(ledger: RedisLedger, world: World) -> int:
    return len((await ledger.list(world.tenant, status=Status.UNKNOWN, limit=9, cursor=None)).records)


async def _play(cluster: Cluster, directory: Path) -> None:
    home = _holder(cluster, EPOCH)
    # The tenant of the shard that dies comes first, in the order of arrival and in that of names.
    doomed = _name(cluster, "a", lambda node: node is not home)
    dead = _holder(cluster, doomed.encode())
    living = _name(cluster, "b", lambda node: node is not dead and node is not home)
    alive = _holder(cluster, living.encode())
    times = {"connect_timeout_ms": 500, "command_timeout_ms": 500}
    async with opened(cluster.url, spool_directory=directory, **times) as ledger:
        first, second = World(ledger, tenant=doomed), World(ledger, tenant=living)
        settler = Settler(ledger, Spool(directory, SPOOL_KIND), retry_seconds=0.05)
        await settler.open()
        records = [await world.admitted(key="k", limits=LIMITS) for world in (first, second)]
        for world in (first, second):
            await world.admitted(key="overdue", limits=LIMITS, deadline_us=0)
        await _unheard(first, settler, records[0], dead)
        await asyncio.to_thread(dead.stop)
        await _unheard(second, settler, records[1], alive)

        async def is_settled() -> bool:
            # The dead shard's waits.
            return settler.kept == 1 and await _status(ledger, records[1]) is Status.REQUESTED

        async def is_undone() -> bool:
            # Of five that are at once, one became unknown and gave its place back as one settled did.
            return await second.remaining(*LIMITS) == [3, 5]

        async def all_is_settled() -> bool:
            return settler.kept == 0 and await _status(ledger, records[0]) is Status.REQUESTED

        await until(is_settled)
        assert await _unknowns(ledger, second) == 0
        with pytest.raises(StoreUnavailable):
            await ledger.recover()
        assert await _unknowns(ledger, second) == 1
        await until(is_undone)
        await asyncio.to_thread(dead.start)
        await until(all_is_settled)
        replay = await first.admit(key="k")
        assert isinstance(replay, Known)
        assert await ledger.recover() == 2, "with the one that was recovered while a shard was dead"
        await settler.close()


@pytest.mark.serial
def test_a_dead_shard_holds_up_no_other_tenant(shards: Cluster, tmp_path: Path) -> None:
    """Kept settlements, undone admissions and recovery reach every shard that is there."""
    asyncio.run(_play(shards, tmp_path))


async def _kind_of_fault(world: World) -> str | None:
    try:
        await world.admitted(limits=LIMITS)
    except StoreUnavailable as fault:
        return fault.kind
    return None


@pytest.mark.serial
def test_a_gateway_that_starts_beside_a_dead_shard_serves_the_others(
    shards: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """The shard's own tenants are refused until it is back, and then as long as it may drop their keys."""
    home = _holder(shards, EPOCH)
    doomed = _name(shards, "c", lambda node: node is not home)
    dead = _holder(shards, doomed.encode())
    living = _name(shards, "d", lambda node: node is not dead and node is not home)

    async def play() -> None:
        async with opened(shards.url) as ledger:
            first, second = World(ledger, tenant=doomed), World(ledger, tenant=living)
            assert await _kind_of_fault(second) is None
            assert await _kind_of_fault(first) in {"connect", "circuit"}
            evicting = Valkey(dead.directory, (*dead.options, "--maxmemory-policy", "allkeys-lru"), dead.port)
            await asyncio.to_thread(evicting.start)
            dead.process = evicting.process

            async def is_found_out() -> bool:
                return await _kind_of_fault(first) == "eviction"

            async def is_served() -> bool:
                return await _kind_of_fault(first) is None

            await until(is_found_out)
            assert await _kind_of_fault(second) is None
            await asyncio.to_thread(dead.ask, "CONFIG", "SET", "maxmemory-policy", "noeviction")
            await until(is_served)

    dead.stop()
    asyncio.run(play())
    assert caplog.text.count("of a server of the store are refused until it is back") == 1
