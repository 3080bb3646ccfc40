"""The embedded ledger keeps the contract, on a file and in memory."""

import asyncio
from pathlib import Path

import pytest

from gateway.ledger.sqlite import SqliteLedger
from tests.ledger.contract import TIMED, UNTIMED
from tests.ledger.world import RETENTION_US, UNKNOWN_RETENTION_US, Body, Clock, World


def sqlite_ledger(path: Path | None, clock: Clock, *, serving: bool = True) -> SqliteLedger:
    return SqliteLedger(
        path,
        retention_us=RETENTION_US,
        unknown_retention_us=UNKNOWN_RETENTION_US,
        clock=clock,
        serving=serving,
    )


async def play(body: Body, path: Path | None) -> None:
    clock = Clock()
    ledger = sqlite_ledger(path, clock)
    await ledger.open()
    try:
        await body(World(ledger, clock))
    finally:
        await ledger.close()


@pytest.mark.parametrize("body", [*UNTIMED, *TIMED], ids=lambda body: body.__name__)
@pytest.mark.parametrize("place", ["file", "memory"])
def test_sqlite_keeps_the_contract(body: Body, place: str, tmp_path: Path) -> None:
    """Each body's own sentence."""
    asyncio.run(play(body, tmp_path / "gateway.db" if place == "file" else None))
