"""A process of its own over a ledger's file, for tests that kill, starve or disarm it.

Run as `python -m tests.ledger.child WHAT FILE`. Each line that it prints is flushed.
"""

import asyncio
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.ledger import Limit, Per, StoreUnavailable
from tests.ledger.cases import WHOLE
from tests.ledger.test_sqlite_contract import sqlite_ledger
from tests.ledger.world import Clock, World

DAILY = Limit("daily", 1_000_000, Per.DAY)
AT_ONCE = Limit("at-once", 1_000_000, Per.CONCURRENT)
LIMITS = (DAILY, AT_ONCE)
TENANT = "acme"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def admit_until_killed(path: Path) -> None:
    """Admit for ever, some at once; each id is told once its admission was answered."""
    ledger = sqlite_ledger(path, Clock())
    await ledger.open()
    world = World(ledger, tenant=TENANT)

    async def caller(name: int) -> None:
        for number in range(1_000_000):
            record = await world.admitted(key=f"k-{name}-{number}", limits=LIMITS)
            say(record.call_id)

    await asyncio.gather(*(caller(name) for name in range(8)))


async def hold(path: Path) -> None:
    """Serve the file until the standard input ends."""
    ledger = sqlite_ledger(path, Clock())
    await ledger.open()
    say("serving")
    await asyncio.to_thread(sys.stdin.read)
    await ledger.close()


async def fill(path: Path) -> None:
    """Admit until the disk takes no more, which a limit on the size of files plays; then make room."""
    ledger = sqlite_ledger(path, Clock())
    await ledger.open()
    world = World(ledger, tenant=TENANT)
    first = await world.admitted(key="first", limits=LIMITS)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal = path.with_name(path.name + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 100_000, hard))
    count = 1
    try:
        while True:
            await world.admitted(limits=LIMITS)
            count += 1
    except StoreUnavailable as refusal:
        say(f"refused {refusal.kind}")
    page = await ledger.list(TENANT, status=None, limit=100, cursor=None)
    say(f"listed {min(count, 100) == len(page.records)}")
    replay = await world.admit(key="first", limits=LIMITS)
    say(f"replayed {type(replay).__name__}")
    (daily, at_once) = await ledger.peek(TENANT, "key:crm", LIMITS)
    say(f"charged {DAILY.limit - (daily.remaining or 0) == count == at_once.in_use}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        await world.settle(first, WHOLE, LIMITS)
    except StoreUnavailable as refusal:
        say(f"unsettled {refusal.kind}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = await ledger.find(TENANT, first.call_id)
        if found is not None and found.outcome == WHOLE:
            say("settled by itself")
            break
        await asyncio.sleep(0.05)
    await world.admitted(limits=LIMITS)
    say("admits again")
    await ledger.close()


async def open_unprivileged(path: Path) -> None:
    """Open the file as a user to whom its permissions apply, and tell how that went."""
    if os.getuid() == 0:
        os.setuid(65_534)
    ledger = sqlite_ledger(path, Clock())
    try:
        await ledger.open()
    except StoreUnavailable as refusal:
        say(f"{refusal.kind} {refusal}")
    else:
        say("opened")
        await ledger.close()


COMMANDS: dict[str, Callable[[Path], Awaitable[None]]] = {
    "admit": admit_until_killed,
    "hold": hold,
    "fill": fill,
    "open": open_unprivileged,
}


async def main() -> None:
    await COMMANDS[sys.argv[1]](Path(sys.argv[2]))


if __name__ == "__main__":
    asyncio.run(main())
