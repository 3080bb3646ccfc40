"""The shared ledger as time goes by, on a store whose clock the tests move: what no waiting can show."""

import asyncio

import pytest

from tests.ledger.contract import TIMED
from tests.ledger.shared_store import opened
from tests.ledger.world import Body, Clock, World


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
