"""Taking out what has expired: a little at a time, between the answers."""

from dataclasses import dataclass
from typing import Any, Final

import apsw

from gateway.ledger.sqlite.leases import CounterKey

_ROWS_AT_ONCE: Final = 100
"""About a millisecond of work, which is what an answer may have to wait for it."""

_COUNTERS_AT_ONCE: Final = 500
_COUNTER_GRACE_US: Final = 86_400_000_000
"""An idle counter stays a day longer, in case that the clock goes back or a limit is lowered."""

_OLDEST: Final = "SELECT seq, expires_at_us, requested_at_us FROM calls WHERE seq > ? ORDER BY seq LIMIT ?"
_COUNTERS: Final = (
    "SELECT tenant, quota, subject, idle_at_us FROM counters"
    " WHERE (tenant, quota, subject) > (?, ?, ?) ORDER BY tenant, quota, subject LIMIT ?"
)
_START: Final = ("", "", "")


@dataclass(slots=True)
class Purge:
    """Two walks, each taken up again where it stopped: over the oldest records, and over the counters.

    `kept_us` is the shortest retention: a record younger than that ends the walk over the records,
    because all that follow it are younger still.
    """

    kept_us: int
    last_seq: int = 0
    last_counter: CounterKey = _START

    def step(self, connection: apsw.Connection, now_us: int) -> bool:
        """Take out a little; whether there is more to do at once."""
        self._counters(connection, now_us)
        return self._records(connection, now_us)

    def _records(self, connection: apsw.Connection, now_us: int) -> bool:
        rows: list[Any] = connection.execute(_OLDEST, (self.last_seq, _ROWS_AT_ONCE)).fetchall()
        gone = [
            (seq,) for seq, expires_at_us, _ in rows if expires_at_us is not None and expires_at_us <= now_us
        ]
        connection.executemany("DELETE FROM calls WHERE seq = ?", gone)
        is_old = len(rows) == _ROWS_AT_ONCE and rows[-1][2] + self.kept_us <= now_us
        self.last_seq = rows[-1][0] if is_old else 0
        return is_old

    def _counters(self, connection: apsw.Connection, now_us: int) -> None:
        rows: list[Any] = connection.execute(_COUNTERS, (*self.last_counter, _COUNTERS_AT_ONCE)).fetchall()
        gone = [row[:3] for row in rows if row[3] + _COUNTER_GRACE_US <= now_us]
        connection.executemany("DELETE FROM counters WHERE tenant = ? AND quota = ? AND subject = ?", gone)
        self.last_counter = tuple(rows[-1][:3]) if len(rows) == _COUNTERS_AT_ONCE else _START


__all__ = ["Purge"]
