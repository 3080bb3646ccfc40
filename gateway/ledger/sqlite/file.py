"""The ledger's file: opened, locked for one gateway, checked; and its troubles in an operator's words."""

import fcntl
import os
from pathlib import Path
from typing import Any, Final

import apsw

from gateway.ledger import StoreUnavailable
from gateway.ledger.sqlite.schema import VERSION, migrate, version_of

_BUSY_MS: Final = 5000
_CHECKED_BYTES: Final = 16 * 1024 * 1024
"""Files up to this size are checked whole at start: it takes a tenth of a second."""

_RECOVERY: Final = (
    "restore it from a backup, or move it away to start with an empty ledger "
    "(the idempotency keys and the unknown calls in it are then forgotten)"
)

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16384",
    "PRAGMA journal_size_limit = 67108864",
)


def trouble(path: Path | None, error: apsw.Error) -> StoreUnavailable:
    """What SQLite reports, told to an operator. Source: SQLite's page "Result and Error Codes"."""
    kind, mend = _TROUBLES.get(
        getattr(error, "result", apsw.SQLITE_ERROR), ("error", "see the SQLite message")
    )
    return StoreUnavailable(kind, f"the ledger {path or 'in memory'}: {error}: {mend}")


_HELD: Final = "another process holds it locked for too long: find and stop that process"
_CLOSED: Final = "make the file and its directory writable for the gateway's user"

_TROUBLES: Final[dict[int, tuple[str, str]]] = {
    apsw.SQLITE_BUSY: ("busy", _HELD),
    apsw.SQLITE_LOCKED: ("busy", _HELD),
    apsw.SQLITE_FULL: ("full", "free some space on its disk"),
    apsw.SQLITE_IOERR: ("io", "its disk fails, is full or over its quota: mend that"),
    apsw.SQLITE_READONLY: ("read_only", _CLOSED),
    apsw.SQLITE_PERM: ("read_only", _CLOSED),
    apsw.SQLITE_CANTOPEN: ("missing", "make the file and its directory exist and be accessible"),
    apsw.SQLITE_CORRUPT: ("corrupt", f"the file is damaged: {_RECOVERY}"),
    apsw.SQLITE_NOTADB: ("corrupt", f"the file is not a ledger: {_RECOVERY}"),
}


def lock(path: Path) -> int:
    """Take the lock that says who serves this file; the descriptor to close. Raises StoreUnavailable.

    Both files are made here where they are missing, for nobody but their owner: the ledger holds
    phone numbers.

    A file of its own beside the ledger, because closing any descriptor of a database file would
    drop SQLite's own locks on it. Beside the very file, so that a link to it makes no second ledger.
    """
    if not path.parent.is_dir():
        raise StoreUnavailable(
            "missing",
            f"the ledger's directory {path.parent} does not exist: create it, "
            "writable for the gateway's user",
        )
    file = path.resolve()
    descriptor = _open(file.with_name(file.name + ".lock"))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreUnavailable(
            "locked",
            f"the ledger {path} is served by another gateway, process {holder}: stop that one first, "
            "or give this one a file of its own",
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
    try:
        os.close(_open(path))
    except StoreUnavailable:
        os.close(descriptor)
        raise
    return descriptor


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(
            "read_only",
            f"the ledger's file {path} can't be written ({error.strerror}): {_CLOSED}",
        ) from error


def identity(path: Path | None) -> tuple[int, int] | None:
    """Which file stands under that name, None for none. Raises nothing."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def moved(path: Path | None) -> StoreUnavailable:
    """The file that is served is not the one under its name: what is written would be lost."""
    return StoreUnavailable(
        "moved",
        f"the ledger {path}: the file was moved or deleted while it is served: put it back, "
        "or restart the gateway to begin with what stands there now",
    )


def connect(path: Path | None, *, serving: bool) -> apsw.Connection:
    """The ledger's connection, migrated where it serves. Raises StoreUnavailable."""
    try:
        connection = _connect(path, creates=serving)
    except apsw.Error as error:
        raise trouble(path, error) from error
    try:
        _prepare(connection, path, serving=serving)
    except apsw.Error as error:
        connection.close()
        raise trouble(path, error) from error
    except StoreUnavailable as refusal:
        connection.close()
        raise StoreUnavailable(refusal.kind, f"the ledger {path}: {refusal}") from None
    return connection


def _connect(path: Path | None, *, creates: bool) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if creates else 0)
    # An absolute path is never taken for ":memory:" or a URI.
    connection = apsw.Connection(":memory:" if path is None else str(path.absolute()), flags)
    connection.set_busy_timeout(_BUSY_MS)
    return connection


def _prepare(connection: apsw.Connection, path: Path | None, *, serving: bool) -> None:
    if not serving and version_of(connection) != VERSION:
        raise StoreUnavailable(
            "schema", "it is empty or of an older version: start the gateway once, which brings it up to date"
        )
    version_of(connection)
    for pragma in _PRAGMAS:
        connection.execute(pragma).fetchall()
    if serving and path is not None and path.stat().st_size <= _CHECKED_BYTES:
        found: list[Any] = connection.execute("PRAGMA quick_check(1)").fetchall()
        verdict: str = found[0][0]
        if verdict != "ok":
            what = " ".join(verdict.split())  # SQLite tells it in lines, an operator hears it in one
            raise StoreUnavailable("corrupt", f"{what}: the file is damaged: {_RECOVERY}")
    if serving:
        migrate(connection)


__all__ = ["connect", "identity", "lock", "moved", "trouble"]
