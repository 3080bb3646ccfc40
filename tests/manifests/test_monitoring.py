"""Rules and dashboards: the ones of observability/, whole and fresh."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.manifests.prometheus_rule import RULES, TARGET, prometheus_rule
from tests.manifests.rendered import Overlay
from tests.manifests.tools import ROOT

pytestmark = pytest.mark.timeout(600)

DASHBOARDS = ROOT / "observability" / "dashboards"
MOST_BYTES = 1_048_576
"""The largest ConfigMap."""


def test_the_rule_object_is_fresh(overlay: Overlay) -> None:
    """The PrometheusRule holds the groups of every rule file, as `python -m tests.manifests.prometheus_rule`
    writes it."""
    assert TARGET.read_text(encoding="utf-8") == prometheus_rule()
    groups: list[Any] = []
    for path in sorted(RULES.glob("*.yml")):
        groups += yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    assert overlay.of("PrometheusRule")["gateway"]["spec"]["groups"] == groups
    assert groups


def test_every_dashboard_is_brought(overlay: Overlay) -> None:
    """Each dashboard is a ConfigMap of its own, labelled for Grafana, and no larger than one may be."""
    brought = {
        file: text
        for one in overlay.of("ConfigMap").values()
        if one["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
        for file, text in one["data"].items()
    }
    assert brought.keys() == {path.name for path in DASHBOARDS.glob("*.json")}
    for name, text in brought.items():
        assert json.loads(text) == json.loads((DASHBOARDS / name).read_text(encoding="utf-8"))
        assert len(text.encode()) < MOST_BYTES


def test_the_scrape_finds_the_admin_port_alone(overlay: Overlay) -> None:
    """The ServiceMonitor selects the admin Service, by a port that it has, and not the public one."""
    monitor = overlay.of("ServiceMonitor")["gateway"]["spec"]
    wanted = monitor["selector"]["matchLabels"].items()
    found = [
        name
        for name, one in overlay.of("Service").items()
        if wanted <= one["metadata"].get("labels", {}).items()
    ]
    assert found == ["gateway-admin"]
    ports = {port["name"] for port in overlay.of("Service")["gateway-admin"]["spec"]["ports"]}
    assert {endpoint["port"] for endpoint in monitor["endpoints"]} == ports


def test_the_operators_chart_selects_them(overlay: Overlay) -> None:
    """Both objects have the label without which the kube-prometheus-stack chart passes them over."""
    for kind in ("ServiceMonitor", "PrometheusRule"):
        labels = overlay.of(kind)["gateway"]["metadata"]["labels"]
        assert labels["release"] == "kube-prometheus-stack"
        assert labels["app.kubernetes.io/name"] == "make-call-gateway"


def test_the_volumes_that_are_watched_are_the_stores(embedded: Overlay, shared: Overlay) -> None:
    """The alert on a store nearly full names the claims that the two overlays make."""
    [valkey] = shared.of("StatefulSet").values()
    [template] = valkey["spec"]["volumeClaimTemplates"]
    claims = {
        *embedded.of("PersistentVolumeClaim"),
        f"{template['metadata']['name']}-{valkey['metadata']['name']}-0",
    }
    [named] = re.findall(r'persistentvolumeclaim=~"([^"]+)"', (RULES / "alerts.yml").read_text())
    assert set(named.split("|")) == claims
