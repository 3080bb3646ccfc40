"""The shared ledger against the plain model, on a store whose clock is set: months pass in a second."""

import asyncio

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.clocks.frozen import FileClock, frozen_valkey
from tests.ledger.machine import machine_of
from tests.ledger.shared_store import redis_ledger
from tests.ledger.valkey import Valkey
from tests.ledger.world import Clock, World

SETTINGS = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def agrees(server: Valkey, clock: FileClock) -> None:
    """Whatever is asked whenever, decisions, records, keys and quotas are the model's."""

    async def open_world() -> World:
        clock.now_us = Clock().now_us
        await asyncio.to_thread(server.ask, "FLUSHALL")
        ledger = redis_ledger(server.url)
        await ledger.open()
        return World(ledger, clock)

    async def close_world(world: World) -> None:
        await world.ledger.close()

    run_state_machine_as_test(machine_of(open_world, close_world, is_shared=True), settings=SETTINGS)


def test_redis_is_the_model_as_time_goes_by(tmp_path) -> None:
    """Buckets refill, windows turn, slots and records leave when the model says so."""
    server, clock = frozen_valkey(tmp_path / "frozen")
    server.start()
    try:
        agrees(server, clock)
    finally:
        server.stop()
