"""What the use case makes of the worst: defects, and being cut off, at each point of a call."""

import asyncio
import logging

import pytest

from gateway.call import Status
from gateway.errors import CallState, Code
from gateway.place_call import Placed, Refused, Requested
from gateway.wire import WireAnswer
from tests.place_call.desk import PLACED, DefectiveLedger, Desk, at_desk


@pytest.fixture(autouse=True)
def quiet():
    """Defects are logged with their traceback, which is none of this test run's."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def refusal(placed: Placed):
    assert isinstance(placed.result, Refused)
    return placed.result.refusal


async def answered(on_sending) -> WireAnswer:
    on_sending()
    return PLACED


def test_a_good_call():
    """The desk itself works: requested, charged, its slot free again, one audit line."""

    async def play(desk: Desk) -> None:
        placed = await desk.place(desk.ask("k"))
        assert isinstance(placed.result, Requested)
        assert await desk.remaining() == 9
        await asyncio.sleep(0)
        assert desk.slots.in_flight("now") == 0
        assert [line.decision for line in desk.audited] == ["allow"]

    asyncio.run(at_desk(answered, play))


@pytest.mark.parametrize("is_sent", [False, True])
def test_a_defect_while_dialling_is_unknown(is_sent):
    """500 with the call's state UNKNOWN, since nobody can tell whether a byte left: charged, recorded as
    unknown, replayed as unknown and never dialled again."""
    dials = []

    async def broken(on_sending) -> WireAnswer:
        dials.append(1)
        if is_sent:
            on_sending()
        raise KeyError("a defect")

    async def play(desk: Desk) -> None:
        first = refusal(await desk.place(desk.ask("k")))
        assert (first.code, first.status, first.call_state) == (Code.INTERNAL, 500, CallState.UNKNOWN)
        assert first.call_id is not None
        record = await desk.ledger.find("acme", first.call_id)
        assert record is not None
        assert record.status is Status.UNKNOWN
        assert await desk.remaining() == 9
        again = refusal(await desk.place(desk.ask("k")))
        assert (again.code, again.call_state) == (Code.OUTCOME_UNKNOWN, CallState.UNKNOWN)
        assert len(dials) == 1
        assert desk.slots.in_flight("now") == 0
        assert [line.decision for line in desk.audited] == ["allow", "replay"], "one line for each request"

    asyncio.run(at_desk(broken, play))


def test_a_defect_while_settling_hides_no_truth():
    """The upstream said that it placed the call, the ledger has a defect: the client hears the truth, and
    the key dials no second one."""
    dials = []

    async def counted(on_sending) -> WireAnswer:
        dials.append(1)
        return await answered(on_sending)

    async def play(desk: Desk) -> None:
        placed = await desk.place(desk.ask("k"))
        assert isinstance(placed.result, Requested)
        assert placed.result.record.status is Status.REQUESTED
        again = refusal(await desk.place(desk.ask("k")))
        assert (again.code, again.call_state) == (Code.CALL_IN_PROGRESS, CallState.UNKNOWN)
        assert len(dials) == 1

    asyncio.run(at_desk(counted, play, DefectiveLedger))


@pytest.mark.parametrize(
    ("is_sent", "code", "status", "left"),
    [(False, Code.DRAINING, Status.NOT_PLACED, 10), (True, Code.OUTCOME_UNKNOWN, Status.UNKNOWN, 9)],
)
def test_a_call_that_is_cut_off_is_settled(is_sent, code, status, left):
    """When the grace is over: not placed and refunded where nothing had left, else unknown and charged;
    the client hears it, and the record says it."""
    dialling = asyncio.Event()

    async def silent(on_sending) -> WireAnswer:
        if is_sent:
            on_sending()
        dialling.set()
        await asyncio.sleep(60)
        return PLACED

    async def play(desk: Desk) -> None:
        asking = asyncio.create_task(desk.place(desk.ask("k")))
        await dialling.wait()
        await desk.tasks.drain(0)
        found = refusal(await asking)
        assert found.code is code
        record = await desk.ledger.find("acme", found.call_id or "")
        assert record is not None
        assert record.status is status
        assert await desk.remaining() == left
        assert len(desk.tasks) == 0

    asyncio.run(at_desk(silent, play))


def test_a_handler_that_is_cancelled_loses_nothing():
    """Whoever waits may be cancelled; the call goes on to its end, settled and charged."""
    go_on, dialling = asyncio.Event(), asyncio.Event()

    async def slow(on_sending) -> WireAnswer:
        on_sending()
        dialling.set()
        await go_on.wait()
        return PLACED

    async def play(desk: Desk) -> None:
        asking = asyncio.create_task(desk.place(desk.ask("k")))
        await dialling.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert len(desk.tasks) == 1
        go_on.set()
        await desk.tasks.drain(5)
        replay = (await desk.place(desk.ask("k"))).result
        assert isinstance(replay, Requested)
        assert replay.is_replayed
        assert await desk.remaining() == 9

    asyncio.run(at_desk(slow, play))


def test_a_tenant_at_its_slots_is_refused_before_the_ledger():
    """With every slot taken the next call is OVERLOADED, unrecorded; keyed, its state is unknown."""
    go_on, dialling = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(on_sending) -> WireAnswer:
        on_sending()
        dialling.release()
        await go_on.wait()
        return PLACED

    async def play(desk: Desk) -> None:
        first = [asyncio.create_task(desk.place(desk.ask(f"k{index}"))) for index in range(4)]
        for _ in first:
            await dialling.acquire()
        plain, keyed = refusal(await desk.place(desk.ask())), refusal(await desk.place(desk.ask("k9")))
        assert (plain.code, plain.call_state) == (Code.OVERLOADED, CallState.NOT_PLACED)
        assert (keyed.code, keyed.call_state) == (Code.OVERLOADED, CallState.UNKNOWN)
        go_on.set()
        await asyncio.gather(*first)
        page = await desk.ledger.list("acme", status=None, limit=100, cursor=None)
        assert len(page.records) == 4

    asyncio.run(at_desk(slow, play))
