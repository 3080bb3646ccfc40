"""Runtime: the processes themselves, and whether their telemetry can be trusted."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from observability.boards.board import SELECTOR, Board
from observability.boards.panels import Panel, lines, listing, number, timeline
from observability.boards.queries import BLUE, GRAY, GREEN, ORANGE, RED, Query, gained

_YES: Final = {"0": ("no", RED), "1": ("yes", GREEN)}


def runtime() -> Dashboard:
    """The processes and their telemetry."""
    board = Board(
        "gateway-runtime",
        "Gateway / Runtime",
        "The processes themselves: what they use, what they refuse to read, and whether they tell of it.",
    )
    board.row(
        "Is anything out of order?",
        4,
        (6, _redactions()),
        (6, _config()),
        (6, _config_age()),
        (6, _draining()),
    )
    board.row("What do they use?", 9, (8, _cpu()), (8, _memory()), (8, _descriptors()))
    board.row("", 9, (8, _loop_lag()), (8, _collections()), (8, _graphql()))
    board.row("Can the telemetry be trusted?", 9, (8, _spans()), (8, _series()), (8, _scrapes()))
    board.row("What runs?", 6, (12, _builds()), (12, _ready()))
    return board.build()


def _redactions() -> Panel:
    return number(
        "Redactions",
        "Times a credential was found on its way out and struck out, in the time range picked. Anything "
        "but 0 is a leak that was stopped: runbook, GatewayRedactionTripwire.",
        "short",
        Query(gained(f"gateway_redactions_total{{{SELECTOR}}}"), "redactions"),
        steps=((None, GREEN), (0.5, RED)),
        decimals=0,
        is_instant=True,
    )


def _config() -> Panel:
    return number(
        "Newest configuration runs",
        "REFUSED: the file was changed to something that does not do, and a replica keeps the old one.",
        "short",
        Query(f"min(gateway_config_last_reload_successful{{{SELECTOR}}})", "configuration"),
        steps=((None, RED), (1, GREEN)),
        texts={"0": ("REFUSED", RED), "1": ("yes", GREEN)},
    )


def _config_age() -> Panel:
    return number(
        "Configuration loaded",
        "How long ago the running configuration was loaded, the newest of all replicas.",
        "s",
        Query(f"time() - max(gateway_config_last_reload_timestamp_seconds{{{SELECTOR}}})", "loaded"),
    )


def _draining() -> Panel:
    return number(
        "Draining",
        "Replicas that settle what is in flight before they stop. More than one for long: a stuck rollout.",
        "short",
        Query(f"sum(gateway_draining{{{SELECTOR}}})", "draining"),
        steps=((None, GREEN), (1, ORANGE)),
        decimals=0,
    )


def _cpu() -> Panel:
    return lines(
        "CPU",
        "Cores used by each process. One event loop each: 1 core is all that a process can use.",
        "percentunit",
        Query(f"rate(process_cpu_seconds_total{{{SELECTOR}}}[$__rate_interval])", "{{instance}}"),
        limit=1,
    )


def _memory() -> Panel:
    return lines(
        "Memory",
        "Resident memory of each process.",
        "bytes",
        Query(f"process_resident_memory_bytes{{{SELECTOR}}}", "{{instance}}"),
    )


def _descriptors() -> Panel:
    return lines(
        "Descriptors used",
        "Open files and sockets, as a share of what the process may open.",
        "percentunit",
        Query(f"process_open_fds{{{SELECTOR}}} / process_max_fds{{{SELECTOR}}}", "{{instance}}"),
        limit=0.8,
    )


def _loop_lag() -> Panel:
    buckets = (
        f"sum by (le, instance) (rate(gateway_event_loop_lag_seconds_bucket{{{SELECTOR}}}[$__rate_interval]))"
    )
    return lines(
        "Event loop lag, p99",
        "How late a timer ran. All calls of a process wait that long. The dashed line is where the alert "
        "begins.",
        "s",
        Query(f"histogram_quantile(0.99, {buckets})", "{{instance}}"),
        limit=0.1,
    )


def _collections() -> Panel:
    return lines(
        "Garbage collections",
        "By generation, all replicas. Generation 2 stops everything for longest.",
        "cps",
        Query(
            f"sum by (generation) (rate(python_gc_collections_total{{{SELECTOR}}}[$__rate_interval]))",
            "generation {{generation}}",
        ),
    )


def _graphql() -> Panel:
    return lines(
        "GraphQL documents refused",
        "Before they ran. limits: too long, too deep, too many fields. Nothing here may ever be a 500.",
        "reqps",
        Query(
            f"sum by (reason) (rate(gateway_graphql_rejected_total{{{SELECTOR}}}[$__rate_interval]))",
            "{{reason}}",
        ),
        is_stacked=True,
        no_value="none",
    )


def _spans() -> Panel:
    return lines(
        "Spans",
        "exported reached the collector. failed: it refused them. dropped: our queue was full. unsampled: "
        "ordinary calls that were not picked.",
        "cps",
        Query(f"sum by (result) (rate(gateway_spans_total{{{SELECTOR}}}[$__rate_interval]))", "{{result}}"),
        colors={"exported": GREEN, "failed": RED, "dropped": ORANGE, "unsampled": GRAY},
    )


def _series() -> Panel:
    return lines(
        "Series per scrape",
        "What one replica exposes. A jump is a label that grew: tenants, quotas, routes.",
        "short",
        Query(f"scrape_samples_post_metric_relabeling{{{SELECTOR}}}", "{{instance}}"),
    )


def _scrapes() -> Panel:
    return lines(
        "Scrape duration",
        "How long Prometheus waited for /metrics. A hanging store costs it half a second, no more.",
        "s",
        Query(f"scrape_duration_seconds{{{SELECTOR}}}", "{{instance}}"),
        colors={"scrape": BLUE},
    )


def _builds() -> Panel:
    return listing(
        "Builds",
        "Which build runs where. More than one version for long: a stuck rollout.",
        "short",
        Query(
            "group by (namespace, job, instance, version, python_version) "
            f"(gateway_build_info{{{SELECTOR}}})",
            "{{instance}}",
        ),
        hidden=("Value",),
    )


def _ready() -> Panel:
    return timeline(
        "Ready, by instance",
        "no: starting, or draining. The store, circuits and pauses never make a replica unready.",
        Query(f"max by (instance) (gateway_ready{{{SELECTOR}}})", "{{instance}}"),
        texts=_YES,
    )
