"""Settling that does not give up: what the store can't take down is spooled and tried again.

The client hears the truth at once; the record follows when the store is back (promise 2), even after
a restart where the spool has a directory.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Final

import orjson

from gateway.call import CallRecord, Outcome
from gateway.ledger import Ledger, Limit, QuotaState, StoreUnavailable
from gateway.ledger.errands import Errands
from gateway.ledger.outcome_text import read_outcome, write_outcome
from gateway.ledger.spool import Spool
from gateway.values import value_class

SPOOL_KIND: Final = "settle"
RETRY_SECONDS: Final = 0.5
SPOOL_SECONDS: Final = 0.2
"""How long a caller, whose call is over, waits for the disk."""

_LOST: Final = "lost"
"""The kind of StoreUnavailable that no waiting mends: the record is gone."""

_log = logging.getLogger(__name__)


@value_class(frozen=True, slots=True)
class Kept:
    """A settlement that the store has not taken yet."""

    tenant: str
    call_id: str
    outcome: Outcome
    elapsed_us: int


@value_class(frozen=True, slots=True)
class Settled:
    """The record as it now is, or as it will be once the store has taken it; the quotas where a refund
    changed them. `fault_kind` is why the store did not take it, None where it did."""

    record: CallRecord
    quotas: tuple[QuotaState, ...] | None = None
    fault_kind: str | None = None


def write_kept(kept: Kept) -> bytes:
    """A kept settlement as a spool's entry."""
    outcome = write_outcome(kept.outcome).decode()
    return orjson.dumps((kept.tenant, kept.call_id, outcome, kept.elapsed_us))


def read_kept(entry: bytes) -> Kept:
    """What `write_kept` wrote. Raises ValueError."""
    tenant, call_id, outcome, elapsed_us = orjson.loads(entry)
    return Kept(tenant, call_id, read_outcome(outcome), int(elapsed_us))


class Settler:
    """Writes outcomes to the ledger, a tenant's in order of arrival where some had to be kept."""

    def __init__(self, ledger: Ledger, spool: Spool, retry_seconds: float = RETRY_SECONDS) -> None:
        """`ledger` is open before the first settlement; `spool` holds what waits."""
        self._ledger = ledger
        self._spool = spool
        self._errands = Errands(spool, read_kept, self._settle_kept)
        self._retry_seconds = retry_seconds
        self._retrier: asyncio.Task[None] | None = None
        self._keeping: set[asyncio.Task[None]] = set()

    @property
    def kept(self) -> int:
        """Settlements that the store has not taken yet."""
        return len(self._spool)

    async def open(self) -> None:
        """Begin with what a former process left. Raises OSError."""
        await self._spool.open()
        self._retry_soon()

    async def adopt(self) -> None:
        """Take over what another process left that has died since."""
        await self._spool.adopt()
        self._retry_soon()

    async def settle(
        self, record: CallRecord, outcome: Outcome, elapsed_us: int, limits: tuple[Limit, ...]
    ) -> Settled:
        """Write an outcome down, now or later."""
        try:
            done = await self._ledger.settle(record.tenant, record.call_id, outcome, elapsed_us, limits)
        except StoreUnavailable as fault:
            if fault.kind == _LOST:
                _log.error("call %s can't be settled: %s", record.call_id, fault)
            else:
                _log.warning("call %s could not be settled yet: %s", record.call_id, fault.kind)
                await self._keep(Kept(record.tenant, record.call_id, outcome, elapsed_us))
            settled_at_us = record.requested_at_us + elapsed_us
            settled = replace(record, outcome=outcome, settled_at_us=settled_at_us)
            return Settled(settled, fault_kind=fault.kind)
        return Settled(done.record, done.quotas)

    async def _keep(self, kept: Kept) -> None:
        keeping = asyncio.get_running_loop().create_task(self._spooled(kept))
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)
        await asyncio.wait((keeping,), timeout=SPOOL_SECONDS)

    async def _spooled(self, kept: Kept) -> None:
        await self._spool.add(write_kept(kept))
        self._retry_soon()

    def _retry_soon(self) -> None:
        if self._spool and (self._retrier is None or self._retrier.done()):
            self._retrier = asyncio.get_running_loop().create_task(self._retry())

    async def _retry(self) -> None:
        while self._spool:
            await self._errands.run_all()
            if self._spool:
                await asyncio.sleep(self._retry_seconds)

    async def _settle_kept(self, kept: Kept) -> None:
        """To do it twice changes nothing. Raises StoreUnavailable."""
        try:
            await self._ledger.settle(kept.tenant, kept.call_id, kept.outcome, kept.elapsed_us, ())
        except StoreUnavailable as fault:
            if fault.kind != _LOST:
                raise
            _log.error("a kept settlement is dropped: %s", fault)
        else:
            _log.info("call %s is settled now", kept.call_id)

    async def close(self) -> None:
        """One last try for everything kept; what stays is on disk for the next process, where the spool
        has a directory, and else becomes unknown at its deadline."""
        if self._retrier is not None:
            self._retrier.cancel()
        if self._keeping:
            await asyncio.wait(tuple(self._keeping), timeout=SPOOL_SECONDS)
        await self._errands.run_all()
        left = await self._spool.close()
        if left.on_disk:
            _log.error("%d calls could not be settled yet: they wait on disk", left.on_disk)
        if left.lost:
            _log.error(
                "%d calls could not be settled, and no disk has their outcomes: these are lost, and the "
                "records become unknown at their deadline",
                left.lost,
            )


__all__ = ["SPOOL_KIND", "Kept", "Settled", "Settler", "read_kept", "write_kept"]
