"""The shared ledger keeps the contract, on a standalone server and on a cluster."""

import asyncio

import pytest

from tests.ledger.contract import UNTIMED
from tests.ledger.shared_store import opened
from tests.ledger.world import Body, World


def play_on(url: str, body: Body) -> None:
    """One body, on the store at that address."""

    async def play() -> None:
        async with opened(url) as ledger:
            await body(World(ledger))

    asyncio.run(play())


@pytest.mark.parametrize("body", UNTIMED, ids=lambda body: body.__name__)
@pytest.mark.parametrize("place", ["valkey", "cluster"])
def test_redis_keeps_the_contract(body: Body, place: str, request: pytest.FixtureRequest) -> None:
    """Each body's own sentence."""
    play_on(request.getfixturevalue(place).url, body)
