"""Times and sizes that must fit into one another."""

import math
from pathlib import Path
from typing import Any

import pytest

from gateway.app.serve import ADMIN_GRACE_SECONDS
from gateway.settings.model import Settings
from tests.manifests.configured import settings_of
from tests.manifests.rendered import Overlay, examples

pytestmark = pytest.mark.timeout(600)

UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
EXPORTER_SECONDS = 2  # the telemetry's shutdown is bounded to it


def bytes_of(quantity: str) -> int:
    """A Kubernetes quantity of memory."""
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


@pytest.fixture
def settings(overlay: Overlay, tmp_path: Path) -> Settings:
    """The overlay's configuration."""
    return settings_of(overlay, tmp_path)


def longest_seconds(settings: Settings) -> float:
    """The longest that a call may be on the wire: wait or delay of any tenant, plus the margin."""
    policies = [tenant.policy for tenant in settings.tenants.values()]
    longest = max(max(one.max_wait_seconds, one.max_delay_seconds) for one in policies)
    return longest + settings.upstream.answer_margin_seconds


def test_the_kill_comes_after_the_last_call(overlay: Overlay, settings: Settings) -> None:
    """From the order to stop until the kill there is time for preStop, delay, grace and the closing."""
    pre_stop = overlay.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = settings.drain
    assert drain.grace_seconds >= longest_seconds(settings)
    closing = ADMIN_GRACE_SECONDS + EXPORTER_SECONDS
    needed = pre_stop + drain.delay_seconds + drain.grace_seconds + closing
    assert overlay.pod["terminationGracePeriodSeconds"] >= needed


def test_the_drain_is_seen_before_the_door_closes(overlay: Overlay, settings: Settings) -> None:
    """While the gateway still takes calls during its delay, the probe has told that it is not ready."""
    probe = overlay.container["readinessProbe"]
    seen = probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"]
    assert settings.drain.delay_seconds >= seen


def test_probes_can_answer_within_their_period(overlay: Overlay) -> None:
    """No probe may take longer than its turn, or a slow answer would count twice."""
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = overlay.container[kind]
        assert probe["timeoutSeconds"] <= probe["periodSeconds"], kind


def test_a_slow_process_is_not_killed(overlay: Overlay) -> None:
    """Liveness bears half a minute at least: a kill turns calls on the wire into unknown outcomes."""
    probe = overlay.container["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 30


def test_a_rollout_that_is_stuck_is_told(overlay: Overlay) -> None:
    """A start-up that takes as long as it may still counts as progress."""
    probe = overlay.container["startupProbe"]
    start = probe["periodSeconds"] * probe["failureThreshold"]
    assert start < overlay.of("Deployment")["gateway"]["spec"]["progressDeadlineSeconds"]


def test_held_answers_pass_the_ingress(settings: Settings) -> None:
    """The ingress waits longer than the gateway may take, takes as large a body, and retries nothing."""
    [ingress] = examples("ingress.yaml")
    notes = {key.rpartition("/")[2]: value for key, value in ingress["metadata"]["annotations"].items()}
    assert int(notes["proxy-read-timeout"]) > longest_seconds(settings)
    assert notes["proxy-body-size"] == f"{settings.limits.body_bytes // 1024}k"
    assert notes["proxy-next-upstream"] == "off"


def test_a_scrape_fits_its_interval(overlay: Overlay) -> None:
    """A scrape ends before the next begins."""
    [endpoint] = overlay.of("ServiceMonitor")["gateway"]["spec"]["endpoints"]
    assert int(endpoint["scrapeTimeout"][:-1]) < int(endpoint["interval"][:-1])


def test_one_replica_has_the_file_to_itself(embedded: Overlay) -> None:
    """Over the embedded store: one replica, the old before the new, one node's volume, no autoscaler."""
    spec = embedded.of("Deployment")["gateway"]["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert embedded.of("PersistentVolumeClaim")["gateway-data"]["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert not embedded.of("HorizontalPodAutoscaler")
    assert not embedded.of("PodDisruptionBudget")


def test_many_replicas_are_never_fewer(shared: Overlay) -> None:
    """Over the shared store an update takes none away, and a drained node one at most."""
    deployment = shared.of("Deployment")["gateway"]["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert "replicas" not in deployment  # the autoscaler's
    scaler = shared.of("HorizontalPodAutoscaler")["gateway"]["spec"]
    budget = shared.of("PodDisruptionBudget")["gateway"]["spec"]
    assert budget["maxUnavailable"] < scaler["minReplicas"]
    assert budget["selector"]["matchLabels"].items() <= deployment["template"]["metadata"]["labels"].items()


def test_replicas_come_before_calls_are_refused(shared: Overlay, tmp_path: Path) -> None:
    """The autoscaler's target for calls in flight leaves the slots that a surge takes until help comes."""
    upstream = settings_of(shared, tmp_path).upstream
    scaler = shared.of("HorizontalPodAutoscaler")["gateway"]["spec"]
    [target] = [one["pods"]["target"] for one in scaler["metrics"] if one["type"] == "Pods"]
    assert int(target["averageValue"]) <= upstream.max_in_flight / 2
    assert {"cpu"} == {one["resource"]["name"] for one in scaler["metrics"] if one["type"] == "Resource"}
    assert "cpu" in shared.container["resources"]["requests"]  # a utilisation is a share of it


def test_a_replica_goes_before_the_next(shared: Overlay) -> None:
    """The autoscaler takes the next replica away when the last one has settled its calls."""
    [policy] = shared.of("HorizontalPodAutoscaler")["gateway"]["spec"]["behavior"]["scaleDown"]["policies"]
    assert policy["value"] == 1
    assert policy["periodSeconds"] >= shared.pod["terminationGracePeriodSeconds"]


def test_a_drain_takes_the_store_or_a_gateway(shared: Overlay) -> None:
    """Gateways keep off the node of Valkey, by a label that its pods have, or run beside it."""
    [term] = shared.pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    wanted = term["podAffinityTerm"]["labelSelector"]["matchLabels"]
    store = shared.of("StatefulSet")["valkey"]["spec"]["template"]["metadata"]["labels"]
    assert wanted.items() <= store.items()
    assert term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"


def test_valkey_fits_its_memory(shared: Overlay) -> None:
    """The store refuses before the kernel kills it: half of it is for the copy of a rewrite."""
    [config] = [one for name, one in shared.of("ConfigMap").items() if name.startswith("valkey-config")]
    lines = dict(line.split(" ", 1) for line in config["data"]["valkey.conf"].splitlines() if line[0] != "#")
    [container] = shared.of("StatefulSet")["valkey"]["spec"]["template"]["spec"]["containers"]
    most: Any = lines["maxmemory"].removesuffix("mb")
    assert int(most) * 2**20 <= bytes_of(container["resources"]["limits"]["memory"]) / 2
    assert (lines["maxmemory-policy"], lines["appendonly"], lines["appendfsync"]) == (
        "noeviction",
        "yes",
        "always",
    )


def test_ephemeral_volumes_fit_the_limit(overlay: Overlay) -> None:
    """Full volumes and the log beside them stay below the limit past which the pod is evicted."""
    sizes = [bytes_of(v["emptyDir"]["sizeLimit"]) for v in overlay.pod["volumes"] if "emptyDir" in v]
    log = 50 * 2**20  # the kubelet's default: five files of 10 MiB
    assert math.fsum([*sizes, log]) < bytes_of(overlay.container["resources"]["limits"]["ephemeral-storage"])
