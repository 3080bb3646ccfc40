"""Ledgers over the tests' own Valkey servers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from gateway.ledger.redis import RedisLedger, ledger_at
from tests.ledger.world import RETENTION_US, UNKNOWN_RETENTION_US


def redis_ledger(url: str, **about) -> RedisLedger:
    return ledger_at(
        url,
        retention_us=about.pop("retention_us", RETENTION_US),
        unknown_retention_us=about.pop("unknown_retention_us", UNKNOWN_RETENTION_US),
        # A machine that runs other tests beside these is slower than a store should be.
        connect_timeout_ms=about.pop("connect_timeout_ms", 2000),
        command_timeout_ms=about.pop("command_timeout_ms", 2000),
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
