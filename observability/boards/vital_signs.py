"""The figures at the head of the overview: how callers fare, and what is left of the budgets."""

from typing import Final

from observability.boards.board import RECORDED, SELECTOR
from observability.boards.panels import Panel, bars, number
from observability.boards.queries import GREEN, ORANGE, RED, Query, gained
from observability.objectives import ELIGIBLE, OBJECTIVES, outcomes
from observability.rules import RATIO

CALLS: Final = f"gateway_calls_total{{{SELECTOR}"
"""The start of a selector of call requests."""


def calls_rate(names: tuple[str, ...]) -> str:
    """Call requests of these outcomes a second."""
    return f"sum(rate({CALLS},{outcomes(names)}}}[$__rate_interval]))"


def acceptance() -> Panel:
    """How many calls came to a request."""
    return number(
        "Acceptance",
        "Share of the calls that should have come to a request, and did. Callers' faults and refusals by "
        "quota do not count. The objective is 99.5 %.",
        "percentunit",
        Query(f"{calls_rate(('requested',))} / ({calls_rate(ELIGIBLE)} > 0)", "acceptance"),
        steps=((None, RED), (0.95, ORANGE), (0.995, GREEN)),
        decimals=2,
        no_value="no calls",
    )


def request_rate() -> Panel:
    """How much there is to do."""
    return number(
        "Call requests",
        "Requests to make a call, at both doors, whatever became of them.",
        "reqps",
        Query(f"sum(rate({CALLS}}}[$__rate_interval]))", "call requests"),
    )


def overhead() -> Panel:
    """The gateway's own time."""
    buckets = f"sum by (le) (rate(gateway_overhead_seconds_bucket{{{SELECTOR}}}[$__rate_interval]))"
    return number(
        "Overhead, p99",
        "What the gateway itself takes of a call request: server time less the upstream and a remote "
        "store. The objective is 25 ms for 99 %.",
        "s",
        Query(f"histogram_quantile(0.99, {buckets})", "overhead"),
        steps=((None, GREEN), (0.025, ORANGE), (0.1, RED)),
        no_value="no calls",
    )


def upstream_p99() -> Panel:
    """The legacy API's time."""
    series = f'http_client_request_duration_seconds_bucket{{{SELECTOR},wait="no"}}'
    return number(
        "Legacy API without wait, p99",
        "How long the legacy API took to answer calls that did not ask it to hold the answer.",
        "s",
        Query(f"histogram_quantile(0.99, sum by (le) (rate({series}[$__rate_interval])))", "legacy API"),
        steps=((None, GREEN), (1, ORANGE), (5, RED)),
        no_value="no calls",
    )


def budget_left() -> Panel:
    """The budget of each objective."""
    return bars(
        "Error budget left of 30 days",
        "100 %: nothing of the budget is spent; 0 %: all of it, the objective is missed. Needs 30 days of "
        "data to be the whole truth. Zero stands where more than all was spent.",
        "percentunit",
        *(
            Query(
                f'clamp_min(1 - max({RATIO}30d{{{RECORDED},objective="{each.name}"}}) / {each.budget:g}, 0)',
                each.title,
            )
            for each in OBJECTIVES
        ),
        steps=((None, RED), (0.1, ORANGE), (0.5, GREEN)),
        maximum=1,
        decimals=1,
        no_value="no data yet",
    )


def burn_rate() -> Panel:
    """How fast each budget goes."""
    return bars(
        "Burn rate, last hour",
        "How many times as fast as allowed the budget is being spent; 1 uses it up in exactly 30 days. "
        "14.4 for an hour pages.",
        "suffix:x",
        *(
            Query(
                f'max({RATIO}1h{{{RECORDED},objective="{each.name}"}}) / {each.budget:g}',
                each.title,
            )
            for each in OBJECTIVES
        ),
        steps=((None, GREEN), (1, ORANGE), (14.4, RED)),
        maximum=20,
        decimals=1,
        no_value="no data yet",
    )


def circuits() -> Panel:
    """Circuits that are not closed."""
    return number(
        "Circuits open",
        "Circuits that hold calls back now, of all replicas. Which one: dashboard Legacy API.",
        "short",
        Query(f'sum(gateway_circuit_state{{{SELECTOR},state!="closed"}})', "open"),
        steps=((None, GREEN), (1, RED)),
        decimals=0,
    )


def unknown() -> Panel:
    """What waits for an operator."""
    series = f'{CALLS},outcome="outcome_unknown"}}'
    return number(
        "Unknown outcomes",
        "Calls of the time range picked that may or may not have been placed. Each waits for an operator: "
        "runbook, GatewayUnknownOutcomes.",
        "short",
        Query(gained(series), "unknown"),
        steps=((None, GREEN), (0.5, ORANGE), (10, RED)),
        decimals=0,
        is_instant=True,
    )


def ready() -> Panel:
    """Replicas that take calls."""
    return number(
        "Ready",
        "Replicas that take calls.",
        "short",
        Query(f"sum(gateway_ready{{{SELECTOR}}})", "ready"),
        steps=((None, RED), (1, GREEN)),
        decimals=0,
        no_value="none",
    )
