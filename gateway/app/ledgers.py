"""From `store.url` to a ledger."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from gateway.ledger import Ledger
from gateway.ledger.spool import Spool
from gateway.place_call.settler import SPOOL_KIND
from gateway.settings.credentials import credential_of
from gateway.settings.model import Settings, Store

HOUR_US: Final = 3_600_000_000
_SQLITE: Final = "sqlite://"


def now_us() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def ledger_of(settings: Settings, *, serving: bool) -> Ledger:
    """The ledger that the settings name, not yet open. `serving`: as the one that makes calls, which
    alone may turn what a dead process left behind into unknown."""
    store = settings.store
    if store.url.startswith(_SQLITE):
        return _sqlite(store, serving=serving)
    return _redis(store, serving=serving)


def _sqlite(store: Store, *, serving: bool) -> Ledger:
    from gateway.ledger.sqlite import SqliteLedger  # noqa: PLC0415 - only one engine is ever needed

    name = store.url.removeprefix(_SQLITE)
    return SqliteLedger(
        None if name == ":memory:" else Path(name),
        retention_us=store.retention_hours * HOUR_US,
        unknown_retention_us=store.unknown_retention_days * 24 * HOUR_US,
        clock=now_us,
        serving=serving,
    )


def _redis(store: Store, *, serving: bool) -> Ledger:
    from gateway.ledger.redis import ledger_at  # noqa: PLC0415 - only one engine is ever needed

    file = store.password_file
    password = None if file is None else credential_of(file, file.read_bytes())
    return ledger_at(
        store.url,
        password=password,
        ca_file=store.ca_file,
        connect_timeout_ms=store.connect_timeout_ms,
        command_timeout_ms=store.command_timeout_ms,
        retention_us=store.retention_hours * HOUR_US,
        unknown_retention_us=store.unknown_retention_days * 24 * HOUR_US,
        spool_directory=store.spool_directory,
        serving=serving,
    )


def settle_spool_of(settings: Settings) -> Spool:
    """Where settlements wait that the store can't take; not yet open."""
    return Spool(settings.store.spool_directory, SPOOL_KIND)


@asynccontextmanager
async def open_ledger(settings: Settings, *, serving: bool = False) -> AsyncIterator[Ledger]:
    """An open ledger, for the commands that read and resolve; closed at the end."""
    ledger = ledger_of(settings, serving=serving)
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()
