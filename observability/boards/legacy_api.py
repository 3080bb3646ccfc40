"""Legacy API: what the telephone system answers, and how the gateway copes with it."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from observability.boards.board import SELECTOR, Board
from observability.boards.panels import Panel, bars, heat, lines, timeline
from observability.boards.queries import BLUE, GRAY, GREEN, MAGENTA, ORANGE, PURPLE, RED, YELLOW, Query

_CLIENT: Final = "http_client_request_duration_seconds"
_CODES: Final = {
    "200": GREEN,
    "204": BLUE,
    "400": YELLOW,
    "401": RED,
    "402": "dark-red",
    "403": PURPLE,
    "500": ORANGE,
    "none": "#5a5a5a",
    "other": GRAY,
}


def legacy_api() -> Dashboard:
    """The telephone system as the gateway sees it."""
    board = Board(
        "gateway-legacy-api",
        "Gateway / Legacy API",
        "What the telephone system answers, by the code in the body: HTTP says 200 nearly always.",
    )
    board.row("What does it answer?", 9, (8, _codes()), (8, _faults()), (8, _repairs()))
    board.row("How quick is it?", 9, (8, _percentiles()), (8, _heatmap()), (8, _phases()))
    board.row("How much is on the wire?", 9, (8, _in_flight()), (8, _connections()), (8, _excess()))
    board.row("Are calls held back?", 6, (12, _circuits()), (6, _credentials_age()), (6, _reloads()))
    return board.build()


def _codes() -> Panel:
    return lines(
        "Answers by legacy code",
        "The code in the answer's body, which alone is true. 200 and 204: call requested. 401: our "
        "credentials. 402: our role. 403: the rate plan. none: no readable answer at all.",
        "reqps",
        Query(
            f"sum by (legacy_code) (rate({_CLIENT}_count{{{SELECTOR}}}[$__rate_interval])) > 0",
            "{{legacy_code}}",
        ),
        colors=_CODES,
        is_stacked=True,
    )


def _faults() -> Panel:
    series = f'{_CLIENT}_count{{{SELECTOR},error_type!="",error_type!~"legacy_.*"}}'
    return lines(
        "Transport and reading errors",
        "Calls without a readable answer. connect_* and tls_error: nothing was sent, nothing was placed. "
        "All others: the outcome is unknown.",
        "reqps",
        Query(f"sum by (error_type) (rate({series}[$__rate_interval]))", "{{error_type}}"),
        colors={"connect_error": YELLOW, "connect_timeout": YELLOW, "answer_timeout": MAGENTA},
    )


def _repairs() -> Panel:
    return lines(
        "Answers read in spite of a fault",
        "Known faults of the legacy API that the gateway reads around. A new kind on the rise: the vendor "
        "changed something.",
        "reqps",
        Query(
            f"sum by (kind) (rate(gateway_upstream_answer_repairs_total{{{SELECTOR}}}[$__rate_interval]))",
            "{{kind}}",
        ),
    )


def _percentiles() -> Panel:
    buckets = f'sum by (le) (rate({_CLIENT}_bucket{{{SELECTOR},wait="no"}}[$__rate_interval]))'
    return lines(
        "Latency without wait",
        "From connecting to the answer's last byte. Diamonds are traces: click one.",
        "s",
        *(
            Query(f"histogram_quantile({share}, {buckets})", name, has_exemplars=name == "p99")
            for share, name in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))
        ),
        colors={"p50": BLUE, "p90": YELLOW, "p99": ORANGE},
    )


def _heatmap() -> Panel:
    return heat(
        "Latency without wait, heatmap",
        "How many answers took how long. A band at the deadline is a legacy API that went silent.",
        f'sum by (le) (increase({_CLIENT}_bucket{{{SELECTOR},wait="no"}}[$__rate_interval]))',
    )


def _phases() -> Panel:
    buckets = (
        f"sum by (le, phase) (rate(gateway_upstream_phase_seconds_bucket{{{SELECTOR}}}[$__rate_interval]))"
    )
    return lines(
        "Phases, p95",
        "slot: waiting for leave to dial, our own doing. connect, tls: the network. first_byte: the legacy "
        "API at work, or holding the answer as asked.",
        "s",
        Query(f"histogram_quantile(0.95, {buckets})", "{{phase}}"),
        colors={"first_byte": ORANGE, "slot": RED},
    )


def _in_flight() -> Panel:
    return lines(
        "On the wire against the limit",
        "Calls in flight of all replicas. waiting: those whose answer is held; now: all others. A limit is "
        "what the lane may hold beside the calls of the other; at it callers get OVERLOADED.",
        "short",
        Query(f"sum by (lane) (gateway_upstream_in_flight{{{SELECTOR}}})", "{{lane}}"),
        Query(f"sum by (lane) (gateway_upstream_in_flight_limit{{{SELECTOR}}})", "{{lane}}, limit"),
        colors={"now": BLUE, "waiting": PURPLE, "now, limit": RED, "waiting, limit": ORANGE},
        limits=("now, limit", "waiting, limit"),
    )


def _connections() -> Panel:
    return lines(
        "Connections",
        "Connections to the legacy API, of all replicas. Idle ones are closed after a few seconds.",
        "short",
        Query(f"sum by (state) (gateway_upstream_connections{{{SELECTOR}}})", "{{state}}"),
        colors={"active": BLUE, "idle": GRAY},
        is_stacked=True,
    )


def _excess() -> Panel:
    buckets = (
        f"sum by (le) (rate(gateway_upstream_wait_excess_seconds_bucket{{{SELECTOR}}}[$__rate_interval]))"
    )
    return lines(
        "Time beyond the wait asked for",
        "Calls with a wait only: what the legacy API took on top of it. Near the answer margin (10 s "
        "unless set) answers get lost.",
        "s",
        Query(f"histogram_quantile(0.5, {buckets})", "p50"),
        Query(f"histogram_quantile(0.99, {buckets})", "p99"),
        colors={"p50": BLUE, "p99": ORANGE},
    )


def _circuits() -> Panel:
    def in_state(state: str) -> str:
        return f'max by (circuit) (gateway_circuit_state{{{SELECTOR},state="{state}"}})'

    return timeline(
        "Circuits, the worst of all replicas",
        "open: calls are refused with CIRCUIT_OPEN. transport: the legacy API can't be reached. "
        "credentials:NAME: it rejects that pair, every tenant of it is down.",
        Query(f"2 * {in_state('open')} > 0 or {in_state('half_open')}", "{{circuit}}"),
        texts={"0": ("closed", GREEN), "1": ("half open", YELLOW), "2": ("open", RED)},
    )


def _credentials_age() -> Panel:
    return bars(
        "Credentials, age",
        "Since each named pair last changed, or its replica started, the oldest of all replicas. Right after "
        "a rotation every replica should be young.",
        "s",
        Query(
            f"time() - min by (credentials) (gateway_credentials_loaded_timestamp_seconds{{{SELECTOR}}})",
            "{{credentials}}",
        ),
        steps=((None, GREEN), (80 * 86_400, ORANGE), (90 * 86_400, RED)),
        maximum=90 * 86_400,
    )


def _reloads() -> Panel:
    return lines(
        "Credentials read anew",
        "At start, on every change of the pair, and after a 401. failure: the files could not be read, the "
        "old pair goes on.",
        "short",
        Query(
            f"sum by (result) (increase(gateway_credentials_reloads_total{{{SELECTOR}}}[$__rate_interval]))",
            "{{result}}",
        ),
        colors={"success": GREEN, "failure": RED},
    )
