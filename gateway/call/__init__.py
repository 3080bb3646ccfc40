"""The call: its parameter table, the request, the outcome and the record."""

from gateway.call.outcome import (
    IN_PROGRESS,
    RECOVERED,
    REFUNDED,
    CallRecord,
    Outcome,
    Reference,
    Status,
    not_placed,
    refusal_of,
    rejected,
    requested,
    unknown,
)
from gateway.call.parameters import BY_LEGACY, BY_PATH, GROUPS, PARAMETERS, Parameter
from gateway.call.request import CallRequest, asks_dry_run, read_call

__all__ = [
    "BY_LEGACY",
    "BY_PATH",
    "GROUPS",
    "IN_PROGRESS",
    "PARAMETERS",
    "RECOVERED",
    "REFUNDED",
    "CallRecord",
    "CallRequest",
    "Outcome",
    "Parameter",
    "Reference",
    "Status",
    "asks_dry_run",
    "not_placed",
    "read_call",
    "refusal_of",
    "rejected",
    "requested",
    "unknown",
]
