"""From `upstream` settings to an `Upstream` over a wire of its own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from gateway.app.inputs import Inputs
from gateway.legacy import FUNCTION_PATH, REDACTED, Dialect, with_credentials
from gateway.settings.credentials import Pair
from gateway.settings.model import Circuit
from gateway.settings.model import Upstream as UpstreamSettings
from gateway.telemetry import UpstreamNames
from gateway.upstream import Pairs, SlotLimits, TransportCircuit, Upstream
from gateway.wire import Origin, Wire, WireFault, client_ssl_context

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Site:
    """One upstream as the settings describe it, and the wire that reaches it."""

    settings: UpstreamSettings
    wire: Wire
    upstream: Upstream

    async def close(self) -> None:
        """Let go of the wire."""
        self.upstream.circuit.close()
        await self.wire.aclose()


def origin_of(settings: UpstreamSettings) -> Origin:
    """Where the upstream is."""
    parts = urlsplit(settings.base_url)
    return Origin(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])


def dialect_of(settings: UpstreamSettings) -> Dialect:
    """How the upstream takes its parameters."""
    path = quote(urlsplit(settings.base_url).path, safe="/%:@!$&'()*+,;=~-._")
    return Dialect(path, settings.method, settings.separator)


def names_of(settings: UpstreamSettings) -> UpstreamNames:
    """What spans say of the upstream: a constant, without any value."""
    origin, dialect = origin_of(settings), dialect_of(settings)
    url = f"{origin.scheme}://{origin.host}:{origin.port}{dialect.path}"
    if settings.method == "GET":
        url += "?" + with_credentials(Pair(REDACTED, REDACTED), REDACTED, dialect.joint).decode()
    return UpstreamNames(origin.host, origin.port, FUNCTION_PATH, url)


def slot_limits_of(settings: UpstreamSettings) -> SlotLimits:
    """How many calls may be on the wire at once."""
    return SlotLimits(
        settings.max_in_flight, settings.max_in_flight_waiting, settings.max_in_flight_per_tenant
    )


def build_site(inputs: Inputs, on_rejected: Callable[[str], None]) -> Site:
    """A new wire, with closed circuits. For the event loop's thread."""
    settings = inputs.settings.upstream
    origin, dialect = origin_of(settings), dialect_of(settings)
    wire = Wire(
        origin,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        reuse_connections=settings.reuse_connections,
        idle_connection_seconds=settings.idle_connection_seconds,
        ssl_context=client_ssl_context(inputs.authorities) if origin.scheme == "https" else None,
    )
    circuit_settings = settings.circuit if isinstance(settings.circuit, Circuit) else None

    async def why_no_connection() -> WireFault | None:
        try:
            await wire.probe()
        except WireFault as fault:
            return fault
        return None

    circuit = TransportCircuit(
        failures=None if circuit_settings is None else circuit_settings.failures,
        open_seconds=10 if circuit_settings is None else circuit_settings.open_seconds,
        probe=why_no_connection,
        clock=time.monotonic,
    )
    held = Pairs(inputs.pairs, dialect.joint, time.monotonic, has_circuits=circuit_settings is not None)
    upstream = Upstream(
        wire, dialect, held, circuit, margin_seconds=settings.answer_margin_seconds, on_rejected=on_rejected
    )
    return Site(settings, wire, upstream)
