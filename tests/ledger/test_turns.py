"""What can't be done for one tenant holds up no other's, and a store that is away is not hammered."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.ledger import StoreUnavailable
from gateway.ledger.errands import Errands
from gateway.ledger.spool import Spool
from gateway.ledger.turns import MOST_FAILURES, Turns
from gateway.place_call.settler import Kept, Settler, read_kept, write_kept
from tests.ledger.cases import WHOLE
from tests.ledger.shared_store import until

NAMES = [f"tenant-{n}" for n in range(30)]


@dataclass
class PartlyAway:
    """Serves all but some."""

    away: set[str]
    tries: Counter[str] = field(default_factory=Counter)
    served: set[str] = field(default_factory=set)

    async def serve(self, tenant: str) -> None:
        self.tries[tenant] += 1
        if tenant in self.away:
            raise StoreUnavailable("circuit", f"{tenant} is away")
        self.served.add(tenant)


def test_everyone_who_can_be_served_is_in_one_round() -> None:
    """Whoever fails, and wherever in the order; the first fault is told."""

    async def play() -> None:
        for first in range(3):
            some = PartlyAway(set(NAMES[first::3]))
            fault = await Turns().each(NAMES, some.serve)
            assert str(fault) == f"{NAMES[first]} is away"
            assert some.served == set(NAMES) - some.away
            assert set(some.tries.values()) == {1}
        assert await Turns().each(NAMES, PartlyAway(set()).serve) is None

    asyncio.run(play())


def test_a_store_that_is_wholly_away_is_asked_a_few_times_a_round() -> None:
    """Other tenants each time, so that whoever can be served again soon is."""

    async def play() -> None:
        turns, all_away = Turns(), PartlyAway(set(NAMES))
        for n in range(1, 4):
            await turns.each(NAMES, all_away.serve)
            assert all_away.tries.total() == len(all_away.tries) == n * MOST_FAILURES
        await turns.each(NAMES, all_away.serve)
        assert len(all_away.tries) == len(NAMES), "every tenant was tried"
        back = set(NAMES[20:])
        all_away.away -= back
        for _ in range(4):
            await turns.each(NAMES, all_away.serve)
        assert all_away.served == back

    asyncio.run(play())


def test_those_who_failed_before_come_last() -> None:
    """However many there are in front."""

    async def play() -> None:
        turns, some = Turns(), PartlyAway(set(NAMES[:20]))
        for _ in range(3):
            await turns.each(NAMES, some.serve)
        assert some.served == set(NAMES[20:])
        tries = Counter(some.tries)
        await turns.each(NAMES, some.serve)
        assert (some.tries - tries).total() == 10 + MOST_FAILURES

    asyncio.run(play())


@dataclass
class Refusing:
    """A ledger that settles for some tenants or calls only, and notes the order."""

    faults: dict[str, Exception]
    settled: list[str] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)

    async def settle(self, tenant: str, call_id: str, *_: object) -> None:
        self.tries[call_id] += 1
        if fault := self.faults.get(call_id) or self.faults.get(tenant):
            raise fault
        self.settled.append(call_id)


async def _settler(ledger: Any, *entries: bytes) -> Settler:
    spool = Spool(None, "settle")
    for entry in entries:
        await spool.add(entry)
    return Settler(ledger, spool, retry_seconds=0.01)


def _kept(tenant: str, call_id: str) -> bytes:
    return write_kept(Kept(tenant, call_id, WHOLE, 1))


async def _until_tried(ledger: Refusing, call_id: str, times: int) -> None:
    async def is_tried() -> bool:
        return ledger.tries[call_id] >= times

    await until(is_tried)


async def _until_empty(settler: Settler) -> None:
    async def is_empty() -> bool:
        return settler.kept == 0

    await until(is_empty)


@pytest.mark.parametrize("fault", [StoreUnavailable("circuit", "away"), RuntimeError("a defect")], ids=str)
def test_kept_settlements_of_other_tenants_go_on(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """A tenant's are sent in their order; what can't be sent stays, and follows when it can."""
    ledger = Refusing({"a": fault})

    async def play() -> None:
        entries = [_kept("a", "a-1"), _kept("b", "b-1"), b"none", _kept("a", "a-2"), _kept("b", "b-2")]
        settler = await _settler(ledger, *entries)
        await settler.open()
        await _until_tried(ledger, "a-1", 3)
        assert (ledger.settled, settler.kept) == (["b-1", "b-2"], 2)
        ledger.faults.clear()
        await _until_empty(settler)
        assert ledger.settled == ["b-1", "b-2", "a-1", "a-2"]
        await settler.close()

    asyncio.run(play())
    assert caplog.text.count("can't be read and is dropped") == 1
    assert caplog.text.count("can't be done; it stays") == (2 if isinstance(fault, RuntimeError) else 0)


@pytest.mark.parametrize("defective", [1, MOST_FAILURES, 3 * MOST_FAILURES])
def test_settlements_that_meet_a_defect_hold_up_no_other(
    defective: int, caplog: pytest.LogCaptureFixture
) -> None:
    """They stay, are told once each, and are tried again in their turn, a few a round."""
    bad = [f"bad-{number}" for number in range(defective)]
    ledger = Refusing({call_id: RuntimeError("a defect") for call_id in bad})

    async def play() -> None:
        settler = await _settler(ledger, *(_kept("a", call_id) for call_id in (*bad, "good-1", "good-2")))
        await settler.open()
        await _until_tried(ledger, bad[-1], 3)
        assert (ledger.settled, settler.kept) == (["good-1", "good-2"], defective)
        tries = [ledger.tries[call_id] for call_id in bad]
        assert max(tries) - min(tries) <= 1, "each has its turn"
        ledger.faults.clear()
        await _until_empty(settler)
        assert sorted(ledger.settled[2:]) == sorted(bad)
        await settler.close()

    asyncio.run(play())
    assert caplog.text.count("can't be done; it stays") == defective


def test_a_defect_that_all_meet_is_met_a_few_times_a_round() -> None:
    """However many wait, the event loop has other work."""
    tried: list[str] = []

    async def fail(kept: Kept) -> None:
        tried.append(kept.call_id)
        raise RuntimeError("a defect")

    async def play() -> None:
        spool = Spool(None, "settle")
        for number in range(5 * MOST_FAILURES):
            await spool.add(_kept("a", f"a-{number}"))
        errands = Errands(spool, read_kept, fail)
        for round_number in range(1, 8):
            await errands.run_all()
            assert len(tried) == round_number * MOST_FAILURES
        assert len(set(tried)) == 5 * MOST_FAILURES

    asyncio.run(play())


def test_the_end_says_that_settlements_without_a_disk_are_lost(caplog: pytest.LogCaptureFixture) -> None:
    """In words that an operator can act upon."""

    async def play() -> None:
        away = Refusing({"a": StoreUnavailable("circuit", "away")})
        settler = await _settler(away, _kept("a", "a-1"), _kept("a", "a-2"), _kept("b", "b-1"))
        await settler.close()

    asyncio.run(play())
    assert "2 calls could not be settled, and no disk has their outcomes" in caplog.text
    assert "wait on disk" not in caplog.text
