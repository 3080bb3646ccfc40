"""Tenants and quotas: who calls, who is refused, and whether the ledger keeps up."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from observability.boards.board import SELECTOR, Board
from observability.boards.panels import Panel, bars, lines, number
from observability.boards.queries import BLUE, GREEN, MAGENTA, ORANGE, PURPLE, RED, YELLOW, Query, gained

_OF: Final = f'{SELECTOR},tenant=~"$tenant"'
_CALLS: Final = f"gateway_tenant_calls_total{{{_OF}"


def tenants() -> Dashboard:
    """Every tenant, then one of them by the variable."""
    board = Board(
        "gateway-tenants",
        "Gateway / Tenants and quotas",
        "Who calls, who is refused and why. Pick a tenant above to see it alone.",
        with_tenant=True,
    )
    board.row("Who calls?", 9, (8, _top()), (8, _results()), (8, _failure_share()))
    board.row("Who is at a limit?", 9, (8, _used()), (8, _refusals()), (8, _admitted()))
    board.row(
        "Does the ledger keep up?",
        9,
        (8, _store_latency()),
        (8, _store_errors()),
        (4, _ledger_up()),
        (4, _recovered()),
    )
    board.row("Who can't get in?", 8, (24, _rejected_credentials()))
    return board.build()


def _top() -> Panel:
    return bars(
        "Top tenants",
        "The ten tenants with most call requests; replays and dry runs left out. __other__ is everybody "
        "past the first 200.",
        "reqps",
        Query(f"sort_desc(topk(10, sum by (tenant) (rate({_CALLS}}}[$__rate_interval]))))", "{{tenant}}"),
    )


def _results() -> Panel:
    return lines(
        "Calls by result",
        "refused: the caller's fault or the policy. quota: over a limit. failed: the gateway's or the "
        "legacy API's fault. unknown: may have been placed.",
        "reqps",
        Query(f"sum by (result) (rate({_CALLS}}}[$__rate_interval]))", "{{result}}"),
        colors={"requested": GREEN, "refused": YELLOW, "quota": PURPLE, "failed": ORANGE, "unknown": MAGENTA},
        is_stacked=True,
    )


def _failure_share() -> Panel:
    bad = f'sum by (tenant) (rate({_CALLS},result=~"failed|unknown"}}[$__rate_interval]))'
    every = f"sum by (tenant) (rate({_CALLS}}}[$__rate_interval]))"
    return lines(
        "Share of calls failed or unknown, by tenant",
        "Not the tenant's fault. One tenant alone: look at its credentials. All of them: the legacy API.",
        "percentunit",
        Query(f"{bad} / ({every} > 0)", "{{tenant}}"),
        maximum=1,
    )


def _used() -> Panel:
    return bars(
        "Quota used",
        "Tenant-wide quotas as they stand now, the 20 fullest; at 100 % the next call is refused.",
        "percentunit",
        Query(
            f"sort_desc(topk(20, max by (tenant, quota) (gateway_quota_used_ratio{{{_OF}}})))",
            "{{tenant}} / {{quota}}",
        ),
        steps=((None, GREEN), (0.8, ORANGE), (1, RED)),
        maximum=1,
        decimals=0,
    )


def _decisions(decision: str) -> str:
    series = f'gateway_quota_decisions_total{{{_OF},decision="{decision}"}}'
    return f"sum by (tenant, quota) (rate({series}[$__rate_interval]))"


def _refusals() -> Panel:
    return lines(
        "Refusals by quota",
        "Which limit refused whom. A refusal by several quotas counts for each.",
        "reqps",
        Query(_decisions("refused"), "{{tenant}} / {{quota}}"),
    )


def _admitted() -> Panel:
    return lines(
        "Admissions by quota",
        "Calls that each quota was charged for; refunds are not taken off.",
        "reqps",
        Query(_decisions("admitted"), "{{tenant}} / {{quota}}"),
    )


def _store_latency() -> Panel:
    series = f"gateway_ledger_duration_seconds_bucket{{{SELECTOR}}}"
    buckets = f"sum by (le, operation) (rate({series}[$__rate_interval]))"
    return lines(
        "Ledger latency, p99",
        "admit is before the dial and waits for the disk; settle is after it. Not by tenant.",
        "s",
        Query(f"histogram_quantile(0.99, {buckets})", "{{operation}}"),
        colors={"admit": BLUE, "settle": PURPLE},
    )


def _store_errors() -> Panel:
    return lines(
        "Ledger errors by kind",
        "Steps of the ledger that failed: each is a call refused with STORE_UNAVAILABLE, or an outcome "
        "that is written later; and each replica's look of every second, so that an idle one tells why its "
        "ledger is down. Not by tenant.",
        "reqps",
        Query(
            f"sum by (kind) (rate(gateway_ledger_errors_total{{{SELECTOR}}}[$__rate_interval]))",
            "{{kind}}",
        ),
        no_value="none",
    )


def _ledger_up() -> Panel:
    return number(
        "Ledger",
        "Whether the ledger answers every replica; down: no call is placed.",
        "short",
        Query(f"min(gateway_ledger_up{{{SELECTOR}}})", "ledger"),
        steps=((None, RED), (1, GREEN)),
        texts={"0": ("DOWN", RED), "1": ("up", GREEN)},
    )


def _recovered() -> Panel:
    return number(
        "Records recovered",
        "Records of the time range picked that were found in progress past their deadline, after a crash; "
        "their outcome is unknown.",
        "short",
        Query(gained(f"gateway_ledger_recovered_total{{{SELECTOR}}}"), "recovered"),
        steps=((None, GREEN), (0.5, ORANGE)),
        decimals=0,
        is_instant=True,
    )


def _rejected_credentials() -> Panel:
    return lines(
        "Requests whose credentials did not do",
        "By why. unknown on the rise: keys are being guessed, or one was removed while in use. Not by "
        "tenant: nobody knows whose they are.",
        "reqps",
        Query(
            f"sum by (reason) (rate(gateway_auth_failures_total{{{SELECTOR}}}[$__rate_interval]))",
            "{{reason}}",
        ),
        is_stacked=True,
    )
