"""The four objectives, and who is to blame for what: one table for rules, alerts and dashboards.

A ratio is of bad events to events that count. Callers' faults and quota refusals are no events: they
burn no budget, and they can't hide what burns it either.
"""

from dataclasses import dataclass
from typing import Final

GOOD: Final = ("requested", "replayed", "dry_run")
CALLERS: Final = (
    *("malformed_request", "unsupported_media_type", "not_acceptable", "too_large", "not_found"),
    *("method_not_allowed", "unauthenticated", "insufficient_scope", "tenant_suspended", "invalid_input"),
    *("destination_not_allowed", "caller_id_not_allowed", "option_not_allowed", "rate_plan_forbids"),
    *("idempotency_key_missing", "idempotency_key_invalid", "idempotency_key_reused", "call_in_progress"),
)
QUOTA: Final = ("quota_exceeded",)
UPSTREAMS: Final = (
    *("upstream_unreachable", "circuit_open", "outcome_unknown"),
    *("upstream_credentials_rejected", "upstream_role_forbids"),
)
GATEWAYS: Final = ("store_unavailable", "overloaded", "draining", "internal")
OPERATORS: Final = ("paused",)
"""A pause is somebody's decision: shown, but no event, or every pause would page whoever made it."""

BLAME: Final = {
    "gateway": GATEWAYS,
    "upstream": UPSTREAMS,
    "quota": QUOTA,
    "caller": CALLERS,
    "operator": OPERATORS,
}
"""Whose fault an outcome is; together with GOOD every outcome stands here once."""

ELIGIBLE: Final = ("requested", *UPSTREAMS, *GATEWAYS)
"""The outcomes of call requests that should have come to a requested call. Replays are left out: a
caller who repeats himself must not dilute the ratio."""


def outcomes(names: tuple[str, ...]) -> str:
    """A matcher of these outcomes."""
    return f'outcome=~"{"|".join(names)}"'


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective. `target` is the good share of 30 days; `bad` and `total` are series, or, for a
    latency, `total` counts events and `within` those that were quick enough."""

    name: str
    title: str
    target: float
    total: str
    bad: str = ""
    within: str = ""

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return round(1 - self.target, 6)

    def total_events(self, function: str, window: str) -> str:
        """Events that count, by `rate` or `increase`."""
        return f"sum by (namespace, job) ({function}({self.total}[{window}]))"

    def bad_events(self, function: str, window: str) -> str:
        """Bad events, by `rate` or `increase`; 0 and not absent where there were none."""
        if self.bad:
            return f"sum by (namespace, job) ({function}({self.bad}[{window}]))"
        within = f"sum by (namespace, job) ({function}({self.within}[{window}]))"
        return f"clamp_min({self.total_events(function, window)} - {within}, 0)"

    def bad_ratio(self, window: str) -> str:
        """Bad events of all that count; 0 where there were none at all."""
        total = self.total_events("rate", window)
        return f"{self.bad_events('rate', window)}\n/\n({total} > 0)\nor\n{total} * 0"


# `le` is written as Python writes a float: "1.0", not "1".
_ANSWERED: Final = (
    'http_request_method="POST",http_route=~"/v1/calls|/graphql",wait="no",http_response_status_code!~"4.."'
)

OBJECTIVES: Final = (
    Objective(
        "end_to_end",
        "End to end",
        0.995,
        total=f"gateway_calls_total{{{outcomes(ELIGIBLE)}}}",
        bad=f"gateway_calls_total{{{outcomes((*UPSTREAMS, *GATEWAYS))}}}",
    ),
    Objective(
        "owned",
        "Gateway's own",
        0.9995,
        total=f"gateway_calls_total{{{outcomes(ELIGIBLE)}}}",
        bad=f"gateway_calls_total{{{outcomes(GATEWAYS)}}}",
    ),
    Objective(
        "overhead",
        "Overhead < 25 ms",
        0.99,
        total="gateway_overhead_seconds_count",
        within='gateway_overhead_seconds_bucket{le="0.025"}',
    ),
    Objective(
        "latency",
        "Latency < 1 s",
        0.99,
        total=f"http_server_request_duration_seconds_count{{{_ANSWERED}}}",
        within=f'http_server_request_duration_seconds_bucket{{{_ANSWERED},le="1.0"}}',
    ),
)
