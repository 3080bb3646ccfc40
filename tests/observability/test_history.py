"""Budgets that burn for days: a week of history, written as blocks, judged by the committed rules."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.observability.engines import RULES, Prometheus, prometheus

pytestmark = pytest.mark.serial

STEP_SECONDS = 600
DAYS = 7
CALLS_PER_STEP = 600
BAD_SHARE_OF_STEP = 0.02
"""Four times what the end-to-end objective allows: no page, but a ticket."""
INCIDENT_BEGINS_DAYS, INCIDENT_ENDS_DAYS = 3.0, 4.5
DAY = 86_400
IMPORT = ("promtool", "tsdb", "create-blocks-from")


def _lines(start: int) -> Iterator[str]:
    """OpenMetrics text: calls at a steady rate, of which a share is unknown for a while."""
    yield "# TYPE gateway_calls counter"
    for outcome in ("requested", "outcome_unknown"):
        total = 0.0
        for step in range(DAYS * DAY // STEP_SECONDS):
            days = step * STEP_SECONDS / DAY
            is_bad = INCIDENT_BEGINS_DAYS <= days < INCIDENT_ENDS_DAYS
            bad = CALLS_PER_STEP * BAD_SHARE_OF_STEP if is_bad else 0
            total += bad if outcome == "outcome_unknown" else CALLS_PER_STEP - bad
            labels = f'job="gateway",namespace="tests",instance="a",door="rest",outcome="{outcome}"'
            yield f"gateway_calls_total{{{labels}}} {total:g} {start + step * STEP_SECONDS}"
    yield "# EOF"


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> Iterator[tuple[Prometheus, int]]:
    """A Prometheus over blocks of that week, and when the week began (seconds since the epoch)."""
    directory: Path = tmp_path_factory.mktemp("history")
    blocks = directory / "blocks"
    start = (int(time.time()) - DAYS * DAY) // 3600 * 3600
    text = directory / "week.om"
    text.write_text("\n".join(_lines(start)) + "\n")
    subprocess.run(
        [*IMPORT, "openmetrics", text, blocks],
        check=True,
        capture_output=True,
    )
    with prometheus(directory, storage=blocks) as watcher:
        yield watcher, start


GROUPS = yaml.safe_load((RULES / "objectives.yml").read_text())["groups"]
RULES_BY_NAME = {
    rule.get("alert", (rule.get("record"), rule["labels"].get("objective"))): rule["expr"]
    for group in GROUPS
    for rule in group["rules"]
}


def unrecorded(expr: str) -> str:
    """An expression with every recorded series replaced by what it records."""
    return re.sub(
        r'(namespace_job:[\w:]+)\{objective="(\w+)"\}',
        lambda found: f"({RULES_BY_NAME[found[1], found[2]]})",
        expr,
    )


def burning(history: tuple[Prometheus, int], alert: str, days: float) -> bool:
    """Whether the alert's expression holds so many days into the week."""
    watcher, start = history
    return bool(watcher.instant(unrecorded(RULES_BY_NAME[alert]), start + int(days * DAY)))


def test_a_slow_burn_opens_a_ticket_while_it_lasts(history: tuple[Prometheus, int]) -> None:
    """2 % unknown for a day and a half: silent before, a ticket during it, silent the day after."""
    assert not burning(history, "GatewayEndToEndBudgetBurnsSlowly", INCIDENT_BEGINS_DAYS - 0.25)
    assert burning(history, "GatewayEndToEndBudgetBurnsSlowly", INCIDENT_BEGINS_DAYS + 1)
    assert burning(history, "GatewayEndToEndBudgetBurnsSlowly", INCIDENT_ENDS_DAYS - 0.1)
    assert not burning(history, "GatewayEndToEndBudgetBurnsSlowly", INCIDENT_ENDS_DAYS + 1)


@pytest.mark.parametrize("days", [INCIDENT_BEGINS_DAYS + 0.1, INCIDENT_BEGINS_DAYS + 1, INCIDENT_ENDS_DAYS])
def test_a_slow_burn_never_pages(history: tuple[Prometheus, int], days: float) -> None:
    """Nobody is woken for what can wait, nor for the gateway's own budget, which did not burn."""
    assert not burning(history, "GatewayEndToEndBudgetBurnsFast", days)
    assert not burning(history, "GatewayOwnedBudgetBurnsSlowly", days)


def test_what_is_left_of_the_budget_is_what_was_spent(history: tuple[Prometheus, int]) -> None:
    """The ratio of 30 days is the bad calls of all calls that were seen in them."""
    watcher, start = history
    ratio = 'namespace_job:gateway_objective_bad:ratio_rate30d{objective="end_to_end"}'
    (sample,) = watcher.instant(unrecorded(ratio), start + (INCIDENT_ENDS_DAYS + 1) * DAY)
    observed_days = INCIDENT_ENDS_DAYS + 1
    expected = (INCIDENT_ENDS_DAYS - INCIDENT_BEGINS_DAYS) * BAD_SHARE_OF_STEP / observed_days
    assert float(sample["value"][1]) == pytest.approx(expected, rel=0.02)


def test_a_ratio_without_failures_is_zero_and_not_absent(history: tuple[Prometheus, int]) -> None:
    """An alert on an absent series is silent whatever happens."""
    watcher, start = history
    at = start + (INCIDENT_BEGINS_DAYS - 0.25) * DAY
    (sample,) = watcher.instant(
        unrecorded('namespace_job:gateway_objective_bad:ratio_rate6h{objective="end_to_end"}'), at
    )
    assert float(sample["value"][1]) == 0
