"""A gateway in a container, as confined as its pod is."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.deploy.engine import Engine
from tests.deploy.kubelet import Volume, volume
from tests.house import PASSWORD, USERNAME, Answer, api_key, rest_answer, tenant

CONFINED: Final = (
    *("--network", "host", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--memory", "512m"),
)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@dataclass(frozen=True)
class Contained:
    """A gateway in a container."""

    engine: Engine
    name: str
    url: str
    admin_url: str
    config: Volume
    pair: Volume

    def call(self, body: Mapping[str, Any], key: str | None = None) -> Answer:
        """Ask for a call as tenant acme."""
        headers = {"Authorization": f"Bearer {api_key('acme')}"}
        headers |= {"Idempotency-Key": key} if key else {}
        url = f"{self.url}/v1/calls"
        return rest_answer(httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False))

    def probe(self, path: str) -> int:
        """The status of one of the admin port's pages."""
        return httpx.get(self.admin_url + path, trust_env=False).status_code

    def logs(self) -> str:
        """What the container wrote so far."""
        return self.engine.podman("logs", self.name)

    def terminate(self) -> subprocess.Popen[bytes]:
        """Send SIGTERM; the process given ends with the container, and prints its exit code."""
        waiting = subprocess.Popen(
            ["podman", "wait", self.name], env=self.engine.environment, stdout=subprocess.PIPE
        )
        time.sleep(0.3)  # `podman wait` must be there before the container has gone
        self.engine.podman("kill", "--signal", "TERM", self.name)
        return waiting


def settings(upstream_url: str, **more: Any) -> dict[str, Any]:
    """A configuration with its paths as the image has them, on ports that the system picks."""
    base: dict[str, Any] = {
        "listen": {"port": 0},
        "admin": {"port": 0},
        "upstream": {
            "base_url": f"{upstream_url}/api/json",
            "credentials": {"default": {"directory": "/run/secrets/pbx"}},
        },
        "store": {"url": "sqlite:///var/lib/gateway/gateway.db"},
        "tenants": {"acme": tenant("acme")},
    }
    return base | more


@contextmanager
def contained(
    engine: Engine, image: str, directory: Path, configured: Mapping[str, Any], *options: str
) -> Iterator[Contained]:
    """A container of the image that serves, and is removed at the end."""
    name = f"gateway-{directory.name}-{time.monotonic_ns()}"
    config = volume(directory / "config", {"gateway.yaml": json.dumps(configured)})
    pair = volume(directory / "pbx", {"username": USERNAME, "password": PASSWORD})
    mounts = [f"{config.path}:/etc/gateway:ro", f"{pair.path}:/run/secrets/pbx:ro", "/var/lib/gateway"]
    volumes = [word for mount in mounts for word in ("--volume", mount)]
    try:
        engine.podman("run", "--detach", "--name", name, *CONFINED, *volumes, *options, image)
        public, admin = _ports(engine, name)
        yield Contained(engine, name, f"http://127.0.0.1:{public}", f"http://127.0.0.1:{admin}", config, pair)
    finally:
        engine.podman("rm", "--force", "--time", "20", "--volumes", "--ignore", name)


def _ports(engine: Engine, name: str) -> tuple[int, int]:
    deadline = time.monotonic() + 60
    log = ""
    while time.monotonic() < deadline:
        log = engine.podman("logs", name)
        found = re.search(r"serving on port (\d+), admin on port (\d+)", log)
        if found is not None:
            return int(found[1]), int(found[2])
        time.sleep(0.2)
    raise AssertionError(f"the gateway did not start: {log}")
