"""A demo-like stage: simulator, gateway and Prometheus, each a process of our own, and an end to it."""

import hashlib
import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

HOME: Final = Path(__file__).parent
TENANTS: Final = ("acme", "bravo", "charlie")
_STARTS_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is; `keys` are API keys in the order of TENANTS."""

    gateway: str
    admin: str
    upstream: str
    prometheus: str
    keys: tuple[str, ...]


@contextmanager
def stage(
    directory: Path, *, scrape_seconds: int, ports: tuple[int, int, int] | None = None
) -> Iterator[Stage]:
    """Start all three; whatever way the block ends, they end too. `ports`: gateway, admin, Prometheus."""
    if shutil.which("prometheus") is None:
        raise SystemExit("observe: Prometheus is needed: apt-get install prometheus")
    started: list[subprocess.Popen[str]] = []
    try:
        yield _start(directory, scrape_seconds, ports or (_port(), _port(), _port()), started)
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            _end(process)


def _start(
    directory: Path, scrape_seconds: int, ports: tuple[int, int, int], started: list[subprocess.Popen[str]]
) -> Stage:
    port, admin, watcher = ports
    password = secrets.token_urlsafe(12)
    upstream_port = _port()
    gateway = [sys.executable, "-m", "gateway"]
    simulate = ["simulate", f"--port={upstream_port}", "--username=demo", f"--password={password}"]
    started.append(_run([*gateway, *simulate, "--latency-ms=120"], directory / "simulator.log"))
    keys = tuple(f"gw_{name}_{secrets.token_urlsafe(24)}" for name in TENANTS)
    upstream = f"http://127.0.0.1:{upstream_port}"
    config = _configuration(directory, upstream, password, keys, (port, admin))
    started.append(_run([*gateway, "serve", "--config", str(config)], directory / "gateway.log"))
    started.append(_run(_prometheus(directory, admin, watcher, scrape_seconds), directory / "prometheus.log"))
    gateway_url, admin_url, prometheus_url = (f"http://127.0.0.1:{number}" for number in ports)
    stage = Stage(gateway_url, admin_url, upstream, prometheus_url, keys)
    _await(f"{stage.admin}/readyz", started[1], directory / "gateway.log")
    _await(f"{stage.prometheus}/-/ready", started[2], directory / "prometheus.log")
    return stage


def _configuration(
    directory: Path, upstream: str, password: str, keys: Sequence[str], ports: tuple[int, int]
) -> Path:
    credentials = directory / "credentials"
    credentials.mkdir(mode=0o700, exist_ok=True)
    for name, value in (("username", "demo"), ("password", password)):
        (credentials / name).touch(mode=0o600)
        (credentials / name).write_text(value)
    limits = (("per-second", 50, "second"), ("daily", 200_000, "day"), ("at-once", 20, "concurrent"))
    tight = (("hourly", 60, "hour"),)
    tenants: dict[str, Any] = {}
    for name, key in zip(TENANTS, keys, strict=True):
        quotas = [{"name": n, "limit": limit, "per": per} for n, limit, per in limits]
        if name == "charlie":
            quotas = [{"name": n, "limit": limit, "per": per} for n, limit, per in tight]
        tenants[name] = {
            "api_keys": [{"id": "observe", "sha256": hashlib.sha256(key.encode()).hexdigest()}],
            "credentials": "default",
            "quotas": quotas,
            "policy": {"destinations": {"allow": ["1*", "2*"], "deny": ["1900*"]}},
        }
    document = {
        "listen": {"port": ports[0]},
        "admin": {"port": ports[1]},
        "upstream": {
            "base_url": f"{upstream}/api/json",
            "credentials": {"default": {"directory": str(credentials)}},
            "answer_margin_seconds": 2,
        },
        "store": {"url": f"sqlite://{directory}/ledger.db"},
        "tenants": tenants,
    }
    config = directory / "gateway.yaml"
    config.write_text(json.dumps(document, indent=2))
    return config


def _prometheus(directory: Path, admin_port: int, port: int, scrape_seconds: int) -> list[str]:
    static = [{"targets": [f"127.0.0.1:{admin_port}"], "labels": {"namespace": "demo"}}]
    every = f"{scrape_seconds}s"
    document = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": _rules(directory),
        "scrape_configs": [{"job_name": "gateway", "static_configs": static}],
    }
    config = directory / "prometheus.json"
    config.write_text(json.dumps(document))
    return [
        *("prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"),
        *(f"--storage.tsdb.path={directory / 'tsdb'}", "--enable-feature=exemplar-storage"),
        "--log.level=warn",
    ]


def _rules(directory: Path) -> list[str]:
    """Copies of the rules in which the long windows are recorded as often as the others: nobody waits
    five minutes for a demonstration's first figure."""
    copies = []
    for rules in sorted((HOME / "prometheus" / "rules").glob("*.yml")):
        copy = directory / rules.name
        copy.write_text(rules.read_text(encoding="utf-8").replace("  interval: 5m\n", ""), encoding="utf-8")
        copies.append(str(copy))
    return copies


def _run(command: list[str], log: Path) -> subprocess.Popen[str]:
    # A session of its own: Ctrl-C reaches only this script, which then ends all in order.
    with log.open("w") as out:
        return subprocess.Popen(  # noqa: S603 - our own
            command, stdout=out, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await(url: str, process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + _STARTS_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"observe: {url} did not come up:\n{log.read_text()[-2000:]}")


def _port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
