"""The shared ledger as time goes by, on a store whose clock the tests move: what no waiting can show."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.clocks.frozen import FileClock, frozen_valkey
from tests.ledger.contract import TIMED
from tests.ledger.shared_store import opened
from tests.ledger.valkey import Valkey
from tests.ledger.world import Body, Clock, World


@pytest.fixture(scope="module")
def frozen(tmp_path_factory) -> Iterator[tuple[Valkey, FileClock]]:
    """A Valkey and the clock that it goes by."""
    server, clock = frozen_valkey(tmp_path_factory.mktemp("frozen"))
    server.start()
    try:
        yield server, clock
    finally:
        server.stop()


@pytest.mark.parametrize("body", TIMED, ids=lambda body: body.__name__)
def test_redis_keeps_the_contract_in_time(frozen, body: Body):
    """Each body's own sentence."""
    server, clock = frozen

    async def play() -> None:
        clock.now_us = Clock().now_us
        await asyncio.to_thread(server.ask, "FLUSHALL")
        async with opened(server.url) as ledger:
            await body(World(ledger, clock))

    asyncio.run(play())
