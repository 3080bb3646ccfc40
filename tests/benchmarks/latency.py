"""What the gateway adds to an answer's time at a third of what it could carry.

    python -m tests.benchmarks.latency [--rounds 3] [--seconds 6]

What it could carry is measured first, with wrk. Then k6 asks at a third of that, straight to the upstream
and through the gateway in turn; a call that could not be asked in time fails the measurement.

Both the sources and the compiled gateway, and Fastify, whose store is memory; with k6, nginx and the store
beside it on the same processors. What a sleep does to code here is told first (`slept`).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks import slept
from tests.benchmarks.arrivals import Latency, arrive
from tests.benchmarks.figures import spread
from tests.benchmarks.gateways import compiled
from tests.benchmarks.load import drive
from tests.benchmarks.process import favour
from tests.benchmarks.results import command, table
from tests.benchmarks.servers import STORES, Server, node, ours
from tests.benchmarks.upstream import Upstream, upstream

Aims = tuple[str, str]
"""Of p50 and p99."""

_AIMS: Final[Aims] = ("≤ 1", "≤ 5")
_WARM_SECONDS: Final = 6
"""Time for the embedded store's log to have its size: one that still grows is dearer to sync."""


@dataclass(frozen=True)
class Pair:
    """One round at a rate, in calls a second."""

    rate: int
    straight: Latency
    through: Latency


def pairs(server: Server, name: str, options: argparse.Namespace, behind: Upstream) -> list[Pair]:
    """Each round's rate, and what was seen at the upstream and through the server."""
    with tempfile.TemporaryDirectory() as place, server.start(Path(place), behind) as one:
        favour(one.pid, os.getpriority(os.PRIO_PROCESS, 0))
        drive(one.url, "rest", run="warm-", seconds=_WARM_SECONDS)
        rate = round(drive(one.url, "rest", run="saturation-", seconds=options.seconds).per_second / 3)
        found = []
        for number in range(options.rounds):
            straight = arrive(behind.url, rate=rate, seconds=options.seconds, run="")
            url, run = f"{one.url}/v1/calls", f"latency-{number}-"
            found.append(Pair(rate, straight, arrive(url, rate=rate, seconds=options.seconds, run=run)))
            sys.stderr.write(f"{name}: {found[-1]}\n")
    return found


def tabled(options: argparse.Namespace, servers: dict[str, Server], aims: Aims) -> str:
    """The table of some servers."""
    with upstream() as behind:
        lines = [
            line
            for name, server in servers.items()
            for line in rows(name, pairs(server, name, options, behind), aims)
        ]
    return table(["", "upstream", "through the server", "added", "aim"], lines)


def rows(server: str, found: list[Pair], aims: Aims) -> list[list[str]]:
    """The lines of one server: p50 and p99."""
    return [
        [
            f"{server}, {found[0].rate}/s: {name.removesuffix('_ms')}",
            spread([getattr(pair.straight, name) for pair in found]).text(2),
            spread([getattr(pair.through, name) for pair in found]).text(2),
            spread([getattr(pair.through, name) - getattr(pair.straight, name) for pair in found]).text(2),
            aim,
        ]
        for name, aim in zip(("p50_ms", "p99_ms"), aims, strict=True)
    ]


def told(options: argparse.Namespace) -> str:
    """The section."""
    compiled()  # or all is measured before it is missed
    machine = slept.told()
    sources, machine_code = (
        {store: ours(store, 10, native=native) for store in STORES} for native in (False, True)
    )
    peer = {"fastify": node("fastify", "rest", "packaged")}
    how = (
        "REST, spans at 10 %, on one processor, k6 at a third of each server's saturation, milliseconds. "
        "Every admit over a file waits for a sync of the disk."
    )
    return "\n\n".join(
        [
            how,
            "What the same work costs here after a sleep, and a sync (`tests/benchmarks/slept.py`):",
            machine,
            "The sources:",
            tabled(options, sources, _AIMS),
            "Compiled:",
            tabled(options, machine_code, _AIMS),
            "Fastify, which keeps nothing on a disk:",
            tabled(options, peer, ("", "")),
        ]
    )


def main(given: Sequence[str] | None = None) -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6)
    command("latency", "Added latency at a third of saturation", parser, told, given)


if __name__ == "__main__":
    main()
