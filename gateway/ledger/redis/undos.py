"""Admissions that nobody heard the answer of: taken back, once the store is there to be told."""

import asyncio
import logging
from typing import Final

import orjson

from gateway.ledger import Claim
from gateway.ledger.charges import Charge, charges_of, read_charges, write_charges
from gateway.ledger.errands import Errands
from gateway.ledger.redis.closing import Closing, Handle
from gateway.ledger.spool import Spool

SPOOL_KIND: Final = "undo"
SPOOL_SECONDS: Final = 0.2
"""How long a caller, who hears 503 anyway, waits for the disk."""
RETRY_SECONDS: Final = 0.25

_log = logging.getLogger(__name__)


def handle_of_claim(claim: Claim, charges: tuple[Charge, ...]) -> Handle:
    """What finding the call's keys takes, should it have been admitted."""
    return Handle(claim.tenant, claim.call_id, claim.key, claim.subject, claim.callee_number, charges)


def write_handle(handle: Handle) -> bytes:
    """A handle as a spool's entry."""
    charges = write_charges(handle.charges)
    return orjson.dumps(
        (handle.tenant, handle.call_id, handle.key, handle.subject, handle.callee_number, charges)
    )


def read_handle(entry: bytes) -> Handle:
    """What `write_handle` wrote. Raises ValueError."""
    tenant, call_id, key, subject, callee_number, charges = orjson.loads(entry)
    return Handle(tenant, call_id, key, subject, callee_number, read_charges(charges))


class Undos:
    """Takes admissions back, a tenant's oldest first, for as long as it takes."""

    def __init__(self, closing: Closing, spool: Spool) -> None:
        """`spool` holds what waits, over restarts where it has a directory."""
        self._closing = closing
        self._spool = spool
        self._errands = Errands(spool, read_handle, self._undo)
        self._retrier: asyncio.Task[None] | None = None
        self._adding: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin with what a former process left. Raises OSError."""
        await self._spool.open()
        self._retry_soon()

    async def adopt(self) -> None:
        """Take over what another process left that has died since."""
        await self._spool.adopt()
        self._retry_soon()

    async def add(self, claim: Claim) -> None:
        """Take this call's admission back, now or later; on disk soon, mostly before this returns."""
        await asyncio.wait((self.add_soon(claim),), timeout=SPOOL_SECONDS)

    def add_soon(self, claim: Claim) -> "asyncio.Task[None]":
        """The same, without waiting."""
        adding = asyncio.get_running_loop().create_task(self._add(claim))
        self._adding.add(adding)
        adding.add_done_callback(self._adding.discard)
        return adding

    async def _add(self, claim: Claim) -> None:
        await self._spool.add(write_handle(handle_of_claim(claim, charges_of(claim.limits))))
        self._retry_soon()

    def _retry_soon(self) -> None:
        if self._spool and (self._retrier is None or self._retrier.done()):
            self._retrier = asyncio.get_running_loop().create_task(self._retry())

    async def _retry(self) -> None:
        while self._spool:
            await self._errands.run_all()
            if self._spool:
                await asyncio.sleep(RETRY_SECONDS)

    async def _undo(self, handle: Handle) -> None:
        answer = await self._closing.undo(handle)
        _log.info("the admission of call %s was taken back: %s", handle.call_id, answer[0])

    async def close(self) -> None:
        """One last try; what stays is on disk, and becomes unknown at its deadline where it is not."""
        if self._retrier is not None:
            self._retrier.cancel()
        if self._adding:
            await asyncio.wait(tuple(self._adding), timeout=SPOOL_SECONDS)
        await self._errands.run_all()
        left = await self._spool.close()
        if left.on_disk:
            _log.error(
                "%d admissions could not be taken back yet: they wait on disk",
                left.on_disk,
            )
        if left.lost:
            _log.error(
                "%d admissions could not be taken back, and no disk has them: those that the store took "
                "become unknown at their deadline, and stay charged",
                left.lost,
            )


__all__ = ["Undos", "handle_of_claim", "read_handle", "write_handle"]
