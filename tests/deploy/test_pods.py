"""The rendered Deployments, played: calls, probes, rotation and suspension as a cluster does them."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.engine import Engine
from tests.deploy.pods import configured, played
from tests.deploy.running import Contained, free_ports
from tests.house import Simulator, api_key, number, run, stop, tenant, to
from tests.manifests.rendered import rendered, secret
from tests.manifests.store import rendered_valkey

pytestmark = [pytest.mark.serial, pytest.mark.timeout(900)]

OLD, NEW = {"username": "svc", "password": "old-password"}, {"username": "svc-2", "password": "new-password"}


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Simulator]:
    """A telephone system that knows the pair before and the pair after a rotation."""
    users = [word for p in (OLD, NEW) for word in ("--username", p["username"], "--password", p["password"])]
    process = run(
        "simulate", "--port", "0", "--ledger", str(tmp_path / "dials"), *users, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield Simulator(json.loads(process.stdout.readline())["url"], process)
    finally:
        stop(process)
        if process.stdout is not None:
            process.stdout.close()


def until(is_true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that comes by itself."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def password_of(dial: dict[str, Any]) -> str:
    """The password that a dial came with."""
    return str(dict(dial["params"])["auth_password"])


class Inside:
    """The gateway's commands inside its container, as `kubectl exec` runs them."""

    def __init__(self, engine: Engine, pod: Contained) -> None:
        """In the pod's one container."""
        self._engine, self._pod = engine, pod

    def __call__(self, *arguments: str, **options: Any) -> str:
        """What the command prints. Raises AssertionError with what it said where it fails."""
        command = ("python3", "-m", "gateway", *arguments)
        return self._engine.podman("exec", "-i", self._pod.name, *command, **options)


@pytest.fixture
def pod(containers: Engine, image: str, upstream: Simulator, tmp_path: Path) -> Iterator[Contained]:
    """The embedded overlay's pod."""
    overlay = rendered("embedded-store")
    ports = free_ports(2)
    text = json.dumps(
        configured(overlay, (ports[0], ports[1]), upstream.url, tenants={"acme": tenant("acme")})
    )
    files = {"config": {"gateway.yaml": text}, "pbx": OLD}
    with played(containers, overlay, image, tmp_path, files, (ports[0], ports[1])) as one:
        yield one


def test_the_embedded_deployment_serves(pod: Contained, containers: Engine, upstream: Simulator) -> None:
    """Confined as it is rendered, it answers every probe, dials a call once and replays it."""
    overlay = rendered("embedded-store")
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert pod.probe(overlay.container[kind]["httpGet"]["path"]) == 200, kind
    told = containers.inspect("container", pod.name)
    assert told["HostConfig"]["ReadonlyRootfs"] is True
    assert not told["EffectiveCaps"]
    assert told["Config"]["User"] in {"10001", "10001:10001"}
    first, again = pod.call(number(), key="one"), pod.call(number(), key="one")
    assert (first.status, again.status, again.replayed) == (202, 202, True)
    assert [password_of(dial) for dial in upstream.dials()] == ["old-password"]


def test_a_secret_rotates_by_the_swap_of_a_link(pod: Contained, upstream: Simulator) -> None:
    """The pair changes under the running pod: the next calls use the new one, and never a mixture."""
    assert pod.call(number()).status == 202
    pod.pair.write(NEW)
    until(lambda: "credentials default changed" in pod.logs())
    assert pod.call(number()).status == 202
    pairs = [(dict(d["params"])["auth_username"], password_of(d)) for d in upstream.dials()]
    assert pairs == [("svc", "old-password"), ("svc-2", "new-password")]
    assert "new-password" not in pod.logs()


def test_a_tenant_is_suspended_by_the_configmap(pod: Contained, upstream: Simulator) -> None:
    """A ConfigMap that changes is taken without a restart; a bad one is not, and says so."""
    path = pod.config.path / "gateway.yaml"
    settings = json.loads(path.read_text())
    pod.config.write({"gateway.yaml": path.read_text().replace('"paused"', '"pausd"')})
    until(lambda: "configuration not reloaded" in pod.logs())
    assert pod.call(number()).status == 202
    settings["tenants"]["acme"]["suspended"] = True
    pod.config.write({"gateway.yaml": json.dumps(settings)})
    until(lambda: pod.call(number()).code == "TENANT_SUSPENDED")
    assert api_key("acme") not in pod.logs()
    assert upstream.dials()


def test_an_operator_works_inside(pod: Contained, containers: Engine, upstream: Simulator) -> None:
    """While the pod serves, the guide's commands list an unknown call, settle it, and judge a change."""
    gateway, config = Inside(containers, pod), ("--config", "/etc/gateway/gateway.yaml")
    assert pod.call(to("0590"), key="lost").code == "OUTCOME_UNKNOWN"
    [unknown] = json.loads(
        gateway("calls", "list", *config, "--outcome", "unknown", "--since", "24h", "--format", "json")
    )
    gateway("calls", "resolve", unknown["id"], *config, "--not-placed")
    assert json.loads(gateway("calls", "list", *config, "--outcome", "unknown", "--format", "json")) == []
    assert pod.call(number(), key="lost").status == 202  # the key is free again
    assert len(upstream.dials()) == 2
    running = (pod.config.path / "gateway.yaml").read_text()
    check = ("check", "--config", "/dev/stdin")
    gateway(*check, input=running)
    with pytest.raises(AssertionError, match="did you mean `paused`"):
        gateway(*check, input=running.replace('"paused"', '"pausd"'))


def test_the_shared_deployment_serves(
    containers: Engine, image: str, upstream: Simulator, tmp_path: Path
) -> None:
    """With the overlay's own Valkey behind it, the pod of the shared store dials once and replays."""
    overlay = rendered("shared-store")
    ports = free_ports(2)
    (tmp_path / "store").mkdir()
    with rendered_valkey(overlay, tmp_path / "store") as port:
        more: dict[str, Any] = {
            "tenants": {"acme": tenant("acme")},
            "store": {
                "url": f"redis://127.0.0.1:{port}/0",
                "connect_timeout_ms": 2000,
                "command_timeout_ms": 2000,
            },
        }
        text = json.dumps(configured(overlay, (ports[0], ports[1]), upstream.url, **more))
        valkey = {"password": secret("valkey")["password"]}
        files = {"config": {"gateway.yaml": text}, "pbx": OLD, "valkey": valkey}
        with played(containers, overlay, image, tmp_path, files, (ports[0], ports[1])) as pod:
            first, again = pod.call(number(), key="one"), pod.call(number(), key="one")
    assert (first.status, again.status, again.replayed) == (202, 202, True)
    assert len(upstream.dials()) == 1
