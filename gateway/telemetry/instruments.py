"""The table's counters and set gauges, made with prometheus-client in a registry of their own; any
thread may use them.

A child is looked up by (name, label values) once and kept: prometheus-client's own `labels()` takes
a lock and costs as much as the count.
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    ProcessCollector,
    disable_created_metrics,
)

from gateway.telemetry.histograms import Histograms, Labels
from gateway.telemetry.table import TABLE
from gateway.telemetry.tallies import TALLIED, Tallies

OTHER: Final = "__other__"


class BoundedLabel:
    """Label values that come from outside the code: the first `limit` keep their names."""

    __slots__ = ("_limit", "_names")

    def __init__(self, limit: int, names: Iterable[str] = ()) -> None:
        self._limit = limit
        self._names: set[str] = set()
        for name in names:
            self.of(name)

    def of(self, name: str) -> str:
        """The name, or `__other__` once there are enough."""
        if name in self._names:
            return name
        if len(self._names) >= self._limit:
            return OTHER
        self._names.add(name)
        return name


class Instruments:
    """What can be done to the metrics of the table, by name. An unknown name is a KeyError."""

    def __init__(self) -> None:
        # `_created` series double what is scraped and no panel shows them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._counters = {
            row.name: Counter(row.name, row.help, row.labels, registry=self.registry)
            for row in TABLE
            if row.kind == "counter" and row.name not in TALLIED
        }
        self.tallies = Tallies()
        self.registry.register(self.tallies)
        self.histograms = Histograms()
        self.registry.register(self.histograms)
        self._gauges = {
            row.name: Gauge(row.name, row.help, row.labels, unit=row.unit, registry=self.registry)
            for row in TABLE
            if row.kind == "gauge" and not row.is_read_at_scrape
        }
        self._counter_children: dict[tuple[str, Labels], Counter] = {}
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def inc(self, name: str, labels: Labels = (), amount: float = 1) -> None:
        """Count. `labels` are values in the table's order; an amount of 0 makes the series exist."""
        child = self._counter_children.get((name, labels))
        if child is None:
            metric = self._counters[name]
            child = metric.labels(*labels) if labels else metric
            self._counter_children[name, labels] = child
        child.inc(amount)

    def gauge(self, name: str, labels: Labels = ()) -> Gauge:
        """A gauge that is set, not read at scrape."""
        metric = self._gauges[name]
        return metric.labels(*labels) if labels else metric

    def drop_gauge(self, name: str, labels: Labels) -> None:
        """Forget one series of a gauge that is set."""
        self._gauges[name].remove(*labels)
