"""The shared ledger: `Ledger` over Redis or Valkey, standalone or a cluster."""

from hashlib import sha256
from pathlib import Path

from gateway.ledger.redis.address import address_of, tls_context
from gateway.ledger.redis.closing import Retention
from gateway.ledger.redis.ledger import RedisLedger
from gateway.ledger.redis.memory import Memory
from gateway.ledger.redis.node import Access
from gateway.ledger.redis.routing import Servers
from gateway.ledger.redis.store import Store
from gateway.ledger.redis.undos import SPOOL_KIND
from gateway.ledger.spool import Spool


def ledger_at(
    url: str,
    *,
    password: str | None = None,
    ca_file: Path | None = None,
    connect_timeout_ms: int = 100,
    command_timeout_ms: int = 150,
    retention_us: int,
    unknown_retention_us: int,
    spool_directory: Path | None = None,
    serving: bool = True,
) -> RedisLedger:
    """A ledger over the store at `url`, not open yet; the settings are the contract's (section 2).

    Without a `spool_directory` nothing survives a restart: neither undone admissions nor the memory
    of the store's epoch. Raises ValueError for a URL that names no store, OSError for a `ca_file`
    that can't be read.
    """
    address = address_of(url, password)
    access = Access(
        connect_timeout_ms / 1000,
        command_timeout_ms / 1000,
        tls_context(address, ca_file),
        address.greeting(),
    )
    name = sha256(address.identity.encode()).hexdigest()[:16]
    file = None if spool_directory is None else spool_directory / f"store-{name}.epoch"
    memory = Memory(file, is_witness=serving)
    return RedisLedger(
        Store(Servers(address, access), memory, (connect_timeout_ms + 2 * command_timeout_ms) / 1000),
        Retention(retention_us, unknown_retention_us),
        Spool(spool_directory, SPOOL_KIND),
        serving=serving,
    )


__all__ = ["RedisLedger", "ledger_at"]
