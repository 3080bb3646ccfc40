"""A process of its own over a shared store, for tests of many replicas and of ones that are killed.

Run as `python -m tests.ledger.redis_child WHAT URL TENANT KIND COUNT [SPOOL]`. It says `ready`, waits
for a line on its standard input, and tells one word for each claim.
"""

import asyncio
import sys
from pathlib import Path

from gateway.call import CallRecord, Status
from gateway.ledger import Admitted, Limit, Per, StoreUnavailable
from gateway.ledger.spool import Spool
from gateway.place_call.settler import SPOOL_KIND, Settler
from tests.ledger.cases import WHOLE
from tests.ledger.shared_store import opened
from tests.ledger.world import HOUR_US, SECOND_US, World

TOGETHER = 50


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def limits_of(kind: str) -> tuple[Limit, ...]:
    """A quota of 50 that refills nothing while a test runs: the bucket takes an hour for one."""
    per = Per(kind)
    return (Limit("q", 1, per, burst=50),) if per is Per.HOUR else (Limit("q", 50, per),)


async def go() -> None:
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)


async def admit(url: str, tenant: str, kind: str, count: int) -> None:
    """Claim `count` times, many at once."""
    limits = limits_of(kind)
    async with opened(url, command_timeout_ms=20_000) as ledger:
        world = World(ledger, tenant=tenant)
        await ledger.peek(tenant, "key:crm", limits)
        await go()
        gate = asyncio.Semaphore(TOGETHER)

        async def one() -> str:
            async with gate:
                return type(await world.admit(limits=limits, deadline_us=HOUR_US)).__name__

        for told in await asyncio.gather(*(one() for _ in range(count))):
            say(told)


async def one_key(url: str, tenant: str, kind: str, count: int) -> None:
    """Claim one key `count` times at once."""
    async with opened(url, command_timeout_ms=20_000) as ledger:
        world = World(ledger, tenant=tenant)
        await ledger.peek(tenant, "key:crm", limits_of(kind))
        await go()
        for told in await asyncio.gather(*(world.admit(key="the-key") for _ in range(count))):
            say(type(told).__name__)


async def hold(url: str, tenant: str, kind: str, count: int) -> None:
    """Admit `count` calls with a deadline of a second and never settle them."""
    async with opened(url) as ledger:
        world = World(ledger, tenant=tenant)
        for number in range(count):
            record = await world.admitted(key=f"k-{number}", limits=limits_of(kind), deadline_us=SECOND_US)
            say(record.call_id)
        await go()


async def spool(url: str, tenant: str, kind: str, count: int) -> None:
    """Admit, then settle and admit while the store is away: what is told as spooled is on disk."""
    directory = Path(sys.argv[6])
    timeouts = {"connect_timeout_ms": 500, "command_timeout_ms": 500}
    async with opened(url, spool_directory=directory, **timeouts) as ledger:
        settler = Settler(ledger, Spool(directory, SPOOL_KIND))
        await settler.open()
        world = World(ledger, tenant=tenant)
        limits = limits_of(kind)
        records: list[CallRecord] = [
            await world.admitted(key=f"k-{n}", limits=limits, deadline_us=HOUR_US) for n in range(count)
        ]
        await ledger.peek(tenant, "key:crm", limits)
        await go()
        for record in records:
            settlement = await settler.settle(record, WHOLE, 1000, limits)
            assert settlement.record.outcome.status is Status.REQUESTED
        say(f"kept {settler.kept}")
        await go()
        try:
            decision = await world.admit(key="lost", limits=limits)
            say("admitted" if isinstance(decision, Admitted) else "refused")
        except StoreUnavailable:
            say("unavailable")
        await go()


async def main() -> None:
    what = {"admit": admit, "one-key": one_key, "hold": hold, "spool": spool}[sys.argv[1]]
    await what(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))


if __name__ == "__main__":
    asyncio.run(main())
