"""The two lines that tell of every call: `event: request` and `event: audit`, one JSON object each."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import orjson

from gateway.telemetry.accounts import AuditAccount, LedgerAccount, RequestAccount
from gateway.telemetry.labels import outcome_of
from gateway.telemetry.masking import mask, mask_digits
from gateway.telemetry.metrics import overhead_seconds

AuditNumbers = Literal["masked", "full"]
_TEXT_LIMIT: Final = 256
_NOBODY: Final = "UNAUTHENTICATED"


def encode(fields: dict[str, object]) -> bytes:
    """One line of pure ASCII with its newline: no control character, line separator or lone
    surrogate in a value can break it or a terminal."""
    try:
        line = orjson.dumps(fields, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a lone surrogate
        line = b"\xff"
    if line.isascii() and b"\x7f" not in line:
        return line
    text = json.dumps(fields, separators=(",", ":"), default=_rfc3339)
    return text.replace("\x7f", "\\u007f").encode() + b"\n"


def _rfc3339(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} has no place in a log line")
    return value.isoformat().replace("+00:00", "Z")


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def trace_hex(trace_id: int) -> str:
    """A trace id as W3C writes it."""
    return trace_id.to_bytes(16).hex()


def span_hex(span_id: int) -> str:
    """A span id as W3C writes it."""
    return span_id.to_bytes(8).hex()


def to_the_microsecond(seconds: float) -> float:
    """A duration with at most six decimals. `round` prints the number and reads it again to get there."""
    return int(seconds * 1e6 + 0.5) / 1e6


def _sum_seconds(steps: Sequence[LedgerAccount]) -> float:
    total = 0.0
    for step in steps:
        total += step.duration_seconds
    return total


def request_line(account: RequestAccount, *, is_sampled: bool) -> bytes:
    """The canonical line of one request. Numbers are masked whatever the settings say."""
    fields: dict[str, object] = {
        "event": "request",
        "time": now(),
        "level": "info",
        "door": account.door,
        "method": account.method[:_TEXT_LIMIT],
        "route": account.route,
        "status": account.status,
        "tenant": account.tenant,
        "outcome": outcome_of(account),
        "request_id": account.request_id,
        "trace_id": trace_hex(account.trace.trace_id),
        "span_id": span_hex(account.trace.span_id),
        "sampled": is_sampled,
        "duration_seconds": to_the_microsecond(account.duration_seconds),
    }
    if account.key_id is not None:
        fields["key_id"] = account.key_id
    elif account.subject is not None:
        fields["subject"] = account.subject
    if account.error_code is not None:
        fields["code"] = account.error_code
    if account.cause:
        fields["auth_reason" if account.error_code == _NOBODY else "ledger_error"] = account.cause
    if account.peer is not None:
        fields["peer_address"] = account.peer
    if account.graphql_operation_type is not None:
        fields["graphql_operation_type"] = account.graphql_operation_type
    if account.call is not None:
        _add_call(fields, account)
    return encode(fields)


def _add_call(fields: dict[str, object], account: RequestAccount) -> None:
    call = account.call
    if call is None:
        return
    fields["call_id"] = call.call_id
    fields["replayed"] = call.is_replayed
    fields["caller_number"] = mask(call.caller_number)
    fields["callee_number"] = mask(call.callee_number)
    fields["overhead_seconds"] = to_the_microsecond(overhead_seconds(account))
    if call.violated:
        fields["quotas_violated"] = call.violated
    if call.ledger:
        fields["ledger_seconds"] = to_the_microsecond(_sum_seconds(call.ledger))
        for step in call.ledger:
            if step.error_kind is not None:
                fields["ledger_error"] = step.error_kind
    upstream = call.upstream
    if upstream is not None:
        fields["upstream_seconds"] = to_the_microsecond(upstream.duration_seconds)
        fields["upstream_status"] = upstream.http_status
        fields["legacy_code"] = upstream.legacy_code
        fields["error_type"] = upstream.error_type
        fields["sent"] = upstream.is_sent
        fields["wait_seconds"] = upstream.wait_seconds
        fields["delay_seconds"] = upstream.delay_seconds


def audit_line(account: AuditAccount, numbers: AuditNumbers) -> bytes:
    """The line of one decision. Only here may numbers be whole, where the settings say so."""
    show = mask if numbers == "masked" else str
    fields: dict[str, object] = {
        "event": "audit",
        "time": now(),
        "level": "info",
        "door": account.door,
        "tenant": account.tenant,
        "key_id": account.key_id,
        "subject": account.subject,
        "decision": account.decision,
        "code": account.code,
        "rules": account.rules,
        "quotas": [
            {"name": name, "remaining_before": before, "remaining_after": after}
            for name, before, after in account.quotas
        ],
        "call_id": account.call_id,
        "caller_number": show(account.caller_number),
        "callee_number": show(account.callee_number),
        "request_id": account.request_id,
        "trace_id": trace_hex(account.trace_id),
    }
    if account.pointers:
        # The name of an unknown field is the client's own text.
        fields["pointers"] = [mask_digits(p) if numbers == "masked" else p for p in account.pointers]
    if account.is_dry_run:
        fields["dry_run"] = True
    return encode(fields)
