"""The use case: may they -> reserve -> admit -> dial -> settle -> one audit line.

The order of decisions is the contract's (section 3): faults of the key, faults of the body, DRAINING,
OVERLOADED, the idempotency lookup, PAUSED, CIRCUIT_OPEN, the policy, then quotas, record and key in
one step. Who asks, and whether they may at all, the doors have settled before.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gateway.call import CallRecord, CallRequest, Outcome, unknown
from gateway.errors import Refusal
from gateway.ledger import Admitted, Claim, Decision, Ledger, QuotaState, StoreUnavailable
from gateway.place_call.answers import answer, decided, defect
from gateway.place_call.audit import AuditTrail
from gateway.place_call.results import Asked, Placed, Refused, Result, Translated
from gateway.place_call.settler import Settler
from gateway.place_call.tasks import CallTasks
from gateway.place_call.verdicts import (
    Standing,
    denial,
    draining,
    input_fault,
    key_fault,
    overloaded,
    verdict,
)
from gateway.random_bytes import random_bytes
from gateway.records import store_unavailable
from gateway.telemetry.accounts import CallAccount, LedgerAccount, UpstreamAccount
from gateway.upstream import Slots, Upstream, stay_alive

RECORD_SLACK_US = 2_000_000
"""How long after the wire's own deadline, in microseconds, a record may wait for its settlement."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Trail:
    """What one request has done so far, for its account."""

    ledger: list[LedgerAccount] = field(default_factory=list)
    upstream: UpstreamAccount | None = None
    quotas: tuple[QuotaState, ...] | None = None


def new_call_id() -> str:
    """32 hex digits: milliseconds since the epoch, then 80 random bits; sorts by time."""
    return f"{time.time_ns() // 1_000_000:012x}{random_bytes(10).hex()}"


class PlaceCall:
    """Makes calls for one configuration; a reload makes a new one over the same ledger and slots."""

    def __init__(
        self,
        *,
        upstream: Upstream,
        ledger: Ledger,
        settler: Settler,
        ledger_refused: Callable[[StoreUnavailable], None],
        slots: Slots,
        tasks: CallTasks,
        standing: Standing,
        audit: AuditTrail,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`ledger_refused` hears why an admission could not be asked for; `clock` is monotonic seconds."""
        self._upstream = upstream
        self._ledger = ledger
        self._settler = settler
        self._ledger_refused = ledger_refused
        self._slots = slots
        self._tasks = tasks
        self._standing = standing
        self._audit = audit
        self._clock = clock

    async def __call__(self, asked: Asked) -> Placed:
        """One request to make a call, from a known principal in good standing."""
        call = asked.call
        if not isinstance(call, CallRequest):
            return self._refused(asked, _key_fault(asked) or input_fault(call))
        if call.dry_run:
            return self._dry_run(asked, call)
        refusal = _key_fault(asked)
        if refusal is None and self._standing.is_draining():
            refusal = draining(keyed=asked.key is not None)
        if refusal is not None:
            return self._refused(asked, refusal)
        started = self._clock()
        slot = self._slots.reserve(asked.principal.tenant.name, is_waiting=call.is_waiting)
        if isinstance(slot, tuple):
            return self._refused(asked, overloaded(slot, keyed=asked.key is not None))
        work = self._reserved(asked, call, self._clock() - started)
        return await self._tasks.run(work, finally_=slot.release)

    def _dry_run(self, asked: Asked, call: CallRequest) -> Placed:
        tenant = asked.principal.tenant
        problems, granted = tenant.policy.judge(call)
        refusal = denial(problems)
        if refusal is not None:
            return self._refused(asked, refusal)
        self._audit.translated(asked, call, granted)
        return self._placed(asked, Translated(self._upstream.translated(call, tenant)), _Trail())

    async def _reserved(self, asked: Asked, call: CallRequest, slot_seconds: float) -> Placed:
        tenant, trail = asked.principal.tenant, _Trail()
        passage = self._upstream.enter(tenant)
        problems, granted = tenant.policy.judge(call)
        refusal = verdict(self._standing, passage, problems)
        decision: Decision | None = None
        if refusal is None or asked.key is not None:
            try:
                decision = await self._admit(asked, call, trail, is_refused=refusal is not None)
            except StoreUnavailable as fault:
                self._ledger_refused(fault)
                refusal = store_unavailable(fault).before_lookup(keyed=asked.key is not None)
            except asyncio.CancelledError:
                # The grace is over; the ledger takes back what it may have admitted.
                stay_alive()
                refusal = draining(keyed=asked.key is not None)
            except Exception:
                self._upstream.leave(tenant, passage)
                raise
        if isinstance(decision, Admitted):
            trail.quotas = decision.quotas
            self._audit.allowed(asked, call, decision, granted)
            return await self._dial(asked, call, trail, decision.record, slot_seconds)
        self._upstream.leave(tenant, passage)
        if decision is not None:
            trail.quotas = decision.quotas
        return self._placed(asked, decided(decision, refusal), trail)

    async def _admit(self, asked: Asked, call: CallRequest, trail: _Trail, *, is_refused: bool) -> Decision:
        principal = asked.principal
        claim = Claim(
            call_id=new_call_id(),
            tenant=principal.tenant.name,
            subject=principal.subject,
            key=asked.key,
            fingerprint=call.fingerprint() if asked.key is not None else b"",
            caller_number=call.caller_number,
            callee_number=call.callee_number,
            client_reference=call.client_reference,
            limits=principal.tenant.limits,
            deadline_us=int(self._upstream.deadline_seconds(call) * 1_000_000) + RECORD_SLACK_US,
            is_refused=is_refused,
        )
        started_at_ns, started = time.time_ns(), self._clock()
        error_kind: str | None = None
        try:
            return await self._ledger.admit(claim)
        except StoreUnavailable as fault:
            error_kind = fault.kind
            raise
        finally:
            trail.ledger.append(self._step("admit", started_at_ns, started, error_kind))

    async def _dial(
        self, asked: Asked, call: CallRequest, trail: _Trail, record: CallRecord, slot_seconds: float
    ) -> Placed:
        """From here on the call is recorded and charged: whatever happens, it is settled."""
        started = self._clock()
        is_defect = False
        try:
            attempt = await self._upstream.dial(call, asked.principal.tenant, slot_seconds)
        except Exception:  # noqa: BLE001 - outermost: a defect can't tell whether a byte left
            _log.exception("call %s met a defect while dialling", record.call_id)
            outcome, is_defect = unknown("defect"), True
        else:
            outcome, trail.upstream = attempt.outcome, attempt.account
        try:
            try:
                settled = await self._settle(asked, trail, record, outcome, started)
            except asyncio.CancelledError:
                # The grace is over. To settle twice changes nothing; not to settle would lose the outcome.
                stay_alive()
                settled = await self._settle(asked, trail, record, outcome, started)
        except Exception:  # noqa: BLE001 - outermost: the record becomes unknown; the client hears the truth
            _log.exception("call %s met a defect while settling", record.call_id)
            elapsed_us = int((self._clock() - started) * 1_000_000)
            settled = replace(record, outcome=outcome, settled_at_us=record.requested_at_us + elapsed_us)
        result = Refused(defect(record.call_id), settled) if is_defect else answer(settled, is_replayed=False)
        return self._placed(asked, result, trail)

    async def _settle(
        self, asked: Asked, trail: _Trail, record: CallRecord, outcome: Outcome, started: float
    ) -> CallRecord:
        settling_at_ns, settling = time.time_ns(), self._clock()
        settled = await self._settler.settle(
            record, outcome, int((settling - started) * 1_000_000), asked.principal.tenant.limits
        )
        trail.ledger.append(self._step("settle", settling_at_ns, settling, settled.fault_kind))
        if settled.quotas is not None:
            trail.quotas = settled.quotas
        told = settled.record
        # An operator's verdict may have come first and stands in the record; it is not what was heard.
        return told if told.outcome == outcome else replace(told, outcome=outcome)

    def _step(
        self, operation: str, started_at_ns: int, started: float, error_kind: str | None
    ) -> LedgerAccount:
        seconds = self._clock() - started
        return LedgerAccount(operation, started_at_ns, seconds, self._ledger.is_remote, error_kind)

    def _refused(self, asked: Asked, refusal: Refusal) -> Placed:
        return self._placed(asked, Refused(refusal), _Trail())

    def _placed(self, asked: Asked, result: Result, trail: _Trail) -> Placed:
        """The result with its account; everything but an admission is audited here."""
        account = account_of(asked, result, trail.upstream, tuple(trail.ledger))
        self._audit.concluded(asked, result, account, trail.quotas)
        return Placed(result, trail.quotas, account)


def _key_fault(asked: Asked) -> Refusal | None:
    return None if asked.is_dry_run else key_fault(asked.principal.tenant, asked.key)


def account_of(
    asked: Asked, result: Result, upstream: UpstreamAccount | None, ledger: tuple[LedgerAccount, ...]
) -> CallAccount:
    """What the telemetry is told of a call request."""
    outcome, status, call_id, is_replayed = "dry_run", 200, None, False
    violated: tuple[str, ...] = ()
    if isinstance(result, Refused):
        outcome, status = result.refusal.code.value.lower(), result.refusal.status
        call_id, violated = result.refusal.call_id, result.refusal.violated_policies
        is_replayed = result.is_replayed
    elif not isinstance(result, Translated):
        outcome, status = "requested", result.record.outcome.http_status
        call_id, is_replayed = result.record.call_id, result.is_replayed
    call = asked.call if isinstance(asked.call, CallRequest) else None
    return CallAccount(
        outcome="replayed" if is_replayed else outcome,
        status=status,
        call_id=call_id,
        is_replayed=is_replayed,
        violated=violated,
        caller_number=None if call is None else call.caller_number,
        callee_number=None if call is None else call.callee_number,
        client_wait_seconds=0 if call is None else call.held_seconds,
        upstream=upstream,
        ledger=ledger,
    )
