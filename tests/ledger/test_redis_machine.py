"""The shared ledger against the plain model, on a standalone server; its clock is the server's own."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.ledger.machine import machine_of
from tests.ledger.shared_store import redis_ledger
from tests.ledger.valkey import Valkey
from tests.ledger.world import World

SETTINGS = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_redis_is_the_model(valkey: Valkey) -> None:
    """Whatever is asked in whatever order, decisions, records, keys and quotas are the model's."""

    async def open_world() -> World:
        ledger = redis_ledger(valkey.url)
        await ledger.open()
        return World(ledger)

    async def close_world(world: World) -> None:
        await world.ledger.close()

    run_state_machine_as_test(machine_of(open_world, close_world), settings=SETTINGS)
