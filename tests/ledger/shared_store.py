"""Ledgers over the tests' own Valkey servers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from gateway.ledger import Limit, Per, StoreUnavailable
from gateway.ledger.redis import RedisLedger, ledger_at
from tests.ledger.world import RETENTION_US, UNKNOWN_RETENTION_US, World


def redis_ledger(url: str, **about) -> RedisLedger:
    return ledger_at(
        url,
        retention_us=about.pop("retention_us", RETENTION_US),
        unknown_retention_us=about.pop("unknown_retention_us", UNKNOWN_RETENTION_US),
        # A machine that runs other tests beside these is slower than a store should be.
        connect_timeout_ms=about.pop("connect_timeout_ms", 10_000),
        command_timeout_ms=about.pop("command_timeout_ms", 10_000),
        **about,
    )


@contextlib.asynccontextmanager
async def opened(url: str, **about) -> AsyncIterator[RedisLedger]:
    ledger = redis_ledger(url, **about)
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()


async def until(met: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Wait until something holds that happens by itself."""
    end = time.monotonic() + seconds
    while not await met():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.02)


DAILY = Limit("daily", 5, Per.DAY)
AT_ONCE = Limit("at-once", 5, Per.CONCURRENT)
LIMITS = (DAILY, AT_ONCE)


async def answers(ledger: RedisLedger, world: World) -> bool:
    try:
        await ledger.peek(world.tenant, "key:crm", LIMITS)
    except StoreUnavailable:
        return False
    return True


async def is_untouched(observer: RedisLedger, world: World) -> bool:
    states = await observer.peek(world.tenant, "key:crm", LIMITS)
    return [state.remaining for state in states] == [5, 5]


async def is_charged_once(ledger: RedisLedger, world: World) -> bool:
    try:
        states = await ledger.peek(world.tenant, "key:crm", LIMITS)
    except StoreUnavailable:
        return False
    return [state.remaining for state in states] == [4, 4]
