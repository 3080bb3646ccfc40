"""What the embedded ledger costs a call: CPU of admit and settle together, on an fsynced file.

Run: python -m tests.benchmarks.ledger_cost [--in-flight 64] [--calls 10000] [--random-ids] [--keys]
Goal: at most 40 microseconds with 64 in flight. CPU is the whole process's, both threads, and the
kernel's work for it; the callers' own loop below is part of it.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from gateway.call import Reference, requested
from gateway.ledger import Admitted, Claim, Limit, Per
from gateway.ledger.sqlite import SqliteLedger

DAY_US = 86_400_000_000
LIMITS = (
    Limit("burst", 100_000, Per.SECOND),
    Limit("daily", 1_000_000, Per.DAY, time_zone="Europe/Kyiv"),
    Limit("at-once", 1000, Per.CONCURRENT),
)
OUTCOME = requested(Reference(1, "asterisk01", "1234567890.123456"))


def _now_us() -> int:
    return time.time_ns() // 1000


def _claim(number: int, *, is_random: bool, has_key: bool) -> Claim:
    return Claim(
        call_id=uuid4().hex if is_random else f"{number:032x}",
        tenant="acme",
        subject="key:crm",
        key=f"order-{number}" if has_key else None,
        fingerprint=b"f" * 32,
        caller_number="101",
        callee_number="+380441234567",
        client_reference=None,
        limits=LIMITS,
        deadline_us=40_000_000,
    )


async def _caller(ledger: SqliteLedger, claims: list[Claim], waits: list[float]) -> None:
    while claims:
        claim = claims.pop()
        before = time.perf_counter()
        decision = await ledger.admit(claim)
        waits.append(time.perf_counter() - before)
        assert isinstance(decision, Admitted), decision
        await ledger.settle("acme", claim.call_id, OUTCOME, 1000, LIMITS)


async def _measure(path: Path, options: argparse.Namespace) -> tuple[float, str]:
    ledger = SqliteLedger(path, retention_us=DAY_US, unknown_retention_us=30 * DAY_US, clock=_now_us)
    await ledger.open()
    claims = [
        _claim(number, is_random=options.random_ids, has_key=options.keys)
        for number in reversed(range(options.calls))
    ]
    waits: list[float] = []
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(_caller(ledger, claims, waits) for _ in range(options.in_flight)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    await ledger.close()
    waits.sort()
    cost = cpu / options.calls * 1e6
    return cost, (
        f"{cost:.1f} us CPU a call, {options.calls / wall:.0f} calls/s, "
        f"admit p50 {waits[len(waits) // 2] * 1e3:.2f} ms, p99 {waits[len(waits) * 99 // 100] * 1e3:.2f} ms"
    )


def main() -> None:
    """Measure a few times and print the cheapest: other work on the machine only ever adds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--random-ids", action="store_true")
    parser.add_argument("--keys", action="store_true")
    options = parser.parse_args()
    rounds = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as directory:
            rounds.append(asyncio.run(_measure(Path(directory) / "gateway.db", options)))
    print(min(rounds)[1])  # noqa: T201


if __name__ == "__main__":
    main()
