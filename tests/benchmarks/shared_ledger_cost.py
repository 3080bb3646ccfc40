"""What a call costs on the shared ledger: CPU here, and time inside the store.

Run as `python -m tests.benchmarks.shared_ledger_cost [CALLS]`: starts a Valkey of its own, keeps 64
calls in flight, each an admit under three quotas with an idempotency key and a settle.
"""

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from gateway.call import Reference, requested
from gateway.ledger import Admitted, Limit, Per, Scope
from gateway.ledger.redis import RedisLedger
from tests.ledger.shared_store import opened
from tests.ledger.valkey import Valkey, text
from tests.ledger.world import World

IN_FLIGHT = 64
LIMITS = (
    Limit("burst", 100_000, Per.SECOND),
    Limit("daily", 1_000_000, Per.DAY, Scope.USER, time_zone="Europe/Kyiv"),
    Limit("at-once", 10_000, Per.CONCURRENT),
)
OUTCOME = requested(Reference(1, "asterisk01", "1234567890.123456"))


async def _calls(ledger: RedisLedger, count: int) -> None:
    world = World(ledger)
    claims = [world.claim(key=f"key-{n}", limits=LIMITS) for n in range(count)]

    async def caller() -> None:
        while claims:
            decision = await ledger.admit(claims.pop())
            assert isinstance(decision, Admitted)
            await ledger.settle(world.tenant, decision.record.call_id, OUTCOME, 250_000, LIMITS)

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _measure(url: str, count: int) -> None:
    async with opened(url) as ledger:
        await _calls(ledger, 500)
        cpu, wall = _cpu_seconds(), time.perf_counter()
        await _calls(ledger, count)
        cpu, wall = _cpu_seconds() - cpu, time.perf_counter() - wall
    sys.stdout.write(f"{cpu / count * 1e6:.0f} us CPU a call here, {count / wall:.0f} calls/s\n")


def main() -> None:
    """Measure with asyncio's own loop and with uvloop."""
    import uvloop  # noqa: PLC0415 - a benchmark's own

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as directory:
        server = Valkey(Path(directory)).start()
        try:
            for name, run in (("asyncio", asyncio.run), ("uvloop", uvloop.run)):
                sys.stdout.write(f"{name}: ")
                run(_measure(server.url, count))
            for line in text(server.ask("INFO", "commandstats")).decode().splitlines():
                if line.startswith("cmdstat_evalsha"):
                    sys.stdout.write(f"{line}\n")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
