"""A browser, and a gateway with tenants that meet every kind of answer."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from tests.house import Gateway, Simulator, configuration, open_policy, serving, simulated, tenant
from tests.node.runtime import installed_node
from tests.pages.visitor import Visitor, chromium, visiting

QUOTAS = [
    {"name": "burst", "limit": 50, "per": "second"},
    {"name": "daily", "limit": 1000, "per": "day", "time_zone": "Europe/Kyiv"},
    {"name": "at-once", "limit": 10, "per": "concurrent"},
    {"name": "same-callee", "limit": 20, "per": "hour", "scope": "callee"},
]
LONGEST = "n" * 64
"""A quota's name may have as many characters."""
TENANTS = {
    "acme": tenant("acme", quotas=QUOTAS, policy=open_policy(options=["screening"], max_wait_seconds=30)),
    "strict": tenant("strict", policy={"destinations": {"allow": ["1*"]}}, idempotency="required"),
    "few": tenant("few", quotas=[{"name": "hourly", "limit": 1, "per": "hour"}]),
    "named": tenant("named", quotas=[{"name": LONGEST, "limit": 1, "per": "hour"}]),
    "late": tenant("late", suspended=True),
    "free": tenant("free"),
}


@dataclass(frozen=True)
class House:
    """The gateway and what stands behind it."""

    gateway: Gateway
    simulator: Simulator


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A real browser."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """The simulated telephone system."""
    with simulated(tmp_path_factory.mktemp("simulator") / "dials.jsonl") as simulator:
        yield simulator


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[House]:
    """A gateway with every page."""
    directory = tmp_path_factory.mktemp("gateway")
    with serving(directory, configuration(directory, simulator.url, TENANTS)) as gateway:
        yield House(gateway, simulator)


@pytest.fixture
def visitor(browser: Browser, house: House) -> Iterator[Visitor]:
    """A visitor whose tab must log no error and ask nobody but the gateway."""
    with visiting(browser, house.gateway.url) as visitor:
        yield visitor
        assert visitor.faults == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    return (installed_node().home / "node_modules" / "axe-core" / "axe.min.js").read_text()
