"""Overview: are callers hurt, and whose fault is it?"""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from observability.boards import vital_signs as signs
from observability.boards.board import SELECTOR, Board
from observability.boards.panels import Panel, heat, lines
from observability.boards.queries import BLUE, GRAY, GREEN, MAGENTA, ORANGE, PURPLE, RED, YELLOW, Query
from observability.boards.vital_signs import CALLS, calls_rate
from observability.objectives import BLAME, ELIGIBLE, GATEWAYS, OBJECTIVES, UPSTREAMS

_ANSWERS: Final = (
    f'http_server_request_duration_seconds_bucket{{{SELECTOR},http_request_method="POST",wait="no"}}'
)
_BLAME_COLORS: Final = {
    "gateway": RED,
    "upstream": ORANGE,
    "quota": PURPLE,
    "caller": YELLOW,
    "operator": GRAY,
}

_OUTCOME_COLORS: Final = {
    **{outcome: _BLAME_COLORS[who] for who, names in BLAME.items() for outcome in names},
    "upstream_unreachable": "light-orange",
    "circuit_open": "dark-orange",
    "store_unavailable": "dark-red",
    "overloaded": "light-red",
    "requested": GREEN,
    "replayed": BLUE,
    "dry_run": GRAY,
    "outcome_unknown": MAGENTA,
}
"""One color for each party at fault, shades for its outcomes."""


def overview() -> Dashboard:
    """The dashboard to open first."""
    board = Board(
        "gateway-overview",
        "Gateway / Overview",
        "Are callers hurt, and whose fault is it? Open this first; the other three say more of each cause.",
    )
    figures = (signs.acceptance(), signs.request_rate(), signs.overhead(), signs.upstream_p99())
    board.row("Are callers hurt?", 4, *((6, figure) for figure in figures))
    board.row("", 6, (8, signs.budget_left()), (8, signs.burn_rate()), *_counts())
    board.row("Whose fault is it?", 9, (8, _blame()), (8, _outcomes()), (8, _error_ratio()))
    board.row("How quick are we?", 9, (8, _percentiles()), (8, _heatmap()), (8, _where_time_goes()))
    board.row("", 8, (12, _by_status()), (12, _active()))
    return board.build()


def _counts() -> tuple[tuple[int, Panel], ...]:
    return ((3, signs.circuits()), (3, signs.unknown()), (2, signs.ready()))


def _blame() -> Panel:
    return lines(
        "Requests that came to no call, by whose fault",
        "gateway: store, overload, draining, defects. upstream: the legacy API, its circuits, unknown "
        "outcomes. quota and caller: what we are here to refuse. operator: paused.",
        "reqps",
        *(Query(calls_rate(names), who) for who, names in BLAME.items()),
        colors=_BLAME_COLORS,
        is_stacked=True,
    )


def _outcomes() -> Panel:
    return lines(
        "Call requests by outcome",
        "Every outcome that occurred. requested means that the legacy API took the call, not that anybody "
        "answered. Names are the error codes callers see.",
        "reqps",
        Query(f"sum by (outcome) (rate({CALLS}}}[$__rate_interval])) > 0", "{{outcome}}"),
        colors=_OUTCOME_COLORS,
        is_stacked=True,
    )


def _error_ratio() -> Panel:
    budget = OBJECTIVES[0].budget
    return lines(
        "Error ratio against the objective",
        "Bad calls of those that count. The dashed line is the 0.5 % that the end-to-end objective allows.",
        "percentunit",
        Query(f"{calls_rate((*UPSTREAMS, *GATEWAYS))} / ({calls_rate(ELIGIBLE)} > 0)", "end to end"),
        Query(f"{calls_rate(GATEWAYS)} / ({calls_rate(ELIGIBLE)} > 0)", "gateway's own"),
        colors={"end to end": ORANGE, "gateway's own": RED},
        limit=budget,
    )


def _percentiles() -> Panel:
    buckets = f"sum by (le) (rate({_ANSWERS}[$__rate_interval]))"
    return lines(
        "Latency without wait",
        "How long callers waited for the answer of a POST that did not ask to be held. The dashed line is "
        "the objective, 1 s for 99 %. Diamonds are traces: click one.",
        "s",
        *(
            Query(f"histogram_quantile({share}, {buckets})", name, has_exemplars=name == "p99")
            for share, name in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))
        ),
        colors={"p50": BLUE, "p90": YELLOW, "p99": ORANGE},
        limit=1,
    )


def _heatmap() -> Panel:
    return heat(
        "Latency without wait, heatmap",
        "How many answers took how long: a second band is a second population that percentiles hide.",
        f"sum by (le) (increase({_ANSWERS}[$__rate_interval]))",
    )


def _where_time_goes() -> Panel:
    calls = f"sum(rate(http_client_request_duration_seconds_count{{{SELECTOR}}}[$__rate_interval])) > 0"
    phases = f"sum by (phase) (rate(gateway_upstream_phase_seconds_sum{{{SELECTOR}}}[$__rate_interval]))"
    own = (
        f"sum(rate(gateway_overhead_seconds_sum{{{SELECTOR}}}[$__rate_interval])) / "
        f"(sum(rate(gateway_overhead_seconds_count{{{SELECTOR}}}[$__rate_interval])) > 0)"
    )
    return lines(
        "Where the time goes, mean of a call",
        "gateway is our own overhead, an embedded store included. The rest is the upstream call by phase; "
        "first_byte is the legacy API thinking, or holding the answer as asked.",
        "s",
        Query(own, "gateway"),
        Query(f"{phases} / ignoring(phase) group_left () ({calls})", "{{phase}}"),
        colors={"gateway": RED, "first_byte": ORANGE},
        is_stacked=True,
    )


def _by_status() -> Panel:
    series = f"http_server_request_duration_seconds_count{{{SELECTOR}}}"
    return lines(
        "Requests by route and status",
        "Everything both doors answered, reads and pages too. GraphQL answers 200 whatever the outcome.",
        "reqps",
        Query(
            f"sum by (http_request_method, http_route, http_response_status_code) "
            f"(rate({series}[$__rate_interval])) > 0",
            "{{http_request_method}} {{http_route}} {{http_response_status_code}}",
        ),
    )


def _active() -> Panel:
    return lines(
        "Requests being answered",
        "In flight at both doors, by instance. It grows when answers are held, or the legacy API hangs.",
        "short",
        Query(f"sum by (instance) (http_server_active_requests{{{SELECTOR}}})", "{{instance}}"),
    )
