"""An operator's verdict that overtakes the call it is about."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.call import Outcome, Status, requested
from gateway.errors import CallState, Code
from gateway.ledger.sqlite import SqliteLedger
from gateway.place_call import Placed, Refused, Requested
from gateway.wire import ErrorType, WireAnswer, WireFault
from tests.place_call.desk import PLACED, Desk, at_desk

NOT_PLACED = Outcome(Status.NOT_PLACED, 503, error_type="resolved")


class AheadLedger(SqliteLedger):
    """A ledger whose clock a test moves ahead."""

    ahead_us = 0

    def __init__(self, path: Any, *, clock: Callable[[], int], **more: Any) -> None:
        super().__init__(path, clock=lambda: clock() + self.ahead_us, **more)


def told_after(verdict: Outcome, answer: Callable[[], WireAnswer]) -> Placed:
    """What the client of a call hears that was resolved while it was on the wire."""
    go_on, dialling = asyncio.Event(), asyncio.Event()
    heard: list[Placed] = []

    async def slow(on_sending: Callable[[], None]) -> WireAnswer:
        on_sending()
        dialling.set()
        await go_on.wait()
        return answer()

    async def play(desk: Desk) -> None:
        assert isinstance(desk.ledger, AheadLedger)
        asking = asyncio.create_task(desk.place(desk.ask("k")))
        await dialling.wait()
        desk.ledger.ahead_us = 60_000_000
        assert await desk.ledger.recover() == 1
        page = await desk.ledger.list("acme", status=Status.UNKNOWN, limit=1, cursor=None)
        assert await desk.ledger.resolve(page.records[0].call_id, verdict) is not None
        go_on.set()
        heard.append(await asking)

    asyncio.run(at_desk(slow, play, AheadLedger))
    return heard[0]


def test_a_verdict_does_not_deny_a_call_that_was_placed():
    """The upstream said that it placed the call: its client hears that, not the operator's *not placed*."""
    result = told_after(NOT_PLACED, lambda: PLACED).result
    assert isinstance(result, Requested)
    assert result.record.status is Status.REQUESTED


@pytest.mark.parametrize("verdict", [NOT_PLACED, requested(None)])
def test_a_verdict_is_no_answer_of_the_upstream(verdict: Outcome):
    """No answer came: the client hears that the outcome is unknown, whatever an operator thinks of it."""

    def lost() -> WireAnswer:
        raise WireFault(ErrorType.CONNECTION_LOST, sent=True)

    result = told_after(verdict, lost).result
    assert isinstance(result, Refused)
    assert (result.refusal.code, result.refusal.call_state) == (Code.OUTCOME_UNKNOWN, CallState.UNKNOWN)
