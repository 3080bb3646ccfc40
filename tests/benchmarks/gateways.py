"""This gateway as the benchmarks run it: two quotas, any store, spans to the upstream's collector."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from gateway.native.modules import GROUP
from tests.benchmarks.upstream import Upstream
from tests.house import Gateway, configuration, started, tenant
from tests.ledger.valkey import Valkey

Store = Literal["memory", "file", "valkey"]
QUOTAS: Final[list[dict[str, Any]]] = [
    {"name": "burst", "limit": 1_000_000, "per": "second"},
    {"name": "daily", "limit": 1_000_000, "per": "day"},
]
FEW: Final[list[dict[str, Any]]] = [{"name": "daily", "limit": 1, "per": "day"}]
_PATIENT: Final = {"connect_timeout_ms": 2000, "command_timeout_ms": 2000}
"""A saturated machine answers later than a store should, and a refused call is no figure."""
NATIVE: Final = Path(__file__).parent.parent.parent / "dist" / "native"
"""Where `make native` puts the compiled gateway."""

WIDE: Final = {"max_in_flight": 20_000, "max_in_flight_waiting": 20_000, "max_in_flight_per_tenant": 20_000}
"""Bounds of the upstream's section that no benchmark reaches."""


def settings(
    place: Path, behind: Upstream, *, url: str | None = None, traces_percent: int = 10, **more: Any
) -> dict[str, Any]:
    """A configuration with the tenants acme and few (one call a day); `url` is the store's, else a file.

    `more` extends or replaces top-level keys.
    """
    place.mkdir(parents=True, exist_ok=True)
    tenants = {"acme": tenant("acme", quotas=QUOTAS), "few": tenant("few", quotas=FEW)}
    made = configuration(place, behind.url, tenants, **more)
    if traces_percent:
        made["telemetry"] = {"otlp_endpoint": behind.url, "sample_ratio": traces_percent / 100}
    if url is not None:
        made["store"] = {"url": url}
        if url.startswith("redis"):
            made["store"] |= {"spool_directory": str(place / "spool"), **_PATIENT}
    return made


def compiled() -> Path:
    """Where `make native` put the gateway. Raises SystemExit where it has not."""
    if not any(NATIVE.glob(f"{GROUP}*")):
        raise SystemExit("there is no compiled gateway to measure: run `make native` first")
    return NATIVE


@contextmanager
def valkey(place: Path) -> Iterator[Valkey]:
    """A Valkey server of its own, without persistence."""
    server = Valkey(place / "valkey").start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def served(place: Path, made: Mapping[str, Any], *, native: bool = False) -> Iterator[Gateway]:
    """A gateway process over a configuration, on one processor; `native`: the compiled one.

    Its file has a directory of its own, as in production: a gateway watches it, and the log and the store
    would keep it busy there.
    """
    config = place / "config" / "gateway.yaml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps(made))
    # Of the sources that stand in the working directory nothing is then seen.
    environment = {"PYTHONPATH": str(compiled()), "PYTHONSAFEPATH": "1"} if native else {}
    with started(config, place / "gateway.log", "--processors", "one", **environment) as gateway:
        yield gateway


@contextmanager
def gateway(
    place: Path, behind: Upstream, store: Store = "file", *, native: bool = False, **more: Any
) -> Iterator[Gateway]:
    """A gateway over such a store; see `settings` and `served`."""
    if store == "valkey":
        with valkey(place) as server:
            made = settings(place, behind, url=server.url, **more)
            with served(place, made, native=native) as one:
                yield one
        return
    url = "sqlite://:memory:" if store == "memory" else None
    with served(place, settings(place, behind, url=url, **more), native=native) as one:
        yield one
