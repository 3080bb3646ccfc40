"""Counters as the embedded ledger keeps them: many read or written at once."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

import apsw
import orjson

from gateway.ledger.quota import Counter
from gateway.ledger.sqlite.chunks import in_chunks
from gateway.ledger.sqlite.leases import CounterKey

Kept = tuple[Counter, int]
"""A counter, and from when on (in epoch microseconds) it says nothing any more."""

_WRITTEN: Final = "(?, ?, ?, ?, ?, ?, ?, ?)"


def select_counters(
    connection: apsw.Connection, keys: Sequence[CounterKey]
) -> Iterator[tuple[CounterKey, Kept]]:
    """Those of these counters that there are."""
    start = 0
    for values, count in in_chunks(keys):
        found = orjson.loads(connection.execute(_select_of(count), values).get)
        for place, used, unit_us, at_us, since_us, idle_at_us in found:
            yield keys[start + place], (Counter(used, unit_us, at_us, since_us), idle_at_us)
        start += count


def write_counters(connection: apsw.Connection, counters: Sequence[tuple[CounterKey, Kept]]) -> None:
    """Write counters anew."""
    for values, count in in_chunks([(*key, *counter, idle) for key, (counter, idle) in counters]):
        connection.execute(_write_of(count), values)


# S608: nothing but constants goes into these statements.
@cache
def _select_of(count: int) -> str:
    # One row for all, as every row lets other threads in. CROSS: the few asked for are the outer loop, each
    # found by the primary key.
    asked = ", ".join(f"({place}, ?, ?, ?)" for place in range(count))
    return (
        "SELECT json_group_array(json_array(column1, used, unit_us, at_us, since_us, idle_at_us))"  # noqa: S608
        f" FROM (VALUES {asked}) AS asked CROSS JOIN counters"
        " ON tenant = asked.column2 AND quota = asked.column3 AND subject = asked.column4"
    )


@cache
def _write_of(count: int) -> str:
    return f"INSERT OR REPLACE INTO counters VALUES {', '.join([_WRITTEN] * count)}"  # noqa: S608


__all__ = ["Kept", "select_counters", "write_counters"]
