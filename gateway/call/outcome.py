"""What a call came to, and the record of it. Words: requested, rejected, not placed, unknown."""

from enum import StrEnum
from typing import Final

from gateway.errors import CATALOGUE, Code, Problem, Refusal, refuse
from gateway.values import value_class


class Status(StrEnum):
    """The status of a call record."""

    IN_PROGRESS = "IN_PROGRESS"
    REQUESTED = "REQUESTED"
    REJECTED = "REJECTED"
    NOT_PLACED = "NOT_PLACED"
    UNKNOWN = "UNKNOWN"


REFUNDED: Final = frozenset({Status.REJECTED, Status.NOT_PLACED})
"""Outcomes that give back what the call was charged."""


@value_class(frozen=True, slots=True)
class Reference:
    """Where the call lives on the switch; any part may be unknown. `call_id` is text, never a float."""

    machine: int | None
    server: str | None
    call_id: str | None

    @property
    def is_complete(self) -> bool:
        """Whether every part is known."""
        return self.machine is not None and self.server is not None and self.call_id is not None


@value_class(frozen=True, slots=True)
class Outcome:
    """What one attempt came to; all that is needed to answer it now and replay it later.

    `http_status` is the REST status of the answer; `error_type` the closed set of the telemetry
    page, or `recovered`; `pointers` the public fields that an upstream 400 named.
    """

    status: Status
    http_status: int
    code: Code | None = None
    error_type: str | None = None
    reference: Reference | None = None
    pointers: tuple[str, ...] = ()


def requested(reference: Reference | None) -> Outcome:
    """The upstream said so: 201 with a whole reference, else 202."""
    whole = reference is not None and reference.is_complete
    return Outcome(Status.REQUESTED, 201 if whole else 202, reference=reference)


def unknown(error_type: str, http_status: int = 502) -> Outcome:
    """The call may have been placed. 504: no answer by the deadline; 502: an answer that says nothing."""
    return Outcome(Status.UNKNOWN, http_status, Code.OUTCOME_UNKNOWN, error_type)


def not_placed(code: Code, error_type: str | None = None) -> Outcome:
    """Nothing left the gateway, or the upstream refused the gateway itself."""
    return Outcome(Status.NOT_PLACED, CATALOGUE[code].status, code, error_type)


def rejected(code: Code, error_type: str, pointers: tuple[str, ...] = ()) -> Outcome:
    """The upstream read the call and refused it."""
    return Outcome(Status.REJECTED, CATALOGUE[code].status, code, error_type, pointers=pointers)


RECOVERED: Final = unknown("recovered", 504)
"""What a record in progress past its deadline becomes: the process that made it is gone."""


@value_class(frozen=True, slots=True)
class CallRecord:
    """One call in the ledger. Times are microseconds since the epoch, by the store's clock."""

    call_id: str
    tenant: str
    outcome: Outcome
    requested_at_us: int
    settled_at_us: int | None
    client_reference: str | None
    caller_number: str
    callee_number: str
    subject: str
    key: str | None = None

    @property
    def status(self) -> Status:
        """The record's status."""
        return self.outcome.status


IN_PROGRESS: Final = Outcome(Status.IN_PROGRESS, 409)

RETRY_SECONDS: Final = 1
"""When a call that was not placed may be tried again: at once, but not in the same breath."""

_WHY: Final[dict[str | None, str]] = {
    "answer_timeout": "No complete answer came by the deadline.",
    "connection_lost": "The connection was lost after the call was sent.",
    "recovered": "The gateway stopped while the call was in progress.",
    "drained": "The gateway shut down while the call was in progress.",
}

_DETAIL: Final[dict[Code, str]] = {
    Code.INVALID_INPUT: "The telephone system rejected the input; correct the fields named in `problems`.",
    Code.RATE_PLAN_FORBIDS: "The customer's rate plan does not allow this call; ask the telephone company.",
    Code.UPSTREAM_CREDENTIALS_REJECTED: (
        "The telephone system rejected the gateway's own credentials; the operators must correct them."
    ),
    Code.UPSTREAM_ROLE_FORBIDS: (
        "The gateway's service user lacks the role that making calls needs; the operators must grant it."
    ),
    Code.DRAINING: "This gateway was shutting down; nothing was sent. Retry, and another will answer.",
    Code.UPSTREAM_UNREACHABLE: "No connection to the telephone system could be made; nothing was sent.",
}


def refusal_of(outcome: Outcome, call_id: str) -> Refusal:
    """The error answer of a settled outcome that is not *requested*; the same words at every replay."""
    code = outcome.code or Code.INTERNAL
    if code is Code.OUTCOME_UNKNOWN:
        why = _WHY.get(outcome.error_type, "The telephone system's answer could not be understood.")
        detail = (
            f"{why} The call may have been placed, so it is not tried again and stays charged; "
            "its record will be corrected if the truth is learnt."
        )
    else:
        detail = _DETAIL.get(code, CATALOGUE[code].title + ".")
    problems = tuple(
        Problem(pointer, code, "was rejected by the telephone system") for pointer in outcome.pointers
    )
    retry = RETRY_SECONDS if CATALOGUE[code].retryable else None
    return refuse(
        code,
        detail,
        problems=problems,
        retry_after_seconds=retry,
        call_id=call_id,
        status=outcome.http_status,
    )
