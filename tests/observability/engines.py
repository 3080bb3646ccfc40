"""Prometheus and Alertmanager as processes, over the rules that are committed, with quicker clocks."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

OBSERVABILITY = Path(__file__).parents[2] / "observability"
RULES = OBSERVABILITY / "prometheus" / "rules"
LABELS = {"job": "gateway", "namespace": "tests"}


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus, and what it can be asked."""

    url: str

    def get(self, path: str, **parameters: object) -> Any:
        """The `data` of an answer of its API."""
        answer = httpx.post(f"{self.url}/api/v1/{path}", data=parameters, timeout=30, trust_env=False)
        body = answer.json()
        assert body["status"] == "success", f"{parameters}: {body}"
        return body["data"]

    def instant(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        """The samples of an instant query."""
        when = {} if at is None else {"time": at}
        return self.get("query", query=expr, **when)["result"]

    def values(self, expr: str, start: float, end: float, step: str) -> list[float]:
        """Every number of a range query, NaN left out."""
        series = self.get("query_range", query=expr, start=start, end=end, step=step)["result"]
        return [float(v) for each in series for _, v in each["values"] if v != "NaN"]

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        answer = httpx.get(f"{self.url}/api/v1/alerts", trust_env=False).json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in answer if alert["state"] == "firing"}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(condition: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    """Wait for a condition; an AssertionError with `what` where it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


@contextmanager
def _process(command: list[str], log: Path, url: str) -> Iterator[None]:
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:

        def is_ready() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return httpx.get(f"{url}/-/ready", trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        until(is_ready, 20, log.read_text)
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()
            process.wait()


def hurried(directory: Path) -> list[str]:
    """Copies of the rule files that do not wait: every `for` is a second, no group has its own pace."""
    copies = []
    for rules in sorted(RULES.glob("*.yml")):
        text = re.sub(r"^(\s+for): \w+$", r"\1: 1s", rules.read_text(), flags=re.MULTILINE)
        copy = directory / rules.name
        copy.write_text(re.sub(r"^\s+interval: \w+\n", "", text, flags=re.MULTILINE))
        copies.append(str(copy))
    return copies


@contextmanager
def prometheus(
    directory: Path,
    target: str | None = None,
    *,
    alertmanager: str | None = None,
    storage: Path | None = None,
    rules: list[str] | None = None,
) -> Iterator[Prometheus]:
    """A Prometheus that scrapes `target` (host:port) every second and judges the rules as often."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    config: dict[str, Any] = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": rules or [],
    }
    if target is not None:
        static = [{"targets": [target], "labels": {"namespace": LABELS["namespace"]}}]
        config["scrape_configs"] = [{"job_name": LABELS["job"], "static_configs": static}]
    if alertmanager is not None:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    file = directory / "prometheus.json"
    file.write_text(json.dumps(config))
    command = [
        *("prometheus", f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}"),
        *(f"--storage.tsdb.path={storage or directory / 'tsdb'}", "--storage.tsdb.retention.time=60d"),
        *("--enable-feature=exemplar-storage", "--log.level=warn"),
    ]
    with _process(command, directory / "prometheus.log", url):
        yield Prometheus(url)


@contextmanager
def alertmanager(directory: Path) -> Iterator[str]:
    """An Alertmanager over the committed configuration; its host:port. Nobody is at its receivers."""
    port = free_port()
    shutil.copy(OBSERVABILITY / "alertmanager" / "alertmanager.yml", directory)
    command = [
        *("prometheus-alertmanager", f"--config.file={directory / 'alertmanager.yml'}"),
        *(f"--storage.path={directory / 'alertmanager'}", "--cluster.listen-address="),
        *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"),
    ]
    with _process(command, directory / "alertmanager.log", f"http://127.0.0.1:{port}"):
        yield f"127.0.0.1:{port}"


@contextmanager
def engines(directory: Path, target: str) -> Iterator[tuple[Prometheus, str]]:
    """A Prometheus over a gateway's admin port with the hurried rules, and its Alertmanager's address."""
    with ExitStack() as stack:
        manager = stack.enter_context(alertmanager(directory))
        rules = hurried(directory)
        yield (
            stack.enter_context(prometheus(directory, target, alertmanager=manager, rules=rules)),
            manager,
        )


def inhibited(manager: str) -> Mapping[str, set[str]]:
    """Alerts that Alertmanager holds back, each with the names of those that hold it."""
    alerts = httpx.get(f"http://{manager}/api/v2/alerts", trust_env=False).json()
    name = {alert["fingerprint"]: alert["labels"]["alertname"] for alert in alerts}
    return {
        alert["labels"]["alertname"]: {name[by] for by in alert["status"]["inhibitedBy"]}
        for alert in alerts
        if alert["status"]["inhibitedBy"]
    }
