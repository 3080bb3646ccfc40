"""What the reload tests share."""

from collections.abc import Iterator

import pytest

from tests.e2e.gate import Gate, gated
from tests.house import PASSWORD, USERNAME, Simulator, simulated

OTHER_USERNAME, OTHER_PASSWORD = "svc-2", "the+other one&;"
PAIRS = {USERNAME: PASSWORD, OTHER_USERNAME: OTHER_PASSWORD}
"""Both service users that the simulator accepts."""


@pytest.fixture(scope="package")
def simulator(tmp_path_factory) -> Iterator[Simulator]:
    """The simulated legacy API, which takes either pair."""
    ledger = tmp_path_factory.mktemp("simulator") / "dials.jsonl"
    with simulated(ledger, "--username", OTHER_USERNAME, "--password", OTHER_PASSWORD) as found:
        yield found


@pytest.fixture(scope="package")
def gate() -> Iterator[Gate]:
    """An upstream that can hold its answers."""
    with gated() as found:
        yield found
