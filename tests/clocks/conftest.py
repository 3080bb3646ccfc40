"""The store whose clock the tests of this folder set."""

from collections.abc import Iterator

import pytest

from tests.clocks.frozen import FileClock, frozen_valkey
from tests.ledger.valkey import Valkey


@pytest.fixture(scope="module")
def frozen(tmp_path_factory) -> Iterator[tuple[Valkey, FileClock]]:
    """A Valkey and the clock that it goes by."""
    server, clock = frozen_valkey(tmp_path_factory.mktemp("frozen"))
    server.start()
    try:
        yield server, clock
    finally:
        server.stop()
