"""A gateway over a simulator, as the example clients meet it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.lossy import Relay, relaying
from tests.house import Gateway, Simulator, configuration, serving, simulated, tenant

ROOT = Path(__file__).parent.parent.parent
SCHEMA = ROOT / "schema"
TENANTS = {
    "acme": tenant(
        "acme", policy={"destinations": {"allow": ["1*", "2*"], "deny": ["1900*"]}, "lines": ["*"]}
    ),
    "few": tenant("few", quotas=[{"name": "daily", "limit": 1, "per": "day"}]),
}


@dataclass(frozen=True)
class House:
    """The gateway, the relay before it, and what stands behind it."""

    gateway: Gateway
    relay: Relay
    simulator: Simulator


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everything a client can meet."""
    directory = tmp_path_factory.mktemp("house")
    with (
        simulated(directory / "dials.jsonl") as simulator,
        serving(directory, configuration(directory, simulator.url, TENANTS)) as gateway,
        relaying(gateway.url) as relay,
    ):
        yield House(gateway, relay, simulator)
