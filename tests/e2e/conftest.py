"""What the end-to-end tests share: one simulator and one gateway a worker, and a gateway behind a gate."""

from collections.abc import Iterator

import pytest

from tests.e2e import town
from tests.e2e.gate import Gate, gated
from tests.house import DOORS, Gateway, Simulator, configuration, open_policy, serving, simulated, tenant


@pytest.fixture(scope="session")
def simulator(tmp_path_factory) -> Iterator[Simulator]:
    """The simulated legacy API."""
    with simulated(tmp_path_factory.mktemp("simulator") / "dials.jsonl") as found:
        yield found


@pytest.fixture(scope="session")
def gateway(simulator, tmp_path_factory) -> Iterator[Gateway]:
    """The town's gateway."""
    directory = tmp_path_factory.mktemp("town")
    with serving(directory, town.settings(directory, simulator.url)) as found:
        yield found


@pytest.fixture(scope="session")
def gate() -> Iterator[Gate]:
    """An upstream that can hold its answers."""
    with gated() as found:
        yield found


@pytest.fixture(scope="session")
def held(gate, tmp_path_factory) -> Iterator[Gateway]:
    """A gateway whose calls stay on the wire for as long as a test likes."""
    directory = tmp_path_factory.mktemp("held")
    tenants = {
        "acme": tenant("acme", quotas=[town.DAILY]),
        "globex": tenant("globex", quotas=[town.DAILY]),
        **{
            f"n-concurrent-{scope}": tenant(
                f"n-concurrent-{scope}",
                policy=open_policy(),
                quotas=[
                    town.DAILY,
                    {"name": "tight", "limit": town.N, "per": "concurrent", "scope": scope},
                ],
            )
            for scope in town.SCOPES
        },
    }
    with serving(directory, configuration(directory, gate.url, tenants)) as found:
        yield found


@pytest.fixture(params=DOORS)
def door(request) -> str:
    """Each door in turn."""
    return request.param
