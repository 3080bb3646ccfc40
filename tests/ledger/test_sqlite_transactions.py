"""Many calls share one transaction of the embedded ledger, and none is the worse for it."""

import asyncio
from pathlib import Path

import pytest

from gateway.ledger import Admitted, Known, Limit, Per, StoreUnavailable
from gateway.ledger.sqlite import decide
from tests.ledger.cases import ALL, NOT_PLACED, WHOLE
from tests.ledger.child import TENANT
from tests.ledger.serving import StuckClock, serve
from tests.ledger.world import World


def test_many_admissions_share_one_commit(tmp_path: Path) -> None:
    """Hundreds of admissions that wait together take a handful of transactions, one fsync each."""
    clock = StuckClock()

    async def body(world: World) -> None:
        writer = world.ledger._writer
        before = writer.commits
        clock.may_go.clear()
        asked = [asyncio.create_task(world.admitted()) for _ in range(400)]
        await asyncio.sleep(0.1)
        clock.may_go.set()
        await asyncio.gather(*asked)
        assert writer.commits - before <= 6

    serve(tmp_path / "gateway.db", body, clock)


def test_a_key_released_in_a_transaction_is_free_in_it() -> None:
    """What one call of a transaction changes, the next one sees: release, then a first try."""
    clock = StuckClock()

    async def body(world: World) -> None:
        record = await world.admitted(key="k", limits=ALL)
        clock.may_go.clear()
        steps = [world.settle(record, NOT_PLACED, ALL), *(world.admit(key="k", limits=ALL) for _ in range(3))]
        asked = [asyncio.create_task(step) for step in steps]
        await asyncio.sleep(0.1)
        clock.may_go.set()
        _, first, *rest = await asyncio.gather(*asked)
        assert isinstance(first, Admitted)
        assert all(isinstance(answer, Known) and answer.record == first.record for answer in rest)
        assert await world.remaining(*ALL) == [2, 4, 3]

    serve(None, body, clock)


def test_what_was_never_admitted_cannot_be_settled() -> None:
    """A record that is gone, or is another tenant's, is data lost: told, not invented."""

    async def body(world: World) -> None:
        record = await world.admitted()
        for tenant, call_id in ((TENANT, "no-such-call"), ("other", record.call_id)):
            with pytest.raises(StoreUnavailable) as told:
                await world.ledger.settle(tenant, call_id, WHOLE, 1, ())
            assert told.value.kind == "lost"
            assert str(told.value) == f"no record of call {call_id}, which was admitted: data was lost"
        assert await world.ledger.find(TENANT, record.call_id) == record

    serve(None, body)


def test_one_bad_claim_spoils_no_other() -> None:
    """A claim that can't be written fails alone; those that shared its transaction are admitted."""

    async def body(world: World) -> None:
        limit = Limit("daily", 50, Per.DAY)
        answers = await asyncio.gather(
            *(world.admit(limits=(limit,), callee="\ud800" if n == 7 else "100") for n in range(20)),
            return_exceptions=True,
        )
        assert [isinstance(answer, Admitted) for answer in answers] == [n != 7 for n in range(20)]
        assert await world.remaining(limit) == [31]

    serve(None, body)


def test_a_plan_is_made_once_for_each_tuple_of_limits() -> None:
    """Told apart by identity, whatever an id is used for later; 16_384 are kept at most."""
    plans = decide.Plans()
    kept = [(Limit("q", n + 1, Per.DAY),) for n in range(16_385)]
    made = [plans.of(limits) for limits in kept[:16_384]]
    assert all(plans.of(limits) is plan for limits, plan in zip(kept, made, strict=False))
    plans.of(kept[16_384])
    assert plans.of(kept[0]) is not made[0]
    for n in range(5_000):
        limits = (Limit(f"q-{n}", 1, Per.DAY),)
        assert plans.of(limits).limits is limits
