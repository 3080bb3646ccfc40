"""Four gateways on one Valkey, and the simulator that they dial."""

from collections.abc import Iterator

import pytest

from tests.access.issuer import AUDIENCE, ISSUER, key_set
from tests.e2e.gate import Gate, gated
from tests.e2e.town import KEY
from tests.house import Gateway, Simulator, simulated, tenant
from tests.ledger.valkey import Valkey
from tests.replicas.fleet import PATIENT, WIDE, fleet, shared

REPLICAS = 4


@pytest.fixture(scope="package")
def simulator(tmp_path_factory) -> Iterator[Simulator]:
    """The simulated legacy API."""
    with simulated(tmp_path_factory.mktemp("simulator") / "dials.jsonl") as found:
        yield found


@pytest.fixture(scope="package")
def gate() -> Iterator[Gate]:
    """An upstream that can hold its answers."""
    with gated() as found:
        yield found


@pytest.fixture
def valkey(tmp_path) -> Iterator[Valkey]:
    """A store of the test's own, which loses nothing when it is restarted."""
    server = Valkey(tmp_path / "valkey", ("--appendonly", "yes", "--appendfsync", "always")).start()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def replicas(simulator, tmp_path_factory) -> Iterator[list[Gateway]]:
    """Four replicas whose tenants share one store."""
    directory = tmp_path_factory.mktemp("replicas")
    store = Valkey(directory / "valkey").start()
    keys = directory / "jwks.json"
    keys.write_bytes(key_set(KEY))
    tenants = {
        "fifty": tenant("fifty", quotas=[{"name": "daily", "limit": 50, "per": "day"}]),
        "keyed": tenant("keyed", quotas=[{"name": "daily", "limit": 1000, "per": "day"}]),
        "people": tenant("people", quotas=[{"name": "agent", "limit": 2, "per": "hour", "scope": "user"}]),
    }
    issuer = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_file": str(keys)}
    settings = [
        shared(
            directory / str(index),
            simulator.url,
            store,
            tenants,
            store=PATIENT,
            upstream=WIDE,
            auth={"jwt": [issuer]},
        )
        for index in range(REPLICAS)
    ]
    try:
        with fleet(directory, settings) as found:
            yield found
    finally:
        store.stop()
