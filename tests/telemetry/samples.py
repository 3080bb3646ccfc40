"""Accounts and options as a running gateway would make them."""

from dataclasses import replace
from typing import Any

from gateway.telemetry import (
    AuditAccount,
    CallAccount,
    LedgerAccount,
    PhaseSeconds,
    RequestAccount,
    TelemetryOptions,
    TraceIds,
    UpstreamAccount,
    UpstreamNames,
)

NOW_NS = 1_800_000_000_000_000_000
CALLER, CALLEE = "+380441234567", "100200300"
UPSTREAM = UpstreamNames(
    "pbx.example.com",
    443,
    "/calls/make/",
    "https://pbx.example.com/api/json/calls/make/?auth_username=REDACTED;auth_password=REDACTED",
)


def options(**changes: Any) -> TelemetryOptions:
    """Options without export; `changes` by name."""
    return replace(TelemetryOptions(UPSTREAM), **changes)


def upstream(**changes: Any) -> UpstreamAccount:
    """A call that the upstream took with code 204."""
    account = UpstreamAccount(
        method="GET",
        started_at_ns=NOW_NS + 1_000_000,
        duration_seconds=0.02,
        is_sent=True,
        is_unknown=False,
        wait_seconds=0,
        delay_seconds=0,
        phases=PhaseSeconds(slot=0.0, connect=0.001, send=0.0001, first_byte=0.018, read=0.0005),
        http_status=200,
        legacy_code="204",
    )
    return replace(account, **changes)


def step(operation: str = "admit", **changes: Any) -> LedgerAccount:
    """One step of an embedded ledger."""
    return replace(LedgerAccount(operation, NOW_NS + 500_000, 0.0004, is_remote=False), **changes)


def call(**changes: Any) -> CallAccount:
    """A call that was requested, through an embedded ledger."""
    account = CallAccount(
        outcome="requested",
        status=202,
        call_id="01J0000000000000000000CALL",
        caller_number=CALLER,
        callee_number=CALLEE,
        upstream=upstream(),
        ledger=(step("admit"), step("settle", started_at_ns=NOW_NS + 22_000_000)),
    )
    return replace(account, **changes)


def request(*, trace_id: int = 0xABC << 64 | 1 << 63, **changes: Any) -> RequestAccount:
    """The REST request around that call; `call=None` makes it a read."""
    account = RequestAccount(
        door="rest",
        method="POST",
        route="/v1/calls",
        scheme="http",
        path="/v1/calls",
        status=202,
        started_at_ns=NOW_NS,
        duration_seconds=0.0225,
        request_id="req-1",
        trace=TraceIds(trace_id, 0xB7AD6B7169203331),
        tenant="acme",
        key_id="crm",
        call=call(),
    )
    return replace(account, **changes)


def audit(**changes: Any) -> AuditAccount:
    """The decision to allow that call."""
    account = AuditAccount(
        request_id="req-1",
        trace_id=0xABC << 64,
        door="rest",
        tenant="acme",
        key_id="crm",
        subject="crm",
        decision="allow",
        code=None,
        call_id="01J0000000000000000000CALL",
        caller_number=CALLER,
        callee_number=CALLEE,
        rules=("policy.destinations.allow: 100*",),
        quotas=(("burst", 5, 4), ("daily", 1000, 999)),
    )
    return replace(account, **changes)
