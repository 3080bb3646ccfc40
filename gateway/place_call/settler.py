"""Settling that does not give up: what the store can't take down is kept and tried again.

The client hears the truth at once; the record follows when the store is back (promise 2).
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from gateway.call import CallRecord, Outcome
from gateway.ledger import Ledger, Limit, Settlement, StoreUnavailable

RETRY_SECONDS: Final = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    record: CallRecord
    outcome: Outcome
    elapsed_us: int
    limits: tuple[Limit, ...]


class Settler:
    """Writes outcomes to the ledger, in order of arrival where some had to be kept."""

    def __init__(self, ledger: Ledger, retry_seconds: float = RETRY_SECONDS) -> None:
        """`ledger` is open."""
        self._ledger = ledger
        self._retry_seconds = retry_seconds
        self._kept: deque[_Kept] = deque()
        self._retrier: asyncio.Task[None] | None = None

    @property
    def kept(self) -> int:
        """Settlements that the store has not taken yet."""
        return len(self._kept)

    async def settle(
        self, record: CallRecord, outcome: Outcome, elapsed_us: int, limits: tuple[Limit, ...]
    ) -> Settlement:
        """The record as it now is, or as it will be once the store has taken it."""
        try:
            return await self._ledger.settle(record.tenant, record.call_id, outcome, elapsed_us, limits)
        except StoreUnavailable as fault:
            _log.warning("call %s could not be settled yet: %s", record.call_id, fault.kind)
            self._kept.append(_Kept(record, outcome, elapsed_us, limits))
            if self._retrier is None or self._retrier.done():
                self._retrier = asyncio.get_running_loop().create_task(self._retry())
            settled_at_us = record.requested_at_us + elapsed_us
            return Settlement(replace(record, outcome=outcome, settled_at_us=settled_at_us))

    async def _retry(self) -> None:
        while self._kept:
            await asyncio.sleep(self._retry_seconds)
            await self._flush()

    async def _flush(self) -> None:
        while self._kept:
            kept = self._kept[0]
            try:
                await self._ledger.settle(
                    kept.record.tenant, kept.record.call_id, kept.outcome, kept.elapsed_us, kept.limits
                )
            except StoreUnavailable:
                return
            self._kept.popleft()

    async def close(self) -> None:
        """One last try for everything kept; what stays is said, and becomes unknown at its deadline."""
        if self._retrier is not None:
            self._retrier.cancel()
        await self._flush()
        for kept in self._kept:
            _log.error("call %s could not be settled: its record will read unknown", kept.record.call_id)
