"""One audit line per decision on a call: who asked for what, what decided it, and what it cost."""

from collections.abc import Callable
from typing import Final, Literal

from gateway.access import CALLS_MAKE
from gateway.call import CallRequest
from gateway.errors import Code, Refusal
from gateway.ledger import Admitted, QuotaState
from gateway.place_call.results import Asked, Refused, Requested, Result
from gateway.telemetry.accounts import AuditAccount, CallAccount

QuotaSteps = tuple[tuple[str, int | None, int | None], ...]

_RULES: Final = {
    Code.INSUFFICIENT_SCOPE: (f"scope: {CALLS_MAKE}",),
    Code.TENANT_SUSPENDED: ("suspended: true",),
    Code.IDEMPOTENCY_KEY_MISSING: ("idempotency: required",),
    Code.PAUSED: ("paused: true",),
}
"""What decided where the code alone says it; all else that refuses without a rule is no setting."""


class AuditTrail:
    """Makes audit accounts and hands them to a sink."""

    def __init__(self, sink: Callable[[AuditAccount], None]) -> None:
        """`sink` writes a line; it must not raise."""
        self._sink = sink

    def allowed(self, asked: Asked, call: CallRequest, admitted: Admitted, granted: tuple[str, ...]) -> None:
        """A call was admitted by the rules that granted it; it is about to be dialled."""
        steps = tuple((s.limit.name, _plus_one(s.remaining), s.remaining) for s in admitted.quotas)
        self._tell(asked, call, "allow", None, admitted.record.call_id, granted, steps)

    def translated(self, asked: Asked, call: CallRequest, granted: tuple[str, ...]) -> None:
        """A dry run was permitted; nothing is dialled and nothing spent."""
        self._tell(asked, call, "allow", None, None, granted, ())

    def turned_away(self, asked: Asked, refusal: Refusal) -> None:
        """The asker may make no calls at all; nothing was read of the one that was asked for."""
        self._tell(asked, None, "deny", refusal.code.value, None, _rules_of(refusal), ())

    def concluded(
        self, asked: Asked, result: Result, account: CallAccount, quotas: tuple[QuotaState, ...] | None
    ) -> None:
        """A request came to an end; the line is written unless it was allowed, which had one."""
        is_defect = isinstance(result, Refused) and result.refusal.code is Code.INTERNAL
        if account.upstream is not None or is_defect:  # a defect is met after the admission only
            return
        call = asked.call if isinstance(asked.call, CallRequest) else None
        steps = tuple((s.limit.name, s.remaining, s.remaining) for s in quotas or ())
        if isinstance(result, Refused) and not result.is_replayed:
            refusal = result.refusal
            rules, pointers = _rules_of(refusal), tuple(p.pointer for p in refusal.problems)
            self._tell(asked, call, "deny", refusal.code.value, refusal.call_id, rules, steps, pointers)
        elif isinstance(result, Refused | Requested):
            code = result.refusal.code.value if isinstance(result, Refused) else None
            self._tell(asked, call, "replay", code, account.call_id, (), steps)

    def _tell(
        self,
        asked: Asked,
        call: CallRequest | None,
        decision: Literal["allow", "deny", "replay"],
        code: str | None,
        call_id: str | None,
        rules: tuple[str, ...],
        quotas: QuotaSteps,
        pointers: tuple[str, ...] = (),
    ) -> None:
        principal = asked.principal
        self._sink(
            AuditAccount(
                request_id=asked.request_id,
                trace_id=asked.trace.trace_id,
                door=asked.door,
                tenant=principal.tenant.name,
                key_id=principal.key_id,
                subject=principal.subject,
                decision=decision,
                code=code,
                call_id=call_id,
                caller_number="" if call is None else call.caller_number,
                callee_number="" if call is None else call.callee_number,
                rules=rules,
                quotas=quotas,
                is_dry_run=asked.is_dry_run,
                pointers=pointers,
            )
        )


def _rules_of(refusal: Refusal) -> tuple[str, ...]:
    by_policy = tuple(problem.rule for problem in refusal.problems if problem.rule)
    return by_policy or refusal.violated_policies or refusal.rules or _RULES.get(refusal.code, ())


def _plus_one(remaining: int | None) -> int | None:
    return None if remaining is None else remaining + 1
