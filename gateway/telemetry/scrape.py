"""What happens when a scrape asks: gauges are read from those who know, and the text is rendered.

Nothing polls. Readers run on the event loop, where the values live; the rendering thread sees a
finished snapshot only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.telemetry.histograms import Labels
from gateway.telemetry.instruments import BoundedLabel
from gateway.telemetry.table import TABLE, MetricRow

Readings = Iterable[tuple[Labels, float]]
"""(label values in the table's order, value) of one gauge."""

CIRCUIT_STATES: Final = ("closed", "half_open", "open")
_ASK_SECONDS: Final = 0.5  # a scrape is usually given 10 s; a store that hangs must not cost it


class _ScrapedGauges(Collector):
    """The table's gauges that are read at scrape, as prometheus-client collects them."""

    def __init__(self) -> None:
        self.rows = {row.name: row for row in TABLE if row.is_read_at_scrape}
        self.snapshot: dict[str, list[tuple[Labels, float]]] = {}

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The names, so that the registry refuses duplicates."""
        return [self._family(row) for row in self.rows.values()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The families with the snapshot's samples."""
        snapshot = self.snapshot
        for name, row in self.rows.items():
            family = self._family(row)
            for labels, value in snapshot.get(name, ()):
                family.add_metric(labels, value)
            yield family

    @staticmethod
    def _family(row: MetricRow) -> GaugeMetricFamily:
        return GaugeMetricFamily(row.name, row.help, labels=row.labels, unit=row.unit)


class Scrape:
    """Gauges to watch, and the exposition of a registry. For the event loop only."""

    def __init__(self, registry: CollectorRegistry, tenants: BoundedLabel, quotas: BoundedLabel) -> None:
        self._registry = registry
        self._tenants = tenants
        self._quotas = quotas
        self._gauges = _ScrapedGauges()
        registry.register(self._gauges)
        self._readers: list[tuple[str, Callable[[], Readings]]] = []
        self._askers: list[Callable[[], Awaitable[None]]] = []
        self._rendering = asyncio.Lock()

    def watch(self, name: str, read: Callable[[], Readings]) -> None:
        """Read a scrape-time gauge of the table from `read` at every scrape; several readers of one
        gauge add up. `read` must be quick and must not wait. An unknown name is a KeyError."""
        self._readers.append((self._gauges.rows[name].name, read))

    def watch_flag(self, name: str, is_set: Callable[[], bool]) -> None:
        """A gauge without labels that is 0 or 1: `gateway_ready`, `gateway_draining`."""
        self.watch(name, lambda: [((), float(is_set()))])

    def watch_in_flight(self, lane: str, in_flight: Callable[[], int], limit: Callable[[], int]) -> None:
        """Calls on the wire in one lane (now, waiting), and how many may be."""
        self.watch("gateway_upstream_in_flight", lambda: [((lane,), in_flight())])
        self.watch("gateway_upstream_in_flight_limit", lambda: [((lane,), limit())])

    def watch_connections(self, active: Callable[[], int], idle: Callable[[], int]) -> None:
        """Connections to the upstream, in use and kept."""
        self.watch("gateway_upstream_connections", lambda: [(("active",), active()), (("idle",), idle())])

    def watch_circuits(self, states: Callable[[], Mapping[str, str]]) -> None:
        """The state (closed, half_open, open) of each circuit: `transport`, `credentials:<name>`."""
        self.watch(
            "gateway_circuit_state",
            lambda: [
                ((circuit, state), float(state == now))
                for circuit, now in states().items()
                for state in CIRCUIT_STATES
            ],
        )

    def watch_quotas(self, ask: Callable[[], Awaitable[Iterable[tuple[str, str, float]]]]) -> None:
        """Ask for (tenant, quota, used share) at every scrape; no answer in 0.5 s leaves them out.

        Where several share a label, the fullest stands for them.
        """
        readings: dict[Labels, float] = {}

        async def refresh() -> None:
            readings.clear()
            async with asyncio.timeout(_ASK_SECONDS):
                for tenant, quota, ratio in await ask():
                    series = (self._tenants.of(tenant), self._quotas.of(quota))
                    readings[series] = max(ratio, readings.get(series, 0.0))

        self._askers.append(refresh)
        self.watch("gateway_quota_used_ratio", lambda: list(readings.items()))

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The exposition and its content type: OpenMetrics if `accept` asks for it, else text.

        Scrapes are made one after another, each rendered in a thread off the event loop.
        """
        async with self._rendering:
            for refresh in self._askers:
                try:
                    await refresh()
                except TimeoutError:
                    continue
            snapshot: dict[str, list[tuple[Labels, float]]] = {}
            for name, read in self._readers:
                snapshot.setdefault(name, []).extend(read())
            self._gauges.snapshot = snapshot
            encode, content_type = choose_encoder(accept)
            return await asyncio.to_thread(encode, self._registry), content_type
