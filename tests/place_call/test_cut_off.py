"""The end of the grace finds a call at the ledger, before or after its dial."""

import asyncio
from typing import Any

from gateway.call import Outcome, Status
from gateway.errors import CallState, Code
from gateway.ledger import Claim, Decision, Limit, Settlement
from gateway.ledger.sqlite import SqliteLedger
from gateway.place_call import Refused, Requested
from gateway.wire import WireAnswer
from tests.place_call.desk import PLACED, Desk, at_desk


class SlowLedger(SqliteLedger):
    """A ledger that holds its first `held` step until it is cut off."""

    held = ""

    def __init__(self, *path: Any, **more: Any) -> None:
        super().__init__(*path, **more)
        self.is_holding = asyncio.Event()

    async def admit(self, claim: Claim) -> Decision:
        await self._hold("admit")
        return await super().admit(claim)

    async def settle(
        self, tenant: str, call_id: str, outcome: Outcome, elapsed_us: int, limits: tuple[Limit, ...]
    ) -> Settlement:
        await self._hold("settle")
        return await super().settle(tenant, call_id, outcome, elapsed_us, limits)

    async def _hold(self, step: str) -> None:
        if self.held == step:
            self.held = ""
            self.is_holding.set()
            await asyncio.sleep(60)


def cut_off_at(step: str, look) -> list[int]:
    """The dials, after a call was cut off at a step of the ledger and `look` saw what came of it."""
    dials: list[int] = []

    async def answered(on_sending) -> WireAnswer:
        dials.append(1)
        on_sending()
        return PLACED

    async def play(desk: Desk) -> None:
        assert isinstance(desk.ledger, SlowLedger)
        desk.ledger.held = step
        asking = asyncio.create_task(desk.place(desk.ask("k")))
        await desk.ledger.is_holding.wait()
        await desk.tasks.drain(0)
        await look(desk, await asking)
        assert len(desk.tasks) == 0
        assert desk.slots.in_flight("now") == 0

    asyncio.run(at_desk(answered, play, SlowLedger))
    return dials


def test_a_call_that_is_cut_off_while_it_is_settled():
    """Its outcome is known: the client hears it and the record says it."""

    async def look(desk: Desk, placed) -> None:
        assert isinstance(placed.result, Requested)
        found = await desk.ledger.find("acme", placed.result.record.call_id)
        assert found is not None
        assert found.status is Status.REQUESTED

    assert cut_off_at("settle", look) == [1]


def test_a_call_that_is_cut_off_while_it_is_admitted():
    """It is never dialled: 503 DRAINING, its state unknown, as its key was not looked up; no record."""

    async def look(desk: Desk, placed) -> None:
        assert isinstance(placed.result, Refused)
        refusal = placed.result.refusal
        assert (refusal.code, refusal.status) == (Code.DRAINING, 503)
        assert refusal.call_state is CallState.UNKNOWN
        assert await desk.ledger.find_by_key("acme", "k") is None
        assert await desk.remaining() == 10

    assert cut_off_at("admit", look) == []
