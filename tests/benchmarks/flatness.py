"""Whether a request costs the same with many calls in flight, and with many tenants and records.

    python -m tests.benchmarks.flatness [--rounds 3] [--seconds 5] [--records 1000000] [--tenants 10000]

REST, the store on a file, spans at 10 %. Calls in flight are as many as wrk's connections. The records are
made through the ledger's own port, spread over the tenants; then one more tenant asks, or they in turn.
What it costs that so many ask, each with rows of its own, is told by as many tenants without a record.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gateway.call import requested
from gateway.ledger import Admitted, Claim, Limit, Per
from gateway.ledger.sqlite import SqliteLedger
from tests.benchmarks.figures import Figure, ratio, spread
from tests.benchmarks.gateways import QUOTAS, WIDE, served, settings
from tests.benchmarks.load import drive
from tests.benchmarks.measuring import measured
from tests.benchmarks.results import command, table
from tests.benchmarks.servers import Running
from tests.benchmarks.upstream import Upstream, upstream
from tests.house import tenant

IN_FLIGHT: Final = (8, 64, 512)
_LIMITS: Final = tuple(Limit(q["name"], q["limit"], Per(q["per"])) for q in QUOTAS)
_FILLERS: Final = 64
_WARM_SECONDS: Final = 6
EMPTY: Final = "empty start"
NEW_ALL: Final = "new house, all ask in turn"
FULL_ONE: Final = "full house, one asks"
FULL_ALL: Final = "full house, all ask in turn"
_HOUR_US: Final = 3_600_000_000


async def _fill(path: Path, records: int, tenants: int) -> None:
    ledger = SqliteLedger(
        path,
        retention_us=24 * _HOUR_US,
        unknown_retention_us=720 * _HOUR_US,
        clock=lambda: time.time_ns() // 1000,
    )
    await ledger.open()
    numbers = iter(range(records))

    async def caller() -> None:
        for number in numbers:
            name, call_id = f"t{number % tenants}", f"{number:032x}"
            claim = Claim(
                call_id=call_id,
                tenant=name,
                subject="key:crm",
                key=f"filled-{number}",
                fingerprint=b"f" * 32,
                caller_number="1234567",
                callee_number="2125551234",
                client_reference=None,
                limits=_LIMITS,
                deadline_us=40_000_000,
            )
            assert isinstance(await ledger.admit(claim), Admitted)
            await ledger.settle(name, call_id, requested(None), 1000, _LIMITS)

    await asyncio.gather(*(caller() for _ in range(_FILLERS)))
    await ledger.close()


def many(tenants: int) -> dict[str, dict[str, Any]]:
    """The tenants `t0`, `t1`, ..."""
    return {f"t{number}": tenant(f"t{number}", quotas=QUOTAS) for number in range(tenants)}


def in_flight(options: argparse.Namespace, behind: Upstream) -> dict[str, list[Figure]]:
    """The figures at each number of calls in flight."""
    figures: dict[str, list[Figure]] = {}
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as directory:
            place = Path(directory)
            made = settings(place, behind)
            made["upstream"].update(WIDE)
            with served(place, made) as gateway:
                running = Running(gateway.url, gateway.process.pid)
                drive(gateway.url, "rest", run="warm-", seconds=2)
                for count in IN_FLIGHT:
                    run = f"{number}-{count}-"
                    found = measured(
                        running, "rest", behind, run=run, seconds=options.seconds, connections=count
                    )
                    figures.setdefault(f"{count} in flight", []).append(found)
                    sys.stderr.write(f"{count} in flight: {found.cpu_us:.0f} us\n")
    return figures


def sizes(options: argparse.Namespace, behind: Upstream) -> tuple[dict[str, list[Figure]], float]:
    """The figures of an empty start and of full houses, and the bytes that a record takes in the file."""
    figures: dict[str, list[Figure]] = {}
    with tempfile.TemporaryDirectory() as directory:
        full = Path(directory) / "full.db"
        began = time.monotonic()
        asyncio.run(_fill(full, options.records, options.tenants))
        sys.stderr.write(f"{options.records} records in {time.monotonic() - began:.0f} s\n")
        for number in range(options.rounds):
            for name in (EMPTY, FULL_ONE, NEW_ALL, FULL_ALL):
                asking = options.tenants if name in {NEW_ALL, FULL_ALL} else 1
                place = Path(directory) / f"{number}-{name}"
                made = settings(place, behind)
                if name != EMPTY:
                    made["tenants"].update(many(options.tenants))
                if name in {FULL_ONE, FULL_ALL}:
                    shutil.copy(full, place / "ledger.db")
                    os.sync()  # or the disk is still busy with the copy while the calls are measured
                with served(place, made) as gateway:
                    running = Running(gateway.url, gateway.process.pid)
                    # Long enough for every tenant to have asked once.
                    drive(gateway.url, "rest", run="warm-", seconds=_WARM_SECONDS, tenants=asking)
                    run = f"{number}-"
                    found = measured(
                        running, "rest", behind, run=run, seconds=options.seconds, tenants=asking
                    )
                figures.setdefault(name, []).append(found)
                sys.stderr.write(f"{name}: {found.cpu_us:.0f} us\n")
                shutil.rmtree(place)
        return figures, full.stat().st_size / options.records


def told(options: argparse.Namespace) -> str:
    """The section."""
    with upstream() as behind:
        flights = in_flight(options, behind)
        houses, record_bytes = sizes(options, behind)
    full = f"{options.tenants:,} tenants and {options.records:,} records"
    rows = [
        [f"{a} / {b}", ratio(one[a], one[b]).text(2), aim]
        for one, a, b, aim in (
            (flights, "512 in flight", "8 in flight", "≤ 1.25"),
            (flights, "64 in flight", "8 in flight", ""),
            (houses, FULL_ONE, EMPTY, "≤ 1.15"),
            (houses, FULL_ALL, NEW_ALL, "≤ 1.15"),
            (houses, FULL_ALL, EMPTY, "≤ 1.15"),
        )
    ]
    costs = [
        [name, spread([figure.cpu_us for figure in found]).text()]
        for name, found in {**flights, **houses}.items()
    ]
    how = f"REST, store on a file, spans at 10 %, on one processor. The full house: {full}; "
    how += "there either one tenant asks, or each in its turn, with keys and counters on pages of its own. "
    how += "The new house has the tenants, and no record. "
    how += f"A record takes {record_bytes:.0f} bytes of the file."
    return "\n\n".join([how, table(["", "µs CPU a request"], costs), table(["", "ratio", "aim"], rows)])


def main(given: Sequence[str] | None = None) -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--tenants", type=int, default=10_000)
    command("flatness", "Flat under load and size", parser, told, given)


if __name__ == "__main__":
    main()
