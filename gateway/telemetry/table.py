"""Every metric the gateway emits, in one table; nothing is emitted that has no row here.

The instruments, the generated reference and its drift test are all made from it. Histograms give
their buckets in seconds.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]

LATENCY_BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0),
)
"""For what waits on the network or the telephone system, in seconds."""

GATEWAY_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""For what the gateway itself takes, in seconds."""


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric. `unit` is the OpenMetrics unit its name ends in; `is_read_at_scrape`: a gauge that
    nothing sets: it is read from whoever knows when a scrape asks."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    unit: str = ""
    is_read_at_scrape: bool = False


def _counter(name: str, text: str, *labels: str) -> MetricRow:
    return MetricRow(name, "counter", text, labels)


def _gauge(name: str, text: str, *labels: str, unit: str = "") -> MetricRow:
    return MetricRow(name, "gauge", text, labels, unit=unit)


def _scraped(name: str, text: str, *labels: str, unit: str = "") -> MetricRow:
    return MetricRow(name, "gauge", text, labels, unit=unit, is_read_at_scrape=True)


def _latency(name: str, text: str, *labels: str) -> MetricRow:
    return MetricRow(name, "histogram", text, labels, LATENCY_BUCKETS, "seconds")


def _own_time(name: str, text: str, *labels: str) -> MetricRow:
    return MetricRow(name, "histogram", text, labels, GATEWAY_BUCKETS, "seconds")


_HTTP = ("http_response_status_code", "legacy_code", "error_type", "wait")

TABLE: Final = (
    _latency(
        "http_server_request_duration_seconds",
        "How long requests to the two doors took. wait: the caller asked for the answer to be held.",
        *("http_request_method", "http_route", "http_response_status_code", "wait"),
    ),
    _scraped("http_server_active_requests", "Requests being answered now."),
    _counter(
        "gateway_calls_total",
        "Requests to make a call, by what became of them: requested, replayed, dry_run, or the error code.",
        *("door", "outcome"),
    ),
    _counter(
        "gateway_tenant_calls_total",
        "Requests to make a call by tenant, replays and dry runs left out. At most 200 tenants have a name.",
        *("tenant", "result"),
    ),
    _own_time(
        "gateway_overhead_seconds", "Time of call requests less the upstream and a remote store.", "door"
    ),
    _latency(
        "http_client_request_duration_seconds",
        "How long calls to the legacy API took. legacy_code: the code in the body, which alone is true.",
        *("http_request_method", "server_address"),
        *_HTTP,
    ),
    _latency("gateway_upstream_wait_excess_seconds", "Upstream time beyond the wait asked for, if any."),
    _latency("gateway_upstream_phase_seconds", "How long each phase of an upstream call took.", "phase"),
    _scraped(
        "gateway_upstream_in_flight",
        "Calls on the wire; lane waiting: held answers, now: all others.",
        "lane",
    ),
    _scraped(
        "gateway_upstream_in_flight_limit",
        "Calls that the lane may hold beside those of the other lane.",
        "lane",
    ),
    _scraped("gateway_upstream_connections", "Connections to the legacy API.", "state"),
    _counter(
        "gateway_upstream_answer_repairs_total",
        "Answers that were read in spite of a known fault of the legacy API.",
        "kind",
    ),
    _scraped(
        "gateway_circuit_state",
        "1 for the state each circuit is in, 0 for its others. A circuit open holds calls back.",
        *("circuit", "state"),
    ),
    _counter(
        "gateway_quota_decisions_total",
        "Quotas that admitted a call, and quotas that refused one.",
        *("tenant", "quota", "decision"),
    ),
    _scraped(
        "gateway_quota_used_ratio",
        "Share of each tenant-wide quota that is used; 1 refuses the next call.",
        *("tenant", "quota"),
        unit="ratio",
    ),
    _own_time("gateway_ledger_duration_seconds", "How long steps of the ledger took.", "operation"),
    _counter(
        "gateway_ledger_errors_total",
        "Steps of the ledger that failed, and looks at it, one a second.",
        "kind",
    ),
    _gauge("gateway_ledger_up", "1 while calls can be recorded, tried each second; 0 since a step failed."),
    _counter("gateway_ledger_recovered_total", "Records found in progress past their deadline, now unknown."),
    _counter("gateway_auth_failures_total", "Requests whose credentials did not do.", "reason"),
    _counter("gateway_graphql_rejected_total", "GraphQL documents refused before they ran.", "reason"),
    _gauge(
        "gateway_credentials_loaded_timestamp_seconds",
        "When each named pair of upstream credentials was taken: at the start, or when it changed.",
        "credentials",
        unit="seconds",
    ),
    _counter(
        "gateway_credentials_reloads_total",
        "Pairs of upstream credentials that were taken, read once more after a 401, or could not be read.",
        "result",
    ),
    _gauge("gateway_config_last_reload_successful", "1 if the newest configuration runs, 0 if not."),
    _gauge(
        "gateway_config_last_reload_timestamp_seconds",
        "When the configuration that runs was loaded.",
        unit="seconds",
    ),
    _counter(
        "gateway_redactions_total",
        "Times a credential was found on its way out and struck out. A tripwire: it must stay 0.",
        "sink",
    ),
    _own_time("gateway_event_loop_lag_seconds", "How late the event loop ran a timer."),
    _counter(
        "gateway_spans_total",
        "Spans: exported, failed at the collector, dropped by a full queue, or not sampled.",
        "result",
    ),
    _scraped("gateway_ready", "1 while this process takes calls."),
    _scraped("gateway_draining", "1 while this process settles what is in flight before it stops."),
    _gauge("gateway_build_info", "Always 1; which build this is.", "version", "python_version"),
)


def table() -> tuple[MetricRow, ...]:
    """Every metric of the gateway's own, in the order of the reference; `process_` and `python_gc_`
    come from prometheus-client beside them."""
    return TABLE
