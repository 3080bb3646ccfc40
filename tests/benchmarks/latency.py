"""What the gateway adds to an answer's time at a third of what it could carry.

    python -m tests.benchmarks.latency [--rounds 3] [--seconds 6]

What it could carry is measured first, with wrk. Then k6 asks at a third of that, straight to the upstream
and through the gateway in turn; a call that could not be asked in time fails the measurement.

Both the sources and the compiled gateway, with k6, nginx and the store beside it on the same processors.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.arrivals import Latency, arrive
from tests.benchmarks.figures import spread
from tests.benchmarks.gateways import Store, compiled, gateway
from tests.benchmarks.load import drive
from tests.benchmarks.process import favour
from tests.benchmarks.results import command, table
from tests.benchmarks.upstream import Upstream, upstream

_SYNCS: Final = 100
_WARM_SECONDS: Final = 6
"""Time for the embedded store's log to have its size: one that still grows is dearer to sync."""


@dataclass(frozen=True)
class Pair:
    """One round at a rate, in calls a second."""

    rate: int
    straight: Latency
    through: Latency


def sync_ms(place: Path) -> float:
    """The median milliseconds that this disk takes to sync a page: no durable admit can be faster."""
    taken = []
    with (place / "page").open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            file.write(os.urandom(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken)


def pairs(store: Store, options: argparse.Namespace, behind: Upstream, *, native: bool) -> list[Pair]:
    """Each round's rate, and what was seen at the upstream and through the gateway."""
    with tempfile.TemporaryDirectory() as place, gateway(Path(place), behind, store, native=native) as one:
        favour(one.process.pid, os.getpriority(os.PRIO_PROCESS, 0))
        drive(one.url, "rest", run="warm-", seconds=_WARM_SECONDS)
        rate = round(drive(one.url, "rest", run="saturation-", seconds=options.seconds).per_second / 3)
        found = []
        for number in range(options.rounds):
            straight = arrive(behind.url, rate=rate, seconds=options.seconds, run="")
            url, run = f"{one.url}/v1/calls", f"latency-{number}-"
            found.append(Pair(rate, straight, arrive(url, rate=rate, seconds=options.seconds, run=run)))
            sys.stderr.write(f"{store}: {found[-1]}\n")
    return found


def tabled(options: argparse.Namespace, *, native: bool) -> str:
    """The table of all stores."""
    stores: tuple[Store, ...] = ("memory", "file", "valkey")
    with upstream() as behind:
        lines = [
            line for store in stores for line in rows(store, pairs(store, options, behind, native=native))
        ]
    return table(["", "upstream", "through the gateway", "added", "aim"], lines)


def rows(store: Store, found: list[Pair]) -> list[list[str]]:
    """The lines of one store: p50 and p99."""
    return [
        [
            f"{store}, {found[0].rate}/s: {name.removesuffix('_ms')}",
            spread([getattr(pair.straight, name) for pair in found]).text(2),
            spread([getattr(pair.through, name) for pair in found]).text(2),
            spread([getattr(pair.through, name) - getattr(pair.straight, name) for pair in found]).text(2),
            aim,
        ]
        for name, aim in (("p50_ms", "≤ 1"), ("p99_ms", "≤ 5"))
    ]


def told(options: argparse.Namespace) -> str:
    """The section."""
    compiled()  # or all is measured before it is missed
    with tempfile.TemporaryDirectory() as place:
        disk_ms = sync_ms(Path(place))
    how = (
        "REST, spans at 10 %, on one processor, k6 at a third of each store's saturation, milliseconds. "
        f"This disk takes {disk_ms:.1f} ms to sync a page, which every admit over a file waits for."
        "\n\nThe sources:"
    )
    sources, machine_code = (tabled(options, native=native) for native in (False, True))
    return "\n\n".join([how, sources, "Compiled:", machine_code])


def main(given: Sequence[str] | None = None) -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6)
    command("latency", "Added latency at a third of saturation", parser, told, given)


if __name__ == "__main__":
    main()
