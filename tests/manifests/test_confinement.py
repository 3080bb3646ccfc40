"""What the pods may do and whom they may speak to: as little as possible."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.manifests.configured import settings_of
from tests.manifests.rendered import Overlay

pytestmark = pytest.mark.timeout(600)

DEFAULT_PORTS = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379}


def test_pods_are_restricted(overlay: Overlay) -> None:
    """Every workload meets the `restricted` pod security standard, which the namespace enforces."""
    labels = overlay.of("Namespace")["telephony"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, pod in overlay.workloads():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["runAsUser"] >= 10_000, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        assert all("hostPath" not in volume for volume in spec["volumes"]), name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


def test_pods_have_no_token(overlay: Overlay) -> None:
    """Every workload has a ServiceAccount of its own, without a token and without rights."""
    for name, pod in overlay.workloads():
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["serviceAccountName"] == name
        assert overlay.of("ServiceAccount")[name]["automountServiceAccountToken"] is False
    assert not any("Role" in one["kind"] for one in overlay.objects)


def test_no_mesh_stands_before_the_upstream(overlay: Overlay) -> None:
    """The pod opts out of the meshes' sidecars, whose default retries would dial twice."""
    meta = overlay.of("Deployment")["gateway"]["spec"]["template"]["metadata"]
    assert meta["labels"]["sidecar.istio.io/inject"] == "false"
    assert meta["labels"]["istio.io/dataplane-mode"] == "none"
    assert meta["annotations"]["linkerd.io/inject"] == "disabled"


def policies_for(overlay: Overlay, app: str) -> list[dict[str, Any]]:
    """The network policies of one app's pods, without the one that denies all."""
    wanted = {"matchLabels": {"app.kubernetes.io/name": app}}
    return [p["spec"] for p in overlay.of("NetworkPolicy").values() if p["spec"]["podSelector"] == wanted]


def test_nothing_is_allowed_by_default(overlay: Overlay) -> None:
    """Pods that no policy names may neither speak nor be spoken to."""
    deny = overlay.of("NetworkPolicy")["default-deny"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_doors_and_metrics_have_their_own_visitors(overlay: Overlay) -> None:
    """The doors are open to the ingress controller alone, the admin port to the monitoring alone."""
    rules = [
        rule for policy in policies_for(overlay, "make-call-gateway") for rule in policy.get("ingress", [])
    ]
    visitors = {
        tuple(port["port"] for port in rule["ports"]): {
            peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in rule["from"]
        }
        for rule in rules
    }
    assert visitors == {("doors",): {"ingress-nginx"}, ("admin",): {"monitoring"}}
    assert len(rules) == 2


def test_the_gateway_reaches_what_it_is_configured_for(overlay: Overlay, tmp_path: Path) -> None:
    """Egress is DNS and the ports of upstream, issuer, collector and remote store, and no more."""
    settings = settings_of(overlay, tmp_path)
    urls = [settings.upstream.base_url, *(one.jwks_url for one in settings.auth.jwt)]
    urls += [settings.telemetry.otlp_endpoint]
    urls += [settings.store.url] if overlay.name == "shared-store" else []
    parts = [urlsplit(url) for url in urls if url]
    needed = sorted([53, *(one.port or DEFAULT_PORTS[one.scheme] for one in parts)])
    rules = [
        rule for policy in policies_for(overlay, "make-call-gateway") for rule in policy.get("egress", [])
    ]
    assert sorted(rule["ports"][0]["port"] for rule in rules) == needed
    [names] = [rule for rule in rules if rule["ports"][0]["port"] == 53]
    assert {"ipBlock": {"cidr": "169.254.20.10/32"}} in names["to"]  # NodeLocal DNSCache
    assert all(rule["to"] for rule in rules)  # an absent `to` would be everybody
    blocks = [peer["ipBlock"]["cidr"] for rule in rules for peer in rule["to"] if "ipBlock" in peer]
    assert all(block.endswith("/32") for block in blocks)


def test_the_store_is_the_gateways_alone(shared: Overlay) -> None:
    """Valkey hears the gateways and speaks to nobody."""
    [policy] = policies_for(shared, "valkey")
    [rule] = policy["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "make-call-gateway"}}}]
    assert "egress" not in policy
