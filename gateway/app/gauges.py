"""The gauges that are read at scrape, from those who know."""

from typing import Protocol

from gateway.app.upstreams import Site
from gateway.doors.admin import Health
from gateway.ledger import Ledger, Limit, Scope, StoreUnavailable
from gateway.telemetry.scrape import Scrape
from gateway.upstream import Slots

Ratio = tuple[str, str, float]
"""(tenant, quota, used share)."""


class Watched(Protocol):
    """What the gauges read; all of it may be replaced by a reload."""

    health: Health
    ledger: Ledger
    limits: dict[str, tuple[Limit, ...]]
    site: Site
    slots: Slots


def watch_gauges(scrape: Scrape, gateway: Watched) -> None:
    """Register every gauge of the metric table that is read at scrape."""
    slots, health = gateway.slots, gateway.health
    scrape.watch_in_flight("now", lambda: slots.in_flight("now"), lambda: slots.limit("now"))
    scrape.watch_in_flight("waiting", lambda: slots.in_flight("waiting"), lambda: slots.limit("waiting"))
    scrape.watch_connections(
        lambda: gateway.site.wire.active_connections, lambda: gateway.site.wire.idle_connections
    )
    scrape.watch_circuits(lambda: _circuit_states(gateway.site))
    scrape.watch_quotas(lambda: _used_ratios(gateway))
    scrape.watch_flag("gateway_ready", lambda: health.is_ready)
    scrape.watch_flag("gateway_draining", lambda: health.is_draining)


def _circuit_states(site: Site) -> dict[str, str]:
    circuits = site.upstream.pairs.circuits.items()
    return {
        "transport": site.upstream.circuit.state,
        **{f"credentials:{name}": circuit.state for name, circuit in circuits},
    }


async def _used_ratios(gateway: Watched) -> list[Ratio]:
    """Of the tenant-wide quotas."""
    found: list[Ratio] = []
    for tenant, limits in gateway.limits.items():
        own = tuple(limit for limit in limits if limit.scope is Scope.TENANT)
        if own:
            found += await _used_by(gateway.ledger, tenant, own)
    return found


async def _used_by(ledger: Ledger, tenant: str, limits: tuple[Limit, ...]) -> list[Ratio]:
    try:
        states = await ledger.peek(tenant, "", limits)
    except StoreUnavailable:
        return []
    return [
        (tenant, state.limit.name, 1 - state.remaining / state.limit.size)
        for state in states
        if state.remaining is not None
    ]
