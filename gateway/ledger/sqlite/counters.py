"""Counters as the embedded ledger keeps them: many read or written at once."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

import apsw

from gateway.ledger.quota import Counter
from gateway.ledger.sqlite.chunks import in_chunks
from gateway.ledger.sqlite.leases import CounterKey

Kept = tuple[Counter, int]
"""A counter, and from when on (in epoch microseconds) it says nothing any more."""

_ASKED: Final = "(?, ?, ?)"
_WRITTEN: Final = "(?, ?, ?, ?, ?, ?, ?, ?)"


def select_counters(
    connection: apsw.Connection, keys: Sequence[CounterKey]
) -> Iterator[tuple[CounterKey, Kept]]:
    """Those of these counters that there are."""
    for values, count in in_chunks(keys):
        for tenant, quota, subject, *counter, idle_at_us in connection.execute(_select_of(count), values):
            yield (tenant, quota, subject), (Counter(*counter), idle_at_us)


def write_counters(connection: apsw.Connection, counters: Sequence[tuple[CounterKey, Kept]]) -> None:
    """Write counters anew."""
    for values, count in in_chunks([(*key, *counter, idle) for key, (counter, idle) in counters]):
        connection.execute(_write_of(count), values)


# S608: nothing but constants goes into these statements.
@cache
def _select_of(count: int) -> str:
    # CROSS: the few asked for are the outer loop, each found by the primary key.
    return (
        "SELECT tenant, quota, subject, used, unit_us, at_us, since_us, idle_at_us"  # noqa: S608
        f" FROM (VALUES {', '.join([_ASKED] * count)}) AS asked CROSS JOIN counters"
        " ON tenant = asked.column1 AND quota = asked.column2 AND subject = asked.column3"
    )


@cache
def _write_of(count: int) -> str:
    return f"INSERT OR REPLACE INTO counters VALUES {', '.join([_WRITTEN] * count)}"  # noqa: S608


__all__ = ["Kept", "select_counters", "write_counters"]
