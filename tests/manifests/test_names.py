"""What the manifests name exists in the code, and the other way round."""

import hashlib
from collections.abc import Awaitable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from gateway.cli import gateway as commands
from gateway.doors.admin import Health, admin_app
from gateway.settings.load import examine
from gateway.telemetry.table import TABLE
from tests.manifests.configured import laid_out, mount_of, settings_of
from tests.manifests.rendered import EXAMPLES, Overlay, examples, secret

pytestmark = pytest.mark.timeout(600)


def test_the_configuration_loads(overlay: Overlay, tmp_path: Path) -> None:
    """`gateway check` has nothing to say of the ConfigMap with the Secrets' examples beside it."""
    assert settings_of(overlay, tmp_path).tenants


def test_an_unknown_key_would_be_found(overlay: Overlay, tmp_path: Path) -> None:
    """The check above can fail: a key that the code does not know is a fault."""
    path = laid_out(overlay, tmp_path)
    path.write_text(path.read_text().replace("delay_seconds", "delay_second"))
    assert any("delay_second" in found.path for found in examine(path)[1])


def test_the_ports_are_the_configured_ones(overlay: Overlay, tmp_path: Path) -> None:
    """Container ports, Services and the configuration agree, on every address of the pod."""
    settings = settings_of(overlay, tmp_path)
    ports = {port["name"]: port["containerPort"] for port in overlay.container["ports"]}
    assert ports == {"doors": settings.listen.port, "admin": settings.admin.port}
    assert (settings.listen.host, settings.admin.host) == ("0.0.0.0", "0.0.0.0")  # noqa: S104 - the pod's
    services = overlay.of("Service")
    assert [port["targetPort"] for port in services["gateway"]["spec"]["ports"]] == ["doors"]
    assert [port["targetPort"] for port in services["gateway-admin"]["spec"]["ports"]] == ["admin"]
    for service in ("gateway", "gateway-admin"):
        labels = overlay.of("Deployment")["gateway"]["spec"]["template"]["metadata"]["labels"]
        assert services[service]["spec"]["selector"].items() <= labels.items()


def test_the_probed_paths_are_served(overlay: Overlay) -> None:
    """Probes and the scrape ask for paths that the admin port has, each for its own."""

    def render(_: str) -> Awaitable[tuple[bytes, str]]:
        raise AssertionError("only the paths are looked at")

    served = {getattr(route, "path", None) for route in admin_app(Health(), render).routes}
    probes = {
        kind: overlay.container[kind]["httpGet"]
        for kind in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert {kind: probe["path"] for kind, probe in probes.items()} == {
        "startupProbe": "/startupz",
        "readinessProbe": "/readyz",
        "livenessProbe": "/livez",
    }
    assert {probe["port"] for probe in probes.values()} == {"admin"}
    [endpoint] = overlay.of("ServiceMonitor")["gateway"]["spec"]["endpoints"]
    assert {*(probe["path"] for probe in probes.values()), endpoint["path"]} == served


def test_the_command_exists(overlay: Overlay) -> None:
    """The container's arguments are a command of the gateway's, over the file that the ConfigMap brings."""
    command, *options = overlay.container["args"]
    assert command in commands.commands
    assert options == ["--config", f"{mount_of(overlay, 'config')}/gateway.yaml"]
    assert "command" not in overlay.container  # the image's ENTRYPOINT is `gateway`


def test_every_secret_is_used_and_made(overlay: Overlay, tmp_path: Path) -> None:
    """Credentials are directories of mounted Secrets whose examples hold the files that the code reads."""
    configured = yaml.safe_load(overlay.configuration)
    mounts = {
        volume["secret"]["secretName"]: mount_of(overlay, volume["name"])
        for volume in overlay.pod["volumes"]
        if "secret" in volume
    }
    pairs = {pair["directory"] for pair in configured["upstream"]["credentials"].values()}
    assert pairs == {mounts["pbx"]}
    assert secret("pbx").keys() == {"username", "password"}
    password = configured["store"].get("password_file")
    assert password == (f"{mounts['valkey']}/password" if overlay.name == "shared-store" else None)
    kept = {
        one["spec"]["target"]["name"]: {data["secretKey"] for data in one["spec"]["data"]}
        for one in examples("external-secret.yaml")
    }
    assert kept == {name: set(secret(name)) for name in ("pbx", "valkey")}
    assert settings_of(overlay, tmp_path)


def test_what_is_written_lies_on_a_volume(overlay: Overlay) -> None:
    """The store, or the spool, lies under a mounted volume: everything else is read-only."""
    store = yaml.safe_load(overlay.configuration)["store"]
    written = store.get("spool_directory") or urlsplit(store["url"]).path
    [data] = [volume for volume in overlay.pod["volumes"] if volume["name"] == "data"]
    assert Path(mount_of(overlay, "data")) in Path(written).parents
    assert ("persistentVolumeClaim" in data) == (overlay.name == "embedded-store")
    if "persistentVolumeClaim" in data:
        assert data["persistentVolumeClaim"]["claimName"] in overlay.of("PersistentVolumeClaim")


def test_nothing_is_mounted_by_subpath(overlay: Overlay) -> None:
    """A file mounted by subPath never changes again: no reload, no rotation."""
    assert all("subPath" not in mount for mount in overlay.container["volumeMounts"])


def test_the_autoscaler_scales_on_what_is_emitted(shared: Overlay) -> None:
    """The metric of the autoscaler, and of the adapter's rule, is one that the gateway emits."""
    metrics = shared.of("HorizontalPodAutoscaler")["gateway"]["spec"]["metrics"]
    [name] = [one["pods"]["metric"]["name"] for one in metrics if one["type"] == "Pods"]
    assert name in {metric.name for metric in TABLE}
    [rule] = yaml.safe_load((EXAMPLES / "prometheus-adapter-values.yaml").read_text())["rules"]["custom"]
    assert rule["name"]["as"] == name
    assert rule["seriesQuery"].startswith(f"{name}{{")


def test_the_access_list_names_the_password() -> None:
    """Put together as the example says, the store's access list holds the digest of its password."""
    digest = hashlib.sha256(secret("valkey")["password"].encode()).hexdigest()
    line: Any = secret("valkey")["users.acl"].replace("SHA256", digest)
    assert f"on #{digest} " in line
