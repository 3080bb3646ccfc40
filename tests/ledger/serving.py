"""An embedded ledger that serves for the length of a test's body, and what such bodies wait with."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.ledger.child import TENANT
from tests.ledger.test_sqlite_contract import sqlite_ledger
from tests.ledger.world import Clock, World


def serve(path: Path | None, body: Callable[[World], Awaitable[None]], clock: Clock | None = None) -> None:
    async def run() -> None:
        time_of = clock or Clock()
        ledger = sqlite_ledger(path, time_of)
        await ledger.open()
        try:
            await body(World(ledger, time_of, TENANT))
        finally:
            await ledger.close()

    asyncio.run(run())


def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 8) -> Awaitable[None]:
    async def wait() -> None:
        until = time.monotonic() + seconds
        while not await check():
            assert time.monotonic() < until, "it never came true"
            await asyncio.sleep(0.02)

    return wait()


class StuckClock(Clock):
    """A clock that can be held: so the writer stands still in the middle of a decision."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go = threading.Event()
        self.may_go.set()

    def __call__(self) -> int:
        self.may_go.wait()
        return super().__call__()
