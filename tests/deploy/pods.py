"""The rendered Deployment as podman plays it.

podman 4.3 is no cluster. Its limits, and what is put in the place of what it lacks:
Secrets and ConfigMaps become directories laid out as the kubelet does; `metadata.namespace` is written
out; ports are left out, as the pod has the host's network; probes are left out, as podman would ask with
curl from inside, and the tests ask instead. All else is played as it is rendered.
"""

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.deploy.engine import Engine
from tests.deploy.kubelet import Volume, volume
from tests.deploy.running import Contained
from tests.manifests.rendered import Overlay

_PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")


def playable(overlay: Overlay, image: str, volumes: dict[str, Volume]) -> str:
    """The overlay's Deployment and claims for podman; `volumes` by the names that the pod gives them."""
    deployment = copy.deepcopy(overlay.of("Deployment")["gateway"])
    pod = deployment["spec"]["template"]["spec"]
    pod["hostNetwork"] = True
    [container] = pod["containers"]
    container["image"] = image
    for left_out in ("ports", *_PROBES):
        del container[left_out]
    for variable in container["env"]:
        if variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath") == "metadata.namespace":
            del variable["valueFrom"]
            variable["value"] = deployment["metadata"]["namespace"]
    replaced = [one for one in pod["volumes"] if {"secret", "configMap"} & one.keys()]
    assert {one["name"] for one in replaced} == volumes.keys()
    for one in replaced:
        one.pop("secret", None), one.pop("configMap", None)
        one["hostPath"] = {"path": str(volumes[one["name"]].path), "type": "Directory"}
    return str(yaml.safe_dump_all([*overlay.of("PersistentVolumeClaim").values(), deployment]))


def configured(overlay: Overlay, ports: tuple[int, int], upstream_url: str, **more: Any) -> dict[str, Any]:
    """The overlay's configuration with ports that are free here, and what stands outside of the cluster."""
    found: dict[str, Any] = yaml.safe_load(overlay.configuration)
    for section, port in zip(("listen", "admin"), ports, strict=True):
        found[section]["port"] = port
    found["upstream"]["base_url"] = f"{upstream_url}/api/json"
    found["telemetry"]["otlp_endpoint"] = None
    found["auth"]["jwt"] = []
    for key, value in more.items():
        found[key] = {**found[key], **value}
    return found


@contextmanager
def played(
    engine: Engine,
    overlay: Overlay,
    image: str,
    directory: Path,
    files: dict[str, dict[str, str]],
    ports: tuple[int, int],
) -> Iterator[Contained]:
    """The pod, started and ready; taken down as a cluster would at the end."""
    volumes = {name: volume(directory / name, content) for name, content in files.items()}
    path = directory / "pod.yaml"
    path.write_text(playable(overlay, image, volumes))
    public, admin = (f"http://127.0.0.1:{port}" for port in ports)
    try:
        engine.podman("kube", "play", path)
        pod = Contained(engine, "gateway-pod-0-gateway", public, admin, volumes["config"], volumes["pbx"])
        _until_started(pod, overlay)
        yield pod
    finally:
        engine.podman("kube", "down", path)
        for claim in (*overlay.of("PersistentVolumeClaim"), "data", "tmp"):
            engine.podman("volume", "rm", "--force", claim)


def _until_started(pod: Contained, overlay: Overlay) -> None:
    """Ask as the startup probe does."""
    probe = overlay.container["startupProbe"]
    deadline = time.monotonic() + probe["periodSeconds"] * probe["failureThreshold"]
    while True:
        try:
            if pod.probe(probe["httpGet"]["path"]) == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, pod.logs()
        time.sleep(0.1)
