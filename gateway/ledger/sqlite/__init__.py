"""The embedded ledger: one SQLite file, one writer thread, one fsync for many calls."""

from gateway.ledger.sqlite.ledger import SqliteLedger

__all__ = ["SqliteLedger"]
