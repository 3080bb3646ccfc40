"""The one catalogue of errors, for both doors, metrics, spans and logs (contract, section 5).

A code has one REST status, one GraphQL home, one `callState` and one `retryable`; nothing else in
the project may decide these. Two codes vary, and only as the catalogue says: `OUTCOME_UNKNOWN` is
504 or 502 by its cause, and `INTERNAL` is UNKNOWN once a byte was sent.
"""

from dataclasses import replace
from enum import StrEnum
from typing import Final

from gateway.values import value_class


class CallState(StrEnum):
    """What a refused caller may assume of the call it asked for."""

    NOT_PLACED = "NOT_PLACED"
    UNKNOWN = "UNKNOWN"


class Member(StrEnum):
    """The GraphQL home of a code: a member of `MakeCallResult`, or a top-level error."""

    TOP_LEVEL = "top-level"
    INVALID_CALL_INPUT = "InvalidCallInput"
    CALL_NOT_PERMITTED = "CallNotPermitted"
    CALL_QUOTA_EXCEEDED = "CallQuotaExceeded"
    CALL_IDEMPOTENCY_CONFLICT = "CallIdempotencyConflict"
    CALL_UPSTREAM_UNAVAILABLE = "CallUpstreamUnavailable"
    CALL_UPSTREAM_REFUSED = "CallUpstreamRefused"
    CALL_OUTCOME_UNKNOWN = "CallOutcomeUnknown"


class Code(StrEnum):
    """Every error code a client may see."""

    MALFORMED_REQUEST = "MALFORMED_REQUEST"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    TOO_LARGE = "TOO_LARGE"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE"
    TENANT_SUSPENDED = "TENANT_SUSPENDED"
    INVALID_INPUT = "INVALID_INPUT"
    DESTINATION_NOT_ALLOWED = "DESTINATION_NOT_ALLOWED"
    CALLER_ID_NOT_ALLOWED = "CALLER_ID_NOT_ALLOWED"
    OPTION_NOT_ALLOWED = "OPTION_NOT_ALLOWED"
    RATE_PLAN_FORBIDS = "RATE_PLAN_FORBIDS"
    IDEMPOTENCY_KEY_MISSING = "IDEMPOTENCY_KEY_MISSING"
    IDEMPOTENCY_KEY_INVALID = "IDEMPOTENCY_KEY_INVALID"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    CALL_IN_PROGRESS = "CALL_IN_PROGRESS"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    UPSTREAM_UNREACHABLE = "UPSTREAM_UNREACHABLE"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    OVERLOADED = "OVERLOADED"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    DRAINING = "DRAINING"
    PAUSED = "PAUSED"
    UPSTREAM_CREDENTIALS_REJECTED = "UPSTREAM_CREDENTIALS_REJECTED"
    UPSTREAM_ROLE_FORBIDS = "UPSTREAM_ROLE_FORBIDS"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    INTERNAL = "INTERNAL"


@value_class(frozen=True, slots=True)
class Entry:
    """One row of the catalogue. `status` is an HTTP status, `title` the same words at every occurrence."""

    code: Code
    status: int
    member: Member
    call_state: CallState
    retryable: bool
    title: str
    type: str = "about:blank"


QUOTA_EXCEEDED_TYPE: Final = "https://iana.org/assignments/http-problem-types#quota-exceeded"

_T, _INPUT, _DENIED = Member.TOP_LEVEL, Member.INVALID_CALL_INPUT, Member.CALL_NOT_PERMITTED
_CONFLICT, _AWAY = Member.CALL_IDEMPOTENCY_CONFLICT, Member.CALL_UPSTREAM_UNAVAILABLE
_REFUSED = Member.CALL_UPSTREAM_REFUSED
_NO, _MAYBE = CallState.NOT_PLACED, CallState.UNKNOWN

CATALOGUE: Final[dict[Code, Entry]] = {
    entry.code: entry
    for entry in (
        Entry(Code.MALFORMED_REQUEST, 400, _T, _NO, False, "The request could not be read"),
        Entry(Code.UNSUPPORTED_MEDIA_TYPE, 415, _T, _NO, False, "The media type is not supported"),
        Entry(Code.NOT_ACCEPTABLE, 406, _T, _NO, False, "No acceptable media type"),
        Entry(Code.TOO_LARGE, 413, _T, _NO, False, "The request is too large"),
        Entry(Code.NOT_FOUND, 404, _T, _NO, False, "Not found"),
        Entry(Code.METHOD_NOT_ALLOWED, 405, _T, _NO, False, "The method is not allowed here"),
        Entry(Code.UNAUTHENTICATED, 401, _T, _NO, False, "Authentication is required"),
        Entry(Code.INSUFFICIENT_SCOPE, 403, _DENIED, _NO, False, "The token's scope does not allow this"),
        Entry(Code.TENANT_SUSPENDED, 403, _DENIED, _NO, False, "The tenant is suspended"),
        Entry(Code.INVALID_INPUT, 422, _INPUT, _NO, False, "The input is invalid"),
        Entry(Code.DESTINATION_NOT_ALLOWED, 403, _DENIED, _NO, False, "The destination is not allowed"),
        Entry(Code.CALLER_ID_NOT_ALLOWED, 403, _DENIED, _NO, False, "The caller ID is not allowed"),
        Entry(Code.OPTION_NOT_ALLOWED, 403, _DENIED, _NO, False, "An option is not allowed"),
        Entry(Code.RATE_PLAN_FORBIDS, 403, _DENIED, _NO, False, "The rate plan does not allow this call"),
        Entry(Code.IDEMPOTENCY_KEY_MISSING, 400, _INPUT, _NO, False, "An idempotency key is required"),
        Entry(Code.IDEMPOTENCY_KEY_INVALID, 400, _INPUT, _NO, False, "The idempotency key is invalid"),
        Entry(Code.IDEMPOTENCY_KEY_REUSED, 422, _CONFLICT, _NO, False, "The key belongs to another input"),
        Entry(Code.CALL_IN_PROGRESS, 409, _CONFLICT, _MAYBE, True, "The call of this key is in progress"),
        Entry(
            Code.QUOTA_EXCEEDED,
            429,
            Member.CALL_QUOTA_EXCEEDED,
            _NO,
            True,
            "A quota is exceeded",
            QUOTA_EXCEEDED_TYPE,
        ),
        Entry(Code.UPSTREAM_UNREACHABLE, 503, _AWAY, _NO, True, "The telephone system can't be reached"),
        Entry(Code.STORE_UNAVAILABLE, 503, _AWAY, _NO, True, "The call ledger is unavailable"),
        Entry(Code.OVERLOADED, 503, _AWAY, _NO, True, "Too many calls are in flight"),
        Entry(Code.CIRCUIT_OPEN, 503, _AWAY, _NO, True, "Calls are held back after upstream failures"),
        Entry(Code.DRAINING, 503, _AWAY, _NO, True, "This gateway is shutting down"),
        Entry(Code.PAUSED, 503, _AWAY, _NO, True, "All calls are paused"),
        Entry(
            Code.UPSTREAM_CREDENTIALS_REJECTED,
            502,
            _REFUSED,
            _NO,
            False,
            "The gateway's credentials were rejected",
        ),
        Entry(
            Code.UPSTREAM_ROLE_FORBIDS, 502, _REFUSED, _NO, False, "The gateway's role does not allow calls"
        ),
        Entry(
            Code.OUTCOME_UNKNOWN,
            504,
            Member.CALL_OUTCOME_UNKNOWN,
            _MAYBE,
            False,
            "The outcome of the call is unknown",
        ),
        Entry(Code.INTERNAL, 500, _T, _NO, False, "A defect in the gateway"),
    )
}

KEY_UNCERTAIN: Final = frozenset(
    {Code.UNAUTHENTICATED, Code.INSUFFICIENT_SCOPE, Code.TENANT_SUSPENDED}
    | {Code.DRAINING, Code.OVERLOADED, Code.STORE_UNAVAILABLE}
)
"""Codes that, met before the idempotency lookup, leave an earlier try with the same key open."""

UNCERTAIN_ADVICE: Final = (
    " An earlier try with this idempotency key may have been placed: retry with the same key only."
)


@value_class(frozen=True, slots=True)
class Problem:
    """One fault of an input: an RFC 6901 pointer into it, a code of the catalogue, and words. `rule` is the
    rule of the tenant's policy that decided, for the audit line alone: no answer tells it."""

    pointer: str
    code: Code
    detail: str
    rule: str = ""


@value_class(frozen=True, slots=True)
class Refusal:
    """An error answer, before a door gives it a form.

    `detail` says what is wrong and what would be right; `call_id` names the record, where one was
    made; `retry_after_seconds` is whole seconds. `rules` are the settings that decided, where they are
    neither a problem's nor quotas, for the audit line alone: no answer tells them. `cause` is a word of a
    closed set that says more than the code, for the request's line alone: which fault the ledger had,
    or what was wrong with a credential.
    """

    code: Code
    detail: str
    status: int
    call_state: CallState
    problems: tuple[Problem, ...] = ()
    violated_policies: tuple[str, ...] = ()
    retry_after_seconds: int | None = None
    call_id: str | None = None
    rules: tuple[str, ...] = ()
    cause: str = ""

    @property
    def entry(self) -> Entry:
        """The catalogue's row."""
        return CATALOGUE[self.code]

    def before_lookup(self, *, keyed: bool) -> "Refusal":
        """This refusal as it must read when it came before the idempotency lookup of a keyed request."""
        if not keyed or self.code not in KEY_UNCERTAIN:
            return self
        return replace(self, call_state=CallState.UNKNOWN, detail=self.detail + UNCERTAIN_ADVICE)


def refuse(
    code: Code,
    detail: str,
    *,
    problems: tuple[Problem, ...] = (),
    violated_policies: tuple[str, ...] = (),
    retry_after_seconds: int | None = None,
    call_id: str | None = None,
    status: int | None = None,
    rules: tuple[str, ...] = (),
    cause: str = "",
) -> Refusal:
    """A refusal with the catalogue's status and call state; `status` only for OUTCOME_UNKNOWN's 502."""
    entry = CATALOGUE[code]
    return Refusal(
        code,
        detail,
        entry.status if status is None else status,
        entry.call_state,
        problems,
        violated_policies,
        retry_after_seconds,
        call_id,
        rules,
        cause,
    )
