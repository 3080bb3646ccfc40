"""What is told of a request once it is over: frozen accounts, from which the metrics, the spans and
the log lines are all made, so that they can't disagree. Made by the rooms above; nothing here is
ever read back by them. Durations are seconds, instants nanoseconds since the epoch.
"""

from typing import Literal

from gateway.values import value_class

ErrorType = Literal[
    "connect_timeout",
    "connect_error",
    "tls_error",
    "answer_timeout",
    "connection_lost",
    "bad_framing",
    "bad_json",
    "bad_answer",
    "too_large",
    "redirect",
    "http_5xx",
    "legacy_400",
    "legacy_401",
    "legacy_402",
    "legacy_403",
    "legacy_500",
    "legacy_other",
]
"""The closed set of `error.type`, the same on spans and metrics."""

Repair = Literal["trailing_comma", "single_object", "numeric_code", "body_in_204"]


@value_class(frozen=True, slots=True)
class TraceIds:
    """The ids of a request's SERVER span, fixed when it arrives. `parent_span_id` is the caller's;
    `parent_is_sampled` its flag (None without a caller's traceparent)."""

    trace_id: int
    span_id: int
    parent_span_id: int | None = None
    parent_is_sampled: bool | None = None
    trace_state: str | None = None


@value_class(frozen=True, slots=True)
class PhaseSeconds:
    """How long each phase of an upstream call took; None where it was not reached or not needed."""

    slot: float | None = None
    connect: float | None = None
    tls: float | None = None
    send: float | None = None
    first_byte: float | None = None
    read: float | None = None


@value_class(frozen=True, slots=True)
class UpstreamAccount:
    """One upstream call. `legacy_code` is the code in the body; `legacy_key` a known public name only."""

    method: str
    started_at_ns: int
    duration_seconds: float
    is_sent: bool
    is_unknown: bool
    wait_seconds: int
    delay_seconds: int
    phases: PhaseSeconds
    error_type: str | None = None
    http_status: int | None = None
    legacy_code: str | None = None
    legacy_key: str | None = None
    repairs: tuple[Repair, ...] = ()


@value_class(frozen=True, slots=True)
class LedgerAccount:
    """One step of the ledger; `error_kind` where it failed."""

    operation: str
    started_at_ns: int
    duration_seconds: float
    is_remote: bool
    error_kind: str | None = None


@value_class(frozen=True, slots=True)
class CallAccount:
    """What became of one request to make a call; `outcome` is the metric's word for it.

    Numbers are whole here; whoever writes them to a log masks them.
    """

    outcome: str
    status: int
    call_id: str | None = None
    is_replayed: bool = False
    violated: tuple[str, ...] = ()
    caller_number: str | None = None
    callee_number: str | None = None
    client_wait_seconds: int = 0
    upstream: UpstreamAccount | None = None
    ledger: tuple[LedgerAccount, ...] = ()


@value_class(frozen=True, slots=True)
class RequestAccount:
    """One request to a door. `status` is the HTTP status that was sent; `door` rest, graphql or None.
    `cause` is a word of a closed set that says more than `error_code`: which fault the ledger had, or what
    was wrong with a credential; `peer` the address of a 401's connection."""

    door: Literal["rest", "graphql"] | None
    method: str
    route: str
    scheme: str
    path: str
    status: int
    started_at_ns: int
    duration_seconds: float
    request_id: str
    trace: TraceIds
    tenant: str | None = None
    key_id: str | None = None
    subject: str | None = None
    trusts_sampling: bool = False
    error_code: str | None = None
    call: CallAccount | None = None
    graphql_operation_type: str | None = None
    graphql_operation_name: str | None = None
    cause: str = ""
    peer: str | None = None


@value_class(frozen=True, slots=True)
class AuditAccount:
    """One decision on a call; `rules` is what decided it: keys of the configuration with what they say, fit
    for a log as they are, or the names of quotas. `pointers` are the parts of the input that were refused,
    one for each rule where the policy refused them. `quotas` are (name, remaining before, remaining after).
    """

    request_id: str
    trace_id: int
    door: str
    tenant: str
    key_id: str | None
    subject: str
    decision: Literal["allow", "deny", "replay"]
    code: str | None
    call_id: str | None
    caller_number: str
    callee_number: str
    rules: tuple[str, ...] = ()
    quotas: tuple[tuple[str, int | None, int | None], ...] = ()
    is_dry_run: bool = False
    pointers: tuple[str, ...] = ()
