"""What one transaction sees and will write: loaded when asked for, written in bulk at its end.

Many calls share a transaction, so a counter that all of them charge is read and written once. Each
row is one object however it was found, so what one call changed the next one sees. Between
transactions only what a gateway in service owns alone is kept: the records in progress and the
slots they hold. After a rollback both are read again.
"""

from collections.abc import Iterable

import apsw

from gateway.call import Status
from gateway.ledger.quota import Counter
from gateway.ledger.sqlite.counters import Kept, select_counters, write_counters
from gateway.ledger.sqlite.leases import CounterKey, Leases
from gateway.ledger.sqlite.rows import Row, insert_rows, select_holders, select_rows, update_rows
from gateway.ledger.sqlite.schema import IN_PROGRESS

TenantKey = tuple[str, str]
"""A tenant and an idempotency key of it."""


class Books:
    """The writer's view of the store. `begin` before a transaction's work, `write` before its commit."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.leases = Leases()
        self.in_progress: dict[str, Row] = {}
        self._last_seq = 0
        self._settled_below = 0
        self._is_stale = True
        self._is_careful = False
        self._rows: dict[str, Row] = {}
        self._keys: dict[TenantKey, Row | None] = {}
        self._added: dict[int, Row] = {}
        self._changed: dict[int, Row] = {}
        self._removed: list[int] = []
        self._expired: set[int] = set()
        self._counters: dict[CounterKey, Kept | None] = {}
        self._spent: set[CounterKey] = set()

    def begin(self, *, is_careful: bool = False) -> None:
        """Forget the last transaction; after one that was rolled back, read again what was kept.
        `is_careful`: `repeated` looks everywhere."""
        self._is_careful = is_careful
        for kept in (self._rows, self._keys, self._added, self._changed, self._counters):
            kept.clear()
        for some in (self._removed, self._expired, self._spent):
            some.clear()
        if self._is_stale:
            self._reload()

    def distrust(self) -> None:
        """What is kept in memory may not be what is in the store."""
        self._is_stale = True

    def _reload(self) -> None:
        rows = select_rows(self.connection, f"{IN_PROGRESS} ORDER BY seq", ())  # the oldest is the mark's
        self.in_progress = {row.record.call_id: row for row in rows}
        self.leases.rebuild(rows)
        self._settled_below = self.connection.execute("SELECT settled_below FROM marks").get
        last_seq = self.connection.execute("SELECT max(seq) FROM calls").get or 0
        # Above the mark though the newest rows have expired and the clock went back.
        self._last_seq = max(last_seq, self._settled_below - 1)
        self._is_stale = False

    def mark(self) -> None:
        """Write down below which row no call is in progress: where the next start begins to look."""
        oldest = next(iter(self.in_progress.values()), None)
        settled_below = self._last_seq + 1 if oldest is None else oldest.seq
        if settled_below != self._settled_below:
            self.connection.execute("UPDATE marks SET settled_below = ?", (settled_below,))
            self._settled_below = settled_below

    def next_seq(self, now_us: int) -> int:
        """The next row's number. A time, so that a cursor tells nothing of other tenants' calls."""
        self._last_seq = max(self._last_seq + 1, now_us)
        return self._last_seq

    def find(self, call_id: str, now_us: int) -> Row | None:
        """The row of a call, if it is within its retention."""
        row = self.in_progress.get(call_id) or self._rows.get(call_id)
        if row is None:
            found = select_rows(self.connection, "call_id = ?", (call_id,))
            if not found:
                return None
            row = self._rows[call_id] = found[0]
        return self._alive(row, now_us)

    def repeated(self, call_id: str, now_us: int) -> Row | None:
        """The row that an admission with that id made before.

        At first only the records in progress are asked. An older one of that id is rare, and makes the
        insertion fail; the jobs are then done again one by one, carefully, and each asks the store.
        """
        return self.find(call_id, now_us) if self._is_careful else self.in_progress.get(call_id)

    def load(self, keys: Iterable[CounterKey]) -> None:
        """Load counters, all at once."""
        asked = [key for key in dict.fromkeys(keys) if key not in self._counters]
        self._counters.update(dict.fromkeys(asked))
        self._counters.update(select_counters(self.connection, asked))

    def look_up(self, keys: Iterable[TenantKey]) -> None:
        """Load the rows that hold these keys, all at once."""
        asked = [key for key in keys if key not in self._keys]
        self._keys.update(dict.fromkeys(asked))
        for row in select_holders(self.connection, asked):
            record = row.record
            known = self.in_progress.get(record.call_id) or self._rows.setdefault(record.call_id, row)
            self._keys[record.tenant, record.key or ""] = known

    def find_by_key(self, tenant: str, key: str, now_us: int) -> Row | None:
        """The row that holds an idempotency key, if it is within its retention."""
        self.look_up([(tenant, key)])
        row = self._keys[tenant, key]
        return None if row is None or not row.holds_key else self._alive(row, now_us)

    def _alive(self, row: Row, now_us: int) -> Row | None:
        if row.is_alive(now_us):
            return row
        self._expired.add(row.seq)
        return None

    def add(self, row: Row) -> None:
        """Write a new row, in progress; whatever expired under its id or its key makes way."""
        record = row.record
        self.in_progress[record.call_id] = row
        self._added[row.seq] = row
        if record.key is not None:
            self._keys[record.tenant, record.key] = row

    def change(self, row: Row) -> None:
        """Write what became of a row."""
        if row.record.outcome.status is not Status.IN_PROGRESS:
            self.in_progress.pop(row.record.call_id, None)
        self._rows[row.record.call_id] = row
        if row.seq not in self._added:
            self._changed[row.seq] = row

    def remove(self, row: Row) -> None:
        """Delete a row."""
        self.in_progress.pop(row.record.call_id, None)
        self._rows[row.record.call_id] = row
        row.expires_at_us = 0
        if self._added.pop(row.seq, None) is None:
            self._changed.pop(row.seq, None)
            self._removed.append(row.seq)

    def counter(self, key: CounterKey) -> Counter | None:
        """What is used of a quota."""
        entry = self._entry(key)
        return None if entry is None else entry[0]

    def spend(self, key: CounterKey, counter: Counter, idle_at_us: int | None = None) -> None:
        """Write a counter; without `idle_at_us` that stays what it was (after a refund)."""
        if idle_at_us is None:
            entry = self._entry(key)
            idle_at_us = 0 if entry is None else entry[1]
        self._counters[key] = (counter, idle_at_us)
        self._spent.add(key)

    def _entry(self, key: CounterKey) -> Kept | None:
        if key not in self._counters:
            self.load([key])
        return self._counters[key]

    @property
    def has_admitted(self) -> bool:
        """Whether a call was admitted in this transaction."""
        return bool(self._added)

    def write(self) -> bool:
        """Write all that changed; whether anything did. Released keys before new claims of them."""
        execute = self.connection.executemany
        if self._added:
            self._removed += self._expired
        if self._removed:
            execute("DELETE FROM calls WHERE seq = ?", [(seq,) for seq in self._removed])
        if self._changed:
            update_rows(self.connection, self._changed.values())
        if self._added:
            insert_rows(self.connection, self._added.values())
        if self._spent:
            spent = [(key, entry) for key in self._spent if (entry := self._counters[key])]
            write_counters(self.connection, spent)
        return bool(self._added or self._changed or self._removed or self._spent)


__all__ = ["Books", "TenantKey"]
