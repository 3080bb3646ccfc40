"""The tables of the embedded ledger, and how an older file becomes a newer one.

`PRAGMA user_version` numbers the schema. A file is migrated step by step in one transaction when a
gateway opens it to serve; a newer one is refused, because its meaning can't be known.
"""

from typing import Final

import apsw

from gateway.ledger import StoreUnavailable

_RECORDS: Final = """
CREATE TABLE calls (
  seq INTEGER PRIMARY KEY,         -- ascending in order of admission: that moment, or one more than the last
  call_id TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  subject TEXT NOT NULL,
  idempotency_key TEXT,
  fingerprint BLOB NOT NULL,
  caller_number TEXT NOT NULL,
  callee_number TEXT NOT NULL,
  client_reference TEXT,
  charges TEXT NOT NULL,           -- JSON: [[quota, scope, is concurrent], ...]
  requested_at_us INTEGER NOT NULL,
  deadline_at_us INTEGER NOT NULL, -- in progress past it: unknown
  status TEXT NOT NULL,
  outcome TEXT,                    -- as `outcome_text` writes it; NULL: in progress
  settled_at_us INTEGER,
  is_final INTEGER NOT NULL,       -- 0: in progress, or recovered and open to a late settlement
  expires_at_us INTEGER            -- NULL: never
) STRICT
"""

_KEYS: Final = """
CREATE UNIQUE INDEX calls_by_key ON calls (tenant, idempotency_key)
WHERE idempotency_key IS NOT NULL AND status <> 'NOT_PLACED'
"""

_TENANTS: Final = "CREATE INDEX calls_by_tenant ON calls (tenant)"

_EXCEPTIONS: Final = """
CREATE INDEX calls_by_status ON calls (status, tenant)
WHERE status = 'IN_PROGRESS' OR status = 'UNKNOWN' OR status = 'REJECTED' OR status = 'NOT_PLACED'
"""

_COUNTERS: Final = """
CREATE TABLE counters (
  tenant TEXT NOT NULL,
  quota TEXT NOT NULL,
  subject TEXT NOT NULL,           -- "" for the tenant's own, "user:..." or "callee:..."
  used INTEGER NOT NULL,           -- in units of unit_us a call
  unit_us INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  since_us INTEGER NOT NULL,
  idle_at_us INTEGER NOT NULL,     -- from then on the row says nothing
  PRIMARY KEY (tenant, quota, subject)
) STRICT, WITHOUT ROWID
"""

_MARKS: Final = """
CREATE TABLE marks (
  settled_below INTEGER NOT NULL   -- no call with a smaller seq is in progress; one row
) STRICT
"""

_SETTLING_TOUCHES_ONE_PAGE: Final = (
    "ALTER TABLE calls ADD COLUMN released_key TEXT",  # what the idempotency key was, of a call not placed
    (
        "UPDATE calls SET released_key = idempotency_key, idempotency_key = NULL"
        " WHERE status = 'NOT_PLACED' AND idempotency_key IS NOT NULL"
    ),
    _MARKS,
    (
        "INSERT INTO marks SELECT coalesce("
        "(SELECT min(seq) FROM calls WHERE status = 'IN_PROGRESS'), (SELECT max(seq) + 1 FROM calls), 0)"
    ),
    "DROP INDEX calls_by_key",
    "CREATE UNIQUE INDEX calls_by_key ON calls (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL",
    "DROP INDEX calls_by_status",
    (
        "CREATE INDEX calls_by_status ON calls (status, tenant)"
        " WHERE status = 'UNKNOWN' OR status = 'REJECTED' OR status = 'NOT_PLACED'"
    ),
)
"""Most calls end as requested. Neither index knows of calls in progress or requested, so that to admit one
and to settle it write four pages less: a key is held while its column has it, and the calls in progress
are found above a mark, which is moved every half second."""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (_RECORDS, _KEYS, _TENANTS, _EXCEPTIONS, _COUNTERS),
    _SETTLING_TOUCHES_ONE_PAGE,
)
"""What makes version n + 1 of version n."""

IN_PROGRESS: Final = "status = 'IN_PROGRESS' AND seq >= (SELECT settled_below FROM marks)"
"""The condition that finds the calls in progress without a walk over all."""

VERSION: Final = len(MIGRATIONS)


def version_of(connection: apsw.Connection) -> int:
    """The file's schema version, 0 for an empty one. Raises StoreUnavailable for one that is newer."""
    version: int = connection.execute("PRAGMA user_version").get
    if version > VERSION:
        raise StoreUnavailable(
            "schema",
            f"its schema has version {version}, and this gateway knows {VERSION} at most: "
            "start the newer gateway that wrote it, or restore an older copy",
        )
    return version


def migrate(connection: apsw.Connection) -> None:
    """Bring the file to `VERSION`, all steps or none. Raises StoreUnavailable for a newer one."""
    if version_of(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[version_of(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


__all__ = ["IN_PROGRESS", "MIGRATIONS", "VERSION", "migrate", "version_of"]
