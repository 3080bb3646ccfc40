"""Many processes on one store decide as if requests came one by one; one that dies holds nothing up."""

import asyncio
import subprocess
import sys
from collections import Counter
from uuid import uuid4

import pytest

from gateway.call import RECOVERED, Status
from gateway.ledger import Known, Per
from tests.ledger.redis_child import limits_of
from tests.ledger.shared_store import opened, until
from tests.ledger.valkey import Cluster, Valkey
from tests.ledger.world import World

PROCESSES = 4


class Child:
    """One process of `redis_child`."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.ledger.redis_child", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def rest(self) -> list[str]:
        told, _ = self.process.communicate(timeout=100)
        assert self.process.returncode == 0
        return told.split()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)


def together(what: str, url: str, tenant: str, kind: str, count: int) -> Counter[str]:
    """What four processes are told that begin at once."""
    children = [Child(what, url, tenant, kind, str(count)) for _ in range(PROCESSES)]
    try:
        for child in children:
            assert child.line() == "ready"
        for child in children:
            child.go()
        return Counter(word for child in children for word in child.rest())
    finally:
        for child in children:
            child.process.kill()


def a_tenant() -> str:
    return f"tenant-{uuid4().hex[:8]}"


@pytest.mark.serial
@pytest.mark.parametrize("kind", ["hour", "day", "month", "concurrent"])
def test_exactly_the_limit_is_admitted_across_processes(valkey: Valkey, kind: Per) -> None:
    """1000 concurrent claims of four processes at a limit of 50 admit exactly 50, whatever the kind."""
    told = together("admit", valkey.url, a_tenant(), kind, 250)
    assert told == {"Admitted": 50, "Exceeded": 950}


@pytest.mark.serial
def test_exactly_the_limit_is_admitted_across_processes_on_a_cluster(cluster: Cluster) -> None:
    """The same, where the keys are spread over three nodes."""
    told = together("admit", cluster.url, a_tenant(), "day", 250)
    assert told == {"Admitted": 50, "Exceeded": 950}


@pytest.mark.serial
def test_one_key_across_processes_is_one_call(valkey: Valkey) -> None:
    """200 concurrent claims of four processes with one key: one is admitted, all others see its record."""
    told = together("one-key", valkey.url, a_tenant(), "day", 50)
    assert told == {"Admitted": 1, "Known": 199}


def test_what_a_killed_process_left_becomes_unknown_seen_by_others(valkey: Valkey) -> None:
    """Its slots are free at the deadline and its calls unknown, charged, with their keys; counted once."""
    tenant = a_tenant()
    child = Child("hold", valkey.url, tenant, "concurrent", "3")
    call_ids = [child.line() for _ in range(3)]
    child.kill()

    async def play() -> None:
        async with opened(valkey.url) as ledger, opened(valkey.url) as other:
            world = World(ledger, tenant=tenant)
            (slots,) = await ledger.peek(tenant, "key:crm", limits_of("concurrent"))
            assert slots.in_use in {0, 3}

            async def is_free() -> bool:
                return await world.remaining(*limits_of("concurrent")) == [50]

            await until(is_free)
            found = await ledger.find(tenant, call_ids[0])
            assert found is not None
            assert found.outcome == RECOVERED
            replay = await world.admit(key="k-1")
            assert isinstance(replay, Known)
            assert replay.record.status is Status.UNKNOWN
            page = await other.list(None, status=Status.UNKNOWN, limit=10, cursor=None)
            assert {r.call_id for r in page.records if r.tenant == tenant} == set(call_ids)
            assert await ledger.recover() + await other.recover() == 3
            assert await ledger.recover() + await other.recover() == 0

    asyncio.run(play())


@pytest.mark.parametrize("hours", [-1, 1, 24 * 400])
def test_clocks_apart_change_nothing(valkey: Valkey, hours: int) -> None:
    """A replica whose clock is an hour, or a year, off decides on quotas and keys as the others do."""

    async def play() -> None:
        async with opened(valkey.url) as right, opened(valkey.url) as wrong:
            world = World(right)
            limits = tuple(limit for kind in ("hour", "day", "month") for limit in limits_of(kind))
            limits = tuple(
                type(limit)(f"{limit.name}-{n}", 3, limit.per, time_zone="Asia/Kolkata")
                for n, limit in enumerate(limits)
            )
            first = await world.admitted(key="k", limits=limits)
            await wrong.peek(world.tenant, "key:crm", limits)
            assert wrong._store._offset_us is not None
            wrong._store._offset_us += hours * 3_600_000_000
            now = right._store.now_us
            before = wrong._store.now_us
            second = await wrong.admit(world.claim(limits=limits))
            assert abs(wrong._store.now_us - now) < 60_000_000 < abs(before - now), "it was set right"
            assert [state.remaining for state in second.quotas] == [1, 1, 1]
            wrong._store._offset_us += hours * 3_600_000_000
            again = await wrong.admit(world.claim(key="k", limits=limits))
            assert isinstance(again, Known)
            assert again.record == first
            wrong._store._offset_us += hours * 3_600_000_000
            settlement = await wrong.settle(world.tenant, first.call_id, RECOVERED, 5, limits)
            assert settlement.record.requested_at_us == first.requested_at_us
            assert settlement.record.settled_at_us == first.requested_at_us + 5

    asyncio.run(play())
