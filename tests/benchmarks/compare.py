"""CPU a request of this gateway beside what a team would build instead, at equal features.

    python -m tests.benchmarks.compare [--only 'ours-rest-memory,fastify*'] [--rounds 3] [--seconds 5]

Every round starts each server anew, checks that it does what it should, warms it up, and measures it with
64 connections; a server's CPU is that of its process, all threads. `--only` takes names with wildcards.
"""

import argparse
import fnmatch
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.benchmarks.checks import check
from tests.benchmarks.figures import Figure, ratio, spread
from tests.benchmarks.load import Door, drive
from tests.benchmarks.measuring import measured
from tests.benchmarks.report import plot, section
from tests.benchmarks.results import RESULTS, command
from tests.benchmarks.servers import Server, all_servers
from tests.benchmarks.upstream import Upstream, upstream

Figures = dict[str, list[Figure]]
PLOT: Final = RESULTS.with_suffix(".svg")


def chosen(servers: Sequence[Server], patterns: str) -> list[Server]:
    """The servers, each with those of its doors whose names match one of the patterns."""
    wanted = patterns.split(",")
    kept = []
    for server in servers:
        doors: dict[Door, str] = {
            door: name
            for door, name in server.doors.items()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)
        }
        if doors:
            kept.append(replace(server, doors=doors))
    return kept


def one_round(server: Server, number: int, options: argparse.Namespace, behind: Upstream) -> Figures:
    """Start a server, and measure its doors one after the other."""
    figures: Figures = {}
    spans, seconds = behind.span_bytes(), options.seconds * server.patience
    with tempfile.TemporaryDirectory() as place, server.start(Path(place), behind) as running:
        for door, name in server.doors.items():
            check(running, door, name, has_features=server.has_features)
            run = f"{name}-{number}-"
            drive(running.url, door, run=f"{run}warm-", seconds=options.warm)
            figures[name] = [measured(running, door, behind, run=run, seconds=seconds)]
            sys.stderr.write(f"round {number + 1}: {name} {figures[name][0].cpu_us:.0f} us\n")
    assert (behind.span_bytes() > spans) == server.traced, f"spans of {server.doors}"
    return figures


def compare(options: argparse.Namespace, servers: Sequence[Server]) -> Figures:
    """The figures of those subjects that the options name, one a round."""
    servers = chosen(servers, options.only)
    figures: Figures = {}
    with upstream() as behind:
        for number in range(options.rounds):
            for server in servers:
                for name, found in one_round(server, number, options, behind).items():
                    figures.setdefault(name, []).extend(found)
    return figures


def table(figures: Figures) -> str:
    """A line for each subject, and the ratios of ours to the peers that were measured with them."""
    lines = [f"{'':28}{'us CPU a request':>20}{'p50 ms':>10}{'p99 ms':>10}{'calls/s':>10}"]
    for name, found in figures.items():
        cpu = spread([figure.cpu_us for figure in found]).text()
        rest = [
            spread([getattr(figure, field) for figure in found]).median
            for field in ("p50_ms", "p99_ms", "per_second")
        ]
        lines.append(f"{name:28}{cpu:>20}{rest[0]:10.1f}{rest[1]:10.1f}{rest[2]:10.0f}")
    mine = [name for name in figures if name.startswith(("ours-", "native-"))]
    theirs = [name for name in figures if name not in mine]
    for name in mine:
        lines += [f"{name} / {other}: {ratio(figures[name], figures[other]).text(2)}" for other in theirs]
    return "\n".join(lines) + "\n"


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="*", help="names of subjects, with wildcards, by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--warm", type=int, default=2, help="seconds of load before a measurement")
    return parser


def told(options: argparse.Namespace) -> str:
    """The section; with `--write`, the plot beside it."""
    figures = compare(options, all_servers())
    sys.stderr.write(table(figures))
    if not options.write:
        return section(figures)
    PLOT.write_text(plot(figures))
    return f"![CPU a request of every subject]({PLOT.name})\n\n{section(figures)}"


def main(given: Sequence[str] | None = None) -> None:
    """Read the options, and measure."""
    command("peers", "Beside what a team would build instead", arguments(), told, given)


if __name__ == "__main__":
    main()
