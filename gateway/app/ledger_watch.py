"""Whether the ledger answers: asked every second, shown by a gauge, and its reasons told in the log."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from gateway.ledger import Ledger, StoreUnavailable
from gateway.place_call import Settler
from gateway.telemetry.metrics import Metrics

RECOVER_EVERY_SECONDS: Final = 1.0
REPEAT_SECONDS: Final = 60.0
"""Who looks at the end of a log must find the reason there."""

_CIRCUIT: Final = "circuit"
"""The kind of a refusal without asking: its reason was another before."""

_RECOVERED: Final = (
    "%d calls were left unsettled and are now unknown: each may have been placed, stays charged and is not "
    "dialled again. See `gateway calls list --outcome unknown`, and tell what became of each with "
    "`gateway calls resolve`"
)
"""By a process that died, mostly: by this one's predecessor, or by another one over the same store."""

_log = logging.getLogger(__name__)


class LedgerWatch:
    """One ledger's; whoever hears a refusal tells it here."""

    def __init__(
        self,
        ledger: Ledger,
        settler: Settler,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`settler` takes over what dead processes left, as often as the ledger is asked; `clock` is
        monotonic seconds."""
        self._ledger = ledger
        self._settler = settler
        self._metrics = metrics
        self._clock = clock
        self._told: dict[str, float] = {}

    def refused(self, fault: StoreUnavailable) -> None:
        """The ledger refused a step. Each kind of reason is logged once a minute, until the ledger answers
        again: a line for each of thousands of requests would hide the first."""
        now, told = self._clock(), self._told
        last = max(told.values(), default=None) if fault.kind == _CIRCUIT else told.get(fault.kind)
        if last is not None and now - last < REPEAT_SECONDS:
            return
        told[fault.kind] = now
        _log.error("no call can be recorded, so none is placed (%s): %s", fault.kind, fault)

    def _answered(self) -> None:
        if self._told:
            self._told.clear()
            _log.warning("the call ledger answers again")

    async def run(self) -> None:
        """Recover, for ever, calls that nobody settles: whether that can be done tells how the ledger is."""
        while True:
            try:
                await self._settler.adopt()
                await self._recover()
            except Exception:  # noqa: BLE001 - outermost: the defect of one look must not end all looks
                _log.exception("a look at the call ledger met a defect")
            await asyncio.sleep(RECOVER_EVERY_SECONDS)

    async def _recover(self) -> None:
        try:
            recovered = await self._ledger.recover()
        except StoreUnavailable as fault:
            self._metrics.ledger_failed(fault.kind)
            self.refused(fault)
            return
        self._metrics.set_ledger_up(is_up=True)
        self._answered()
        if recovered:
            self._metrics.ledger_recovered(recovered)
            _log.warning(_RECOVERED, recovered)


__all__ = ["RECOVER_EVERY_SECONDS", "LedgerWatch"]
