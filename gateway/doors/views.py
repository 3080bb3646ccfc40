"""What both doors show of a record, a quota and a refusal: the contract's names, made once."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypedDict

from gateway.call import CallRecord
from gateway.ledger import BUCKET_PERIOD_US, Per, QuotaState


class ReferenceView(TypedDict):
    """`reference` of a call object."""

    machine: int | None
    server: str | None
    callId: str | None


class CallView(TypedDict):
    """The call object (contract, section 3)."""

    id: str
    status: str
    reference: ReferenceView | None
    requestedAt: str
    settledAt: str | None
    clientReference: str | None
    callerNumber: str
    calleeNumber: str
    code: str | None


class QuotaView(TypedDict):
    """One quota as the asker stands; None where a callee scope can't tell."""

    name: str
    per: str
    scope: str
    limit: int
    remaining: int | None
    inUse: int | None
    resetSeconds: int | None


@lru_cache(maxsize=1024)
def _second(instant_seconds: int) -> str:
    return datetime.fromtimestamp(instant_seconds, UTC).replace(tzinfo=None).isoformat()


def rfc3339(instant_us: int) -> str:
    """Microseconds since the epoch as RFC 3339 in UTC, to the millisecond, never rounded up."""
    # The calls of one second share all but the last digits.
    return f"{_second(instant_us // 1_000_000)}.{str(1000 + instant_us // 1000 % 1000)[1:]}Z"


def call_view(record: CallRecord) -> CallView:
    """The call object of a record."""
    outcome, found = record.outcome, record.outcome.reference
    reference: ReferenceView | None = None
    if found is not None:
        reference = {"machine": found.machine, "server": found.server, "callId": found.call_id}
    return {
        "id": record.call_id,
        "status": outcome.status.value,
        "reference": reference,
        "requestedAt": rfc3339(record.requested_at_us),
        "settledAt": None if record.settled_at_us is None else rfc3339(record.settled_at_us),
        "clientReference": record.client_reference,
        "callerNumber": record.caller_number,
        "calleeNumber": record.callee_number,
        "code": None if outcome.code is None else outcome.code.value,
    }


def quota_view(state: QuotaState) -> QuotaView:
    """A quota as `GET /v1/quota` and GraphQL's `quota` show it."""
    return {
        "name": state.limit.name,
        "per": state.limit.per.value,
        "scope": state.limit.scope.value,
        "limit": state.limit.limit,
        "remaining": state.remaining,
        "inUse": state.in_use,
        "resetSeconds": state.reset_seconds,
    }


_WINDOW_SECONDS: Final = {per: period_us // 1_000_000 for per, period_us in BUCKET_PERIOD_US.items()}


def rate_limit_headers(quotas: tuple[QuotaState, ...]) -> tuple[tuple[bytes, bytes], ...]:
    """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10); none without quotas."""
    if not quotas:
        return ()
    policies: list[str] = []
    limits: list[str] = []
    for state in quotas:
        limit = state.limit
        policy = f'"{limit.name}";q={limit.limit}'
        if limit.per in _WINDOW_SECONDS:
            policy += f";w={_WINDOW_SECONDS[limit.per]}"
        elif limit.per is Per.CONCURRENT:
            policy += ';qu="concurrent-requests"'
        policies.append(policy)
        if state.remaining is not None:
            reset = "" if state.reset_seconds is None else f";t={state.reset_seconds}"
            limits.append(f'"{limit.name}";r={state.remaining}{reset}')
    policy_header = (b"ratelimit-policy", ", ".join(policies).encode("ascii"))
    if not limits:
        return (policy_header,)
    return (policy_header, (b"ratelimit", ", ".join(limits).encode("ascii")))
