"""One audit line per decision on a call: who asked for what, what decided it, and what it cost."""

from collections.abc import Callable
from typing import Literal

from gateway.call import CallRequest
from gateway.errors import Refusal
from gateway.ledger import Admitted, QuotaState
from gateway.place_call.results import Asked, Refused, Requested, Result
from gateway.telemetry.accounts import AuditAccount, CallAccount

QuotaSteps = tuple[tuple[str, int | None, int | None], ...]


class AuditTrail:
    """Makes audit accounts and hands them to a sink."""

    def __init__(self, sink: Callable[[AuditAccount], None]) -> None:
        """`sink` writes a line; it must not raise."""
        self._sink = sink

    def allowed(self, asked: Asked, call: CallRequest, admitted: Admitted) -> None:
        """A call was admitted; it is about to be dialled."""
        steps = tuple((s.limit.name, _plus_one(s.remaining), s.remaining) for s in admitted.quotas)
        self._tell(asked, call, "allow", None, admitted.record.call_id, (), steps)

    def translated(self, asked: Asked, call: CallRequest) -> None:
        """A dry run was permitted; nothing is dialled and nothing spent."""
        self._tell(asked, call, "allow", None, None, (), ())

    def turned_away(self, asked: Asked, refusal: Refusal) -> None:
        """The asker may make no calls at all; nothing was read of the one that was asked for."""
        self._tell(asked, None, "deny", refusal.code.value, None, (), ())

    def concluded(
        self, asked: Asked, result: Result, account: CallAccount, quotas: tuple[QuotaState, ...] | None
    ) -> None:
        """A request came to an end; the line is written unless it was allowed, which had one."""
        if account.upstream is not None:
            return
        call = asked.call if isinstance(asked.call, CallRequest) else None
        steps = tuple((s.limit.name, s.remaining, s.remaining) for s in quotas or ())
        if isinstance(result, Refused) and not result.is_replayed:
            refusal = result.refusal
            rules = refusal.violated_policies + tuple(p.pointer for p in refusal.problems)
            self._tell(asked, call, "deny", refusal.code.value, refusal.call_id, rules, steps)
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
            )
        )


def _plus_one(remaining: int | None) -> int | None:
    return None if remaining is None else remaining + 1
