"""Label values that stand in the code, and how an account is put into words of the metrics."""

from typing import Final, Literal

from gateway.errors import CATALOGUE, Code
from gateway.telemetry.accounts import PhaseSeconds, RequestAccount, UpstreamAccount

DOORS: Final = ("rest", "graphql")
REQUESTED: Final = "requested"
REPLAYED: Final = "replayed"
DRY_RUN: Final = "dry_run"
OUTCOMES: Final = (REQUESTED, REPLAYED, DRY_RUN, *(code.lower() for code in Code))
"""Every word a call request can come to."""

AuthFailure = Literal["missing", "malformed", "unknown", "expired", "scope", "suspended"]
AUTH_FAILURES: Final[tuple[AuthFailure, ...]] = (
    *("missing", "malformed", "unknown"),
    *("expired", "scope", "suspended"),
)
REPAIRS: Final = ("trailing_comma", "single_object", "numeric_code", "body_in_204")
PHASES: Final = ("slot", "connect", "tls", "send", "first_byte", "read")
LEDGER_OPERATIONS: Final = ("admit", "settle", "find", "list", "peek", "resolve", "recover", "acknowledge")
SPAN_RESULTS: Final = ("exported", "failed", "dropped", "unsampled")
TENANT_RESULTS: Final = ("requested", "refused", "quota", "failed", "unknown")
TENANT_LIMIT: Final = 200

LEGACY_CODES: Final = frozenset({"200", "204", "400", "401", "402", "403", "500"})
TRANSPORT_FAULTS: Final = (
    *("connect_timeout", "connect_error", "tls_error"),
    *("answer_timeout", "connection_lost"),
)
CALLERS_FAULTS: Final = frozenset({None, "legacy_400", "legacy_403"})
"""Values of `error.type` that are nobody's fault but the caller's, or his rate plan's."""

UNMATCHED: Final = "__unmatched__"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
_CALL_ROUTES: Final = frozenset({"/v1/calls", "/graphql"})
_STATUS_OF: Final = {code.lower(): entry.status for code, entry in CATALOGUE.items()}


def method_of(method: str) -> str:
    """The request method, `_OTHER` for what no RFC knows: a client could invent any number of them."""
    return method if method in _METHODS else "_OTHER"


def outcome_of(account: RequestAccount) -> str | None:
    """The outcome of a request to make a call; None for every other request.

    A request that was refused before its door knew what it asks for counts as a call request where
    only that could be meant.
    """
    if account.call is not None:
        return account.call.outcome.lower()
    may_be_call = (
        account.error_code is not None
        and account.method == "POST"
        and account.door is not None
        and account.route in _CALL_ROUTES
        and account.graphql_operation_type != "query"
    )
    return account.error_code.lower() if may_be_call and account.error_code else None


def is_server_fault(account: RequestAccount) -> bool:
    """Whether the answer was a 5xx by the catalogue, whatever status the door gave it."""
    if account.status >= 500:
        return True
    code = account.error_code or (account.call.outcome if account.call else None)
    return code is not None and _STATUS_OF.get(code.lower(), 0) >= 500


def tenant_result_of(outcome: str, *, is_sent: bool) -> str | None:
    """The tenant's view of an outcome; None for replays (counted when they were new) and dry runs."""
    if outcome in {REPLAYED, DRY_RUN}:
        return None
    if outcome == REQUESTED:
        return REQUESTED
    if outcome == "quota_exceeded":
        return "quota"
    if outcome == "outcome_unknown" or (outcome == "internal" and is_sent):
        return "unknown"
    return "failed" if _STATUS_OF.get(outcome, 500) >= 500 else "refused"


def legacy_code_of(upstream: UpstreamAccount) -> str:
    """The body code as a label of a closed set."""
    if upstream.legacy_code is None:
        return "none"
    return upstream.legacy_code if upstream.legacy_code in LEGACY_CODES else "other"


def in_order(phases: PhaseSeconds) -> tuple[float | None, ...]:
    """The seconds of each of PHASES."""
    return (phases.slot, phases.connect, phases.tls, phases.send, phases.first_byte, phases.read)
