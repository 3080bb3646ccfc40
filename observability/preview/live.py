"""Asks a Prometheus for all that a dashboard shows, as a browser would."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

DASHBOARDS: Final = Path(__file__).parents[1] / "dashboards"
_VARIABLES: Final = ("job", "namespace", "instance", "tenant")


@dataclass(frozen=True, slots=True)
class Window:
    """The time to show: seconds since the epoch, and the step and `$__rate_interval` in seconds."""

    start: float
    end: float
    step_seconds: int
    rate_seconds: int


def filled(expr: str, window: Window) -> str:
    """An expression with every variable as `All`."""
    expr = expr.replace("$__rate_interval", f"{window.rate_seconds}s")
    expr = expr.replace("$__range", f"{int(window.end - window.start)}s")
    for name in _VARIABLES:
        expr = expr.replace(f"${name}", ".*")
    return expr


def board(path: Path, prometheus: str, window: Window) -> dict[str, Any]:
    """A dashboard with its data, as draw.jsx reads it."""
    document = json.loads(path.read_text(encoding="utf-8"))
    with httpx.Client(base_url=prometheus, timeout=30, trust_env=False) as client:
        panels = [
            {"panel": panel, "series": list(_series(client, panel, window))} for panel in document["panels"]
        ]
    return {
        "title": document["title"],
        "description": document["description"],
        "from": window.start,
        "to": window.end,
        "panels": panels,
    }


def _series(client: httpx.Client, panel: Mapping[str, Any], window: Window) -> Iterator[dict[str, Any]]:
    for target in panel.get("targets", ()):
        form = {"query": filled(target["expr"], window)}
        if target.get("instant"):
            answer = client.post("/api/v1/query", data={**form, "time": str(window.end)})
        else:
            times = {"start": str(window.start), "end": str(window.end), "step": str(window.step_seconds)}
            answer = client.post("/api/v1/query_range", data={**form, **times})
        for found in answer.raise_for_status().json()["data"]["result"]:
            yield {
                "name": _legend(target["legendFormat"], found["metric"]),
                "labels": found["metric"],
                "values": [_sample(*pair) for pair in found.get("values", (found.get("value"),))],
            }


def _legend(template: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), template)


def _sample(at: float, text: str) -> tuple[float, float | None]:
    """NaN and infinities have no place in JSON; Grafana draws nothing for them either."""
    return at, None if text in {"NaN", "+Inf", "-Inf"} else float(text)
