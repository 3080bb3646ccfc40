"""The committed dashboards as a reader sees them: panels, queries, and the queries with their
variables filled in.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DASHBOARDS = Path(__file__).parents[2] / "observability" / "dashboards"

VARIABLES = {
    "$__rate_interval": "15s",
    "$__range": "2m",
    "$job": ".*",
    "$namespace": ".*",
    "$instance": ".*",
    "$tenant": ".*",
}

_SELECTED = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}")
_BARE = re.compile(r"(?<![\w:$.\"])[a-zA-Z_:][a-zA-Z0-9_:]*")
_GROUPING = re.compile(r"\b(?:by|without|ignoring|on|group_left|group_right)\s*\([^)]*\)")
_FUNCTIONS = frozenset(
    (
        *("sum", "max", "min", "count", "group", "avg", "topk", "sort_desc", "time"),
        *("rate", "increase", "histogram_quantile", "clamp_min", "and", "or", "unless", "offset"),
        "last_over_time",
    )
)


def filled(expr: str) -> str:
    """An expression with every variable as `All`."""
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return expr


@dataclass(frozen=True)
class Query:
    """One query of one panel."""

    dashboard: str
    panel: str
    expr: str
    is_instant: bool
    has_exemplars: bool

    @property
    def filled(self) -> str:
        """The query with every variable as `All`."""
        return filled(self.expr)

    @property
    def metrics(self) -> set[str]:
        """The series it asks for, as they are named in the query."""
        return {name for name, _ in _SELECTED.findall(self.expr)}

    @property
    def matchers(self) -> list[str]:
        """What stands between the braces of each series."""
        return [inside for _, inside in _SELECTED.findall(self.expr)]

    @property
    def strangers(self) -> set[str]:
        """Words that are neither a selected series nor a function known here: a series without braces."""
        text = _GROUPING.sub(" ", _SELECTED.sub(" ", self.expr)).replace("$__rate_interval", "")
        return set(_BARE.findall(text.replace("$__range", ""))) - _FUNCTIONS


def dashboards() -> dict[str, dict[str, Any]]:
    """Every committed dashboard by its file's name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Its panels, rows left out."""
    yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def queries() -> list[Query]:
    """Every query of every panel of every dashboard."""
    return [
        Query(
            name, panel["title"], target["expr"], target.get("instant", False), target.get("exemplar", False)
        )
        for name, dashboard in dashboards().items()
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]
