"""A real Prometheus and a real Alertmanager watch a real gateway through a scripted incident."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.observability import documented
from tests.observability.engines import Prometheus, engines, inhibited, until
from tests.observability.incident import MACHINES_OWN, NEVER, SCRIPT, SETTLE_SECONDS, site
from tests.observability.screens import Query, dashboards, filled, queries

pytestmark = pytest.mark.serial


@dataclass(frozen=True)
class Aftermath:
    """What is left to look at once the script is over: times in seconds since the epoch."""

    prometheus: Prometheus
    alertmanager: str
    began_at: float
    ended_at: float
    raised: tuple[tuple[set[str], set[str]], ...]
    """For each step: the alerts that fired before it, and after it."""


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory) -> Iterator[Aftermath]:
    """The incident, played once; everything still runs."""
    directory = tmp_path_factory.mktemp("incident")
    with site(directory) as place:
        target = place.gateway.admin_url.removeprefix("http://")
        with engines(directory, target) as (watcher, manager):
            # Before its first scrape nothing is there, and that is an alert.
            until(lambda: bool(watcher.instant("gateway_ready == 1")), 10, lambda: "nothing was scraped")
            until(lambda: not watcher.firing(), 10, lambda: str(watcher.firing()))
            began_at, raised = time.time(), []
            for step in SCRIPT:
                before = watcher.firing()
                step.happens(place)
                time.sleep(SETTLE_SECONDS)
                deadline = time.monotonic() + 10
                while not step.raises | step.keeps <= watcher.firing() and time.monotonic() < deadline:
                    time.sleep(0.2)
                raised.append((before, watcher.firing()))
            yield Aftermath(watcher, manager, began_at, time.time(), tuple(raised))


def test_each_step_raises_its_alerts_and_no_earlier_one_did(aftermath: Aftermath) -> None:
    """An alert fires when its cause is there, and not before."""
    for step, (before, after) in zip(SCRIPT, aftermath.raised, strict=True):
        name = step.happens.__name__
        missing = (step.raises | step.keeps) - after
        assert not missing, f"{name}: missing {missing}"
        assert not step.raises & before, f"{name}: too early {step.raises & before}"


def test_everyday_traffic_raises_nothing(aftermath: Aftermath) -> None:
    """What callers do wrong, replays, dry runs and holding an answer are no reason to wake anybody."""
    _, after = aftermath.raised[0]
    assert after <= MACHINES_OWN


def test_what_did_not_happen_is_not_reported(aftermath: Aftermath) -> None:
    """Alerts of other causes stay silent through all of it."""
    fired = {name for before, after in aftermath.raised for name in before | after}
    assert not fired & NEVER


def test_known_causes_hold_their_symptoms_back(aftermath: Aftermath) -> None:
    """The pager tells of the ledger, not of the budgets that it burns, and of credentials once."""
    expected = {
        "GatewayEndToEndBudgetBurnsFast": {"GatewayLedgerErrors"},
        "GatewayCircuitOpen": {"GatewayUpstreamCredentialsRejected"},
        "GatewayOwnedBudgetBurnsFast": {"GatewayLedgerErrors"},
    }

    def is_held() -> bool:
        held = inhibited(aftermath.alertmanager)
        return all(held.get(name, set()) & causes for name, causes in expected.items())

    until(is_held, 10, lambda: str(inhibited(aftermath.alertmanager)))
    assert not inhibited(aftermath.alertmanager).keys() & {
        "GatewayUpstreamCredentialsRejected",
        "GatewayLedgerErrors",
    }


@pytest.mark.parametrize("query", queries(), ids=lambda query: f"{query.dashboard}-{query.panel}")
def test_every_query_of_every_panel_returns_data(aftermath: Aftermath, query: Query) -> None:
    """No panel is empty: at the end for those that show now, at some time for those that show a past."""
    if query.is_instant:
        values = [float(sample["value"][1]) for sample in aftermath.prometheus.instant(query.filled)]
        values = [value for value in values if value == value]  # NaN is no data
    else:
        values = aftermath.prometheus.values(query.filled, aftermath.began_at, aftermath.ended_at, "1s")
    assert values


@pytest.mark.parametrize("expr", documented.expressions())
def test_every_expression_of_the_documents_returns_data(aftermath: Aftermath, expr: str) -> None:
    """What a document tells one to ask has an answer: series and labels are those that are scraped, and the
    job and namespace those of the manifests."""
    assert documented.of_targets(expr) <= documented.labels_of_targets()
    when = {"start": aftermath.began_at, "end": aftermath.ended_at, "step": "1s"}
    series = aftermath.prometheus.get("query_range", query=documented.anywhere(expr), **when)["result"]
    assert [value for each in series for _, value in each["values"] if value != "NaN"]
    assert documented.grouped(expr) <= {label for each in series for label in each["metric"]}


def test_annotations_are_valid_and_show_the_alerts(aftermath: Aftermath) -> None:
    """The marks of every dashboard can be asked for; those of alerts are there."""
    for dashboard in dashboards().values():
        for annotation in dashboard["annotations"]["list"]:
            expr = filled(annotation["expr"])
            found = aftermath.prometheus.values(expr, aftermath.began_at, aftermath.ended_at, "1s")
            assert found


def test_exemplars_of_latency_lead_to_traces(aftermath: Aftermath) -> None:
    """Both latency histograms carry trace ids that Prometheus has stored."""
    for name in (
        "http_server_request_duration_seconds_bucket",
        "http_client_request_duration_seconds_bucket",
    ):
        found = aftermath.prometheus.get(
            "query_exemplars", query=name, start=aftermath.began_at, end=aftermath.ended_at
        )
        ids = {exemplar["labels"]["trace_id"] for series in found for exemplar in series["exemplars"]}
        assert ids
        assert all(len(each) == 32 for each in ids)
