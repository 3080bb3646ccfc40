"""`make soak`: mixed traffic and faults against real gateways for a time, and a table of what stayed flat."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

from tests.soak.judge import MEMORY_MIB, Row, table
from tests.soak.run import Soak
from tests.soak.stand import StoreName, stand

ARCHIVED = 60
"""How many calls the embedded store has seen before, for each second: in ten minutes' run more than its
cache of 16 MiB holds."""
STORES: tuple[StoreName, ...] = get_args(StoreName)


def main(arguments: list[str]) -> int:
    """0 where everything is flat and nothing is broken, else 1."""
    asked = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="soak-") as directory, ExitStack() as stack:
        stands = [
            stack.enter_context(stand(name, Path(directory) / name, int(asked.seconds * ARCHIVED)))
            for name in asked.stores
        ]
        runs = asyncio.run(_side_by_side(Soak(one, asked.seconds, asked.memory_mib) for one in stands))
    titles = [f"{name}, {asked.seconds:g} s" for name in asked.stores]
    report = "\n".join(table(title, rows) for title, rows in zip(titles, runs, strict=True))
    asked.report.write_text(report)
    sys.stdout.write(report)
    return 0 if all(row.is_good for rows in runs for row in rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long the traffic goes")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES, help="side by side")
    parser.add_argument("--report", type=Path, default=Path("soak.md"), help="where the table is written")
    parser.add_argument("--memory-mib", type=float, default=MEMORY_MIB, help="what memory may grow by")
    return parser


async def _side_by_side(soaks: Iterable[Soak]) -> list[list[Row]]:
    return await asyncio.gather(*(soak.rows() for soak in soaks))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
