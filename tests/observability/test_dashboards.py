"""The committed dashboards: fresh, complete, and by the rules that make them readable at night."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from gateway.telemetry import table
from observability.generate import generated
from observability.rules import rule_file
from tests.observability.engines import RULES
from tests.observability.screens import Query, dashboards, panels, queries

BOARDS = dashboards()
HOSTS = (
    "gateway_build_info",
    "up",
    "ALERTS",
    "scrape_samples_post_metric_relabeling",
    "scrape_duration_seconds",
)
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in panels(board)]


def each_panel():
    """Parametrise over every panel of every dashboard."""
    return pytest.mark.parametrize(
        ("name", "panel"), PANELS, ids=[f"{name}-{panel['title']}" for name, panel in PANELS]
    )


def exposed() -> set[str]:
    """Every series that the metric table, the process and Prometheus itself give rise to."""
    names = set(HOSTS)
    for row in table():
        names |= (
            {row.name}
            if row.kind != "histogram"
            else {row.name + end for end in ("_bucket", "_sum", "_count")}
        )
    own = ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "start_time_seconds")
    return names | {f"process_{name}" for name in own} | {"python_gc_collections_total"}


def recorded() -> dict[str, str]:
    """Recorded series, and their rule file's text."""
    text = rule_file()
    return dict.fromkeys(re.findall(r"record: (\S+)", text), text)


def test_generated_files_are_fresh() -> None:
    """What is committed is what the code gives: dashboards, rules and the metric table."""
    stale = [path.name for path, text in generated().items() if path.read_text() != text]
    assert not stale, f"run `make dashboards`: {stale}"


def test_there_are_the_four_dashboards_and_no_other() -> None:
    """Classic dashboards of the schema that is asked for, each with an address of its own."""
    assert {board["title"] for board in BOARDS.values()} == {
        "Gateway / Overview",
        "Gateway / Legacy API",
        "Gateway / Tenants and quotas",
        "Gateway / Runtime",
    }
    assert {board["schemaVersion"] for board in BOARDS.values()} == {42}
    assert len({board["uid"] for board in BOARDS.values()}) == 4


@pytest.mark.parametrize("name", BOARDS)
def test_every_dashboard_has_its_variables_links_and_annotations(name: str) -> None:
    """One can narrow to a job, a namespace, an instance; go to the others; see deployments and alerts."""
    board = BOARDS[name]
    variables = [variable["name"] for variable in board["templating"]["list"]]
    wanted = ["datasource", "job", "namespace", "instance"]
    assert variables == ([*wanted, "tenant"] if name == "tenants" else wanted)
    (link,) = board["links"]
    assert link["type"] == "dashboards"
    assert link["keepTime"]
    assert link["includeVars"]
    assert all(set(link["tags"]) <= set(other["tags"]) for other in BOARDS.values())
    assert [annotation["name"] for annotation in board["annotations"]["list"]] == ["Deployments", "Alerts"]
    assert all(annotation["enable"] for annotation in board["annotations"]["list"])
    assert board["description"]


@each_panel()
def test_every_panel_says_what_it_shows(name: str, panel: dict) -> None:
    """A title, a sentence that helps, a unit, the data source of the variable, and queries with legends."""
    assert panel["title"], name
    assert len(panel["description"].split()) >= 4
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["expr"]
        assert target["legendFormat"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@pytest.mark.parametrize("name", BOARDS)
def test_panels_fill_their_rows_and_do_not_overlap(name: str) -> None:
    """The grid of 24 columns is full: no cell has two panels, no row has a hole."""
    cells = [
        (x, y)
        for panel in BOARDS[name]["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len(cells) == 24 * (max(y for _, y in cells) + 1)
    titles = [panel["title"] for panel in BOARDS[name]["panels"]]
    assert len(titles) == len(set(titles))


def each_query():
    """Parametrise over every query of every panel."""
    return pytest.mark.parametrize("query", queries(), ids=lambda query: f"{query.dashboard}-{query.panel}")


@each_query()
def test_every_query_asks_for_what_is_emitted(query: Query) -> None:
    """A panel's series is in the metric table, of the process, of Prometheus, or recorded from these."""
    assert query.metrics
    assert query.metrics <= exposed() | recorded().keys()
    assert not query.strangers, "a series without braces can't be narrowed by the variables"


@each_query()
def test_every_query_obeys_the_variables(query: Query) -> None:
    """Job, namespace and instance narrow every raw series; a recorded one has no instance."""
    for name, inside in re.findall(r"([\w:]+)\{([^}]*)\}", query.expr):
        wanted = {"job", "namespace"} | (set() if name in recorded() else {"instance"})
        assert all(f'{label}=~"${label}"' in inside for label in wanted)
        if query.dashboard == "tenants" and ("tenant_calls" in name or "quota" in name):
            assert 'tenant=~"$tenant"' in inside


@each_query()
def test_ranges_follow_the_zoom(query: Query) -> None:
    """Rates use $__rate_interval, and totals of the time picked $__range: a fixed window lies when zoomed."""
    assert set(re.findall(r"\[([^\]]*)\]", query.expr)) <= {"$__rate_interval", "$__range"}
    assert ("rate(" in query.expr) <= ("$__rate_interval" in query.expr)


@each_query()
def test_bucket_bounds_are_written_as_they_are_exposed(query: Query) -> None:
    """`le` is "1.0": "1" would match nothing."""
    for bound in re.findall(r'le="([^"]*)"', query.expr):
        assert str(float(bound)) == bound


def test_every_metric_is_shown() -> None:
    """Each row of the metric table is in a panel, or in a recording rule that is in one."""
    seen = {metric for query in queries() for metric in query.metrics}
    for name, text in recorded().items():
        if name in seen:
            seen |= set(re.findall(r"[a-z_]+(?=\{|\[)", text))
    unseen = {row.name for row in table() if not any(metric.startswith(row.name) for metric in seen)}
    assert not unseen


def test_latency_panels_carry_exemplars() -> None:
    """The percentiles and heatmaps of both latencies lead to traces."""
    marked = {query.panel for query in queries() if query.has_exemplars}
    assert {"Latency without wait", "Latency without wait, heatmap"} <= marked
    assert all("_bucket{" in query.expr for query in queries() if query.has_exemplars)


def test_recorded_series_are_shown_or_alerted_on() -> None:
    """No recording rule is evaluated for nobody."""
    used = "\n".join([*(query.expr for query in queries()), *(p.read_text() for p in RULES.glob("*.yml"))])
    assert all(len(re.findall(rf"{re.escape(name)}\{{", used)) > 0 for name in recorded())


RARE = {
    "Unknown outcomes": 'gateway_calls_total{outcome="outcome_unknown"',
    "Records recovered": "gateway_ledger_recovered_total{",
    "Redactions": "gateway_redactions_total{",
}
"""Panels of counters of which one event matters, and each one's series."""


@pytest.mark.parametrize("panel", RARE)
def test_rare_events_before_the_first_scrape_are_counted(panel: str, tmp_path: Path) -> None:
    """A new pod that had counted three when it was first scraped adds them; an old one adds what it gained,
    none of what it had."""
    [query] = [query for query in queries() if query.panel == panel]
    series = RARE[panel] + ("" if RARE[panel].endswith("{") else ",") + 'job="g",namespace="n",instance='
    test = {
        "interval": "15s",
        "input_series": [
            {"series": series + '"old"}', "values": "7x40"},
            {"series": series + '"new"}', "values": "_x36 3x4"},
        ],
        "promql_expr_test": [
            {"expr": query.filled, "eval_time": "8m", "exp_samples": [{"value": 0}]},
            {"expr": query.filled, "eval_time": "10m", "exp_samples": [{"value": 3}]},
        ],
    }
    file = tmp_path / "panel.yml"
    file.write_text(json.dumps({"tests": [test]}))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
