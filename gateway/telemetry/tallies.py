"""Counters that one thread alone counts at a time, several for each call.

prometheus-client's own take a lock for each count; these are a number. Registry and exposition stay
prometheus-client's, as with the histograms.
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from gateway.telemetry.table import TABLE, MetricRow

TALLIED: Final = frozenset(
    {
        "gateway_calls_total",
        "gateway_tenant_calls_total",
        "gateway_quota_decisions_total",
        "gateway_spans_total",
    }
)
"""The counters of the table that are counted here."""

Labels = tuple[str, ...]


class Tally:
    """One label set of one counter."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Tallies(Collector):
    """The tallied counters, as prometheus-client collects them."""

    def __init__(self) -> None:
        self._rows = {row.name: row for row in TABLE if row.name in TALLIED}
        self._tallies: dict[str, dict[Labels, Tally]] = {name: {} for name in self._rows}

    def tally(self, name: str, labels: Labels) -> Tally:
        """The tally of these label values (in the table's order), made if need be."""
        known = self._tallies[name]
        found = known.get(labels)
        if found is None:
            if len(labels) != len(self._rows[name].labels):
                raise ValueError(f"{name} has the labels {self._rows[name].labels}")
            found = known[labels] = Tally()
        return found

    def describe(self) -> Iterable[CounterMetricFamily]:
        """The names, so that the registry refuses duplicates."""
        return [self._family(row) for row in self._rows.values()]

    def collect(self) -> Iterable[CounterMetricFamily]:
        """The families with all that was counted; from the rendering thread."""
        for name, row in self._rows.items():
            family = self._family(row)
            for labels, tally in list(self._tallies[name].items()):
                family.add_metric(labels, tally.count)
            yield family

    @staticmethod
    def _family(row: MetricRow) -> CounterMetricFamily:
        return CounterMetricFamily(row.name, row.help, labels=row.labels)
