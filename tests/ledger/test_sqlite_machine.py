"""The embedded ledger against the plain model, on a file and in memory."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.ledger.machine import machine_of
from tests.ledger.test_sqlite_contract import sqlite_ledger
from tests.ledger.world import Clock, World

SETTINGS = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


async def close_world(world: World) -> None:
    await world.ledger.close()


@pytest.mark.parametrize("place", ["file", "memory"])
def test_sqlite_is_the_model(place: str) -> None:
    """Whatever is asked in whatever order, decisions, records, keys and quotas are the model's."""
    with tempfile.TemporaryDirectory() as directory:
        counter = iter(range(1_000_000))

        async def open_world() -> World:
            clock = Clock()
            path = Path(directory) / f"{next(counter)}.db" if place == "file" else None
            ledger = sqlite_ledger(path, clock)
            await ledger.open()
            return World(ledger, clock)

        run_state_machine_as_test(machine_of(open_world, close_world), settings=SETTINGS)
