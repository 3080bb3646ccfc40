"""The look at the ledger goes on whatever one look meets."""

import asyncio
import logging
from typing import Any

import pytest

from gateway.app import ledger_watch
from gateway.app.ledger_watch import LedgerWatch
from gateway.ledger import StoreUnavailable


class Told:
    """A settler, a ledger and metrics in one: each look ends in the next of `ends`."""

    def __init__(self, *ends: Exception | int) -> None:
        self._ends = list(ends)
        self.ups: list[bool] = []
        self.recovered: list[int] = []
        self.kinds: list[str] = []
        self.is_over = asyncio.Event()

    async def adopt(self) -> None:
        """Nothing waits."""

    async def recover(self) -> int:
        if not self._ends:
            self.is_over.set()
            return 0
        end = self._ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end

    def set_ledger_up(self, *, is_up: bool) -> None:
        self.ups.append(is_up)

    def ledger_failed(self, kind: str) -> None:
        self.ups.append(False)
        self.kinds.append(kind)

    def ledger_recovered(self, count: int) -> None:
        self.recovered.append(count)


def test_a_reason_is_told_once_a_minute_until_the_ledger_answers(caplog: Any) -> None:
    """Each kind; where a circuit is open that one tells it, since nothing else is asked by then."""
    told: Any = Told()
    now = [0.0]
    watch = LedgerWatch(told, told, told, clock=lambda: now[0])
    for second in range(150):
        now[0] = float(second)
        for _ in range(3):
            watch.refused(StoreUnavailable("connect" if second < 2 else "circuit", "it does not answer"))
    words = "no call can be recorded, so none is placed"
    assert caplog.messages == [
        f"{words} (connect): it does not answer",
        f"{words} (circuit): it does not answer",
        f"{words} (circuit): it does not answer",
    ]
    watch.refused(StoreUnavailable("emptied", "it was emptied"))
    watch.refused(StoreUnavailable("emptied", "it was emptied"))
    assert caplog.messages[3:] == [f"{words} (emptied): it was emptied"]


def test_a_defect_of_one_look_does_not_end_all(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """It is logged with its traceback; the next look recovers calls and tells how the ledger is."""
    monkeypatch.setattr(ledger_watch, "RECOVER_EVERY_SECONDS", 0)

    async def play() -> Told:
        told: Any = Told(3, ValueError("a record that can't be read"), StoreUnavailable("io", "no"), 2)
        looking = asyncio.create_task(LedgerWatch(told, told, told).run())
        async with asyncio.timeout(5):
            await told.is_over.wait()
        looking.cancel()
        return told

    with caplog.at_level(logging.WARNING):
        told = asyncio.run(play())
    assert told.recovered == [3, 2]
    assert told.ups[:3] == [True, False, True]
    assert told.kinds == ["io"]
    (defect,) = [record for record in caplog.records if record.exc_info]
    assert "a record that can't be read" in str(defect.exc_info)
