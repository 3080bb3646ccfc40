"""What the gateway adds to an answer's time at a third of what it could carry.

    python -m tests.benchmarks.latency [--rounds 3] [--seconds 15]

What it could carry is measured first, with wrk. Then k6 asks at a third of that, straight to the upstream
and through the gateway in turn; a call that could not be asked in time fails the measurement.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.arrivals import Latency, arrive
from tests.benchmarks.figures import spread
from tests.benchmarks.gateways import gateway
from tests.benchmarks.load import drive
from tests.benchmarks.process import favour
from tests.benchmarks.results import command, table
from tests.benchmarks.upstream import Upstream, upstream


def pairs(options: argparse.Namespace, behind: Upstream) -> tuple[int, list[tuple[Latency, Latency]]]:
    """The rate asked for, and for each round what was seen at the upstream and through the gateway."""
    with tempfile.TemporaryDirectory() as place, gateway(Path(place), behind) as served:
        favour(served.process.pid, os.getpriority(os.PRIO_PROCESS, 0))
        drive(served.url, "rest", run="warm-", seconds=2)
        rate = round(drive(served.url, "rest", run="saturation-", seconds=options.seconds).per_second / 3)
        found = []
        for number in range(options.rounds):
            straight = arrive(behind.url, rate=rate, seconds=options.seconds, run="")
            through = arrive(
                f"{served.url}/v1/calls", rate=rate, seconds=options.seconds, run=f"latency-{number}-"
            )
            found.append((straight, through))
            sys.stderr.write(f"{rate}/s: {straight}, {through}\n")
    return rate, found


def told(options: argparse.Namespace) -> str:
    """The section."""
    with upstream() as behind:
        rate, found = pairs(options, behind)
    rows = [
        [
            name,
            spread([getattr(straight, name) for straight, _ in found]).text(2),
            spread([getattr(through, name) for _, through in found]).text(2),
            spread([getattr(through, name) - getattr(straight, name) for straight, through in found]).text(2),
            aim,
        ]
        for name, aim in (("p50_ms", "≤ 1"), ("p99_ms", "≤ 5"))
    ]
    how = f"REST, store on a file, spans at 10 %, {rate} calls a second: a third of saturation, by k6."
    return f"{how}\n\n" + table(["", "upstream", "through the gateway", "added", "aim"], rows)


def main(given: Sequence[str] | None = None) -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=15)
    command("latency", "Added latency at a third of saturation", parser, told, given)


if __name__ == "__main__":
    main()
