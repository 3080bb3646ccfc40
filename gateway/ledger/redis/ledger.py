"""The shared ledger's verbs."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final

from gateway.call import CallRecord, Outcome, Status
from gateway.ledger import (
    Admitted,
    Claim,
    Decision,
    Limit,
    Page,
    QuotaState,
    Settlement,
    StoreUnavailable,
)
from gateway.ledger.redis.admission import Admission
from gateway.ledger.redis.closing import Closing, Handle, Retention, handle_of, refunded_in_order
from gateway.ledger.redis.faults import Doubtful, number
from gateway.ledger.redis.keys import keys_of
from gateway.ledger.redis.plan import Plans, told
from gateway.ledger.redis.reading import Reading
from gateway.ledger.redis.record import read_kept
from gateway.ledger.redis.recovery import Recovery
from gateway.ledger.redis.resp import bulk
from gateway.ledger.redis.scripts import PEEK
from gateway.ledger.redis.store import Store
from gateway.ledger.redis.undos import Undos, handle_of_claim
from gateway.ledger.spool import Spool

HOUSEKEEPING_SECONDS: Final = 10.0
_MOST_HANDLES: Final = 16_384
"""Calls under way whose keys are remembered; the keys of others are read from their records."""

_log = logging.getLogger(__name__)


class RedisLedger:
    """`Ledger` over one Redis or Valkey, standalone or a cluster; any number of gateways share it.

    One that is not `serving` only reads, resolves and acknowledges, beside those that serve: it keeps
    no spool and no house. Where the store can't be reached `open` succeeds all the same, and every
    verb raises StoreUnavailable until it can.
    """

    is_remote = True

    def __init__(
        self, store: Store, retention: Retention, undo_spool: Spool, *, serving: bool = True
    ) -> None:
        """`ledger_at` makes one from settings."""
        self._store = store
        self._plans = Plans()
        self._admission = Admission(store, retention)
        self._closing = Closing(store, retention)
        self._reading = Reading(store)
        self._recovery = Recovery(store, self._reading, self._closing, retention)
        self._undos = Undos(self._closing, undo_spool)
        self._serving = serving
        self._handles: dict[str, Handle] = {}
        self._housekeeper: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin. Raises StoreUnavailable only for what waiting does not mend: a store that evicts."""
        try:
            await self._store.inspect()
        except StoreUnavailable as fault:
            if fault.kind == "eviction":
                await self._store.close()
                raise
            # The verb that follows meets the same, and tells it.
        if self._serving:
            await self._undos.open()
            self._housekeeper = asyncio.get_running_loop().create_task(self._keep_house())

    async def close(self) -> None:
        """Undo what must be undone, as far as the store is there, and let go of it."""
        if self._housekeeper is not None:
            self._housekeeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._housekeeper
        if self._serving:
            await self._undos.close()
        await self._store.close()

    async def admit(self, claim: Claim) -> Decision:
        """Decide a call, in one round trip. An answer that does not come in time is undone."""
        plan = self._plans.of(claim.limits)
        try:
            decision = await self._admission.admit(claim, plan)
        except Doubtful:
            if not claim.is_refused:
                await self._undos.add(claim)
            raise
        except asyncio.CancelledError:
            if not claim.is_refused:
                self._undos.add_soon(claim)
            raise
        if isinstance(decision, Admitted):
            self._remember(handle_of_claim(claim, plan.charges))
        return decision

    def _remember(self, handle: Handle) -> None:
        if len(self._handles) >= _MOST_HANDLES:
            del self._handles[next(iter(self._handles))]
        self._handles[handle.call_id] = handle

    async def settle(
        self, tenant: str, call_id: str, outcome: Outcome, elapsed_us: int, limits: tuple[Limit, ...]
    ) -> Settlement:
        """Write the outcome, in one round trip where this gateway admitted the call.

        StoreUnavailable of kind `lost`: the record is gone for good, trying again does not help.
        """
        handle = self._handles.get(call_id) or await self._handle(tenant, call_id)
        if handle is None:
            raise _lost(call_id)
        answer = await self._closing.settle(handle, outcome, elapsed_us)
        self._handles.pop(call_id, None)
        match answer:
            case [b"missing", *_]:
                raise _lost(call_id)
            case [b"refunded", int(now_us), bytes(text), *raws]:
                record = read_kept(tenant, text).record
                return Settlement(record, await self._refunded(handle, limits, raws, now_us))
            case [_, int(), bytes(text)]:
                return Settlement(read_kept(tenant, text).record)
        raise Doubtful("protocol", f"the store settled call {call_id} with an answer that is none")

    async def _handle(self, tenant: str, call_id: str) -> Handle | None:
        (kept,) = await self._reading.by_ids(tenant, (call_id,))
        return None if kept is None else handle_of(kept)

    async def _refunded(
        self, handle: Handle, limits: tuple[Limit, ...], raws: list[object], now_us: int
    ) -> tuple[QuotaState, ...] | None:
        plan = self._plans.of(limits)
        if plan.charges == handle.charges:
            return told(plan.rules, refunded_in_order(handle.charges, raws), now_us)
        try:
            return await self._peek(handle.tenant, handle.subject, handle.callee_number, limits)
        except StoreUnavailable:
            return None

    async def find(self, tenant: str, call_id: str) -> CallRecord | None:
        """The tenant's record of that id."""
        (kept,) = await self._reading.by_ids(tenant, (call_id,))
        return None if kept is None else await self._recovery.current(kept)

    async def find_by_key(self, tenant: str, key: str) -> CallRecord | None:
        """The record that the tenant's idempotency key holds."""
        kept = await self._reading.by_key(tenant, key)
        return None if kept is None else await self._recovery.current(kept)

    async def list(
        self,
        tenant: str | None,
        *,
        status: Status | None,
        limit: int,
        cursor: str | None,
        since_us: int | None = None,
    ) -> Page:
        """Records newest first, of one tenant or (None) of all. Raises BadCursor."""
        tenants = [] if tenant is None else [tenant]
        if tenant is None:
            # An operator may ask when no gateway is left to recover anything.
            await self._recovery.of_all()
            tenants = await self._store.tenants()
        return await self._reading.page(tenants, status, limit, cursor, since_us)

    async def peek(self, tenant: str, subject: str, limits: Sequence[Limit]) -> tuple[QuotaState, ...]:
        """How the quotas stand for one asker; spends nothing."""
        return await self._peek(tenant, subject, None, limits)

    async def _peek(
        self, tenant: str, subject: str, callee_number: str | None, limits: Sequence[Limit]
    ) -> tuple[QuotaState, ...]:
        keys, plan = keys_of(tenant), self._plans.of(limits)
        names = [keys.of_limit(limit, subject, callee_number) for limit in limits]
        asked = [n for n, name in enumerate(names) if name is not None]
        kinds = tuple(plan.kinds[n] for n in asked)
        answer = await self._store.run(
            PEEK, keys, [name for name in names if name is not None], bulk(kinds), len(kinds)
        )
        now_us, raws = number(answer[1]), answer[2:]
        states = iter(told([plan.rules[n] for n in asked], raws, now_us))
        return tuple(
            QuotaState(limit, None, None, None) if name is None else next(states)
            for limit, name in zip(limits, names, strict=True)
        )

    async def resolve(self, call_id: str, outcome: Outcome) -> Settlement | None:
        """An operator's verdict on an unknown record, whichever tenant's it is."""
        await self._recovery.of_all()
        for tenant in await self._store.tenants():
            (kept,) = await self._reading.by_ids(tenant, (call_id,))
            if kept is None:
                continue
            answer = await self._closing.resolve(handle_of(kept), outcome)
            match answer:
                case [b"closed" | b"refunded", int(), bytes(text), *_]:
                    return Settlement(read_kept(tenant, text).record)
        return None

    async def recover(self) -> int:
        """Turn records in progress past their deadline into unknown; how many since the last time,
        those included that this gateway came across on its way.

        Raises StoreUnavailable also where all can be read, but no step could be taken.
        """
        await self._recovery.of_all()
        await self._store.try_steps()
        counted = self._recovery.count + self._admission.recovered
        self._recovery.count = self._admission.recovered = 0
        return counted

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            try:
                await self._undos.adopt()
                await self._recovery.trim()
            except StoreUnavailable as refusal:
                _log.debug("no housekeeping while the store is away: %s", refusal.kind)
            except Exception:  # noqa: BLE001 - outermost: the defect of one round must not end all
                _log.exception("the store's housekeeping met a defect")

    async def acknowledge(self) -> None:
        """Accept a store that lost its data: what is there goes on, what is lost is forgotten."""
        await self._store.acknowledge()


def _lost(call_id: str) -> StoreUnavailable:
    return StoreUnavailable(
        "lost", f"there is no record of call {call_id}, which was admitted: data was lost"
    )


__all__ = ["RedisLedger"]
