"""A call as the embedded ledger keeps it: one row, there and back."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import apsw

from gateway.call import IN_PROGRESS, CallRecord, Status
from gateway.ledger.outcome_text import read_outcome, write_outcome
from gateway.ledger.sqlite.chunks import Value, in_chunks

_COLUMNS: Final = (
    "seq, call_id, tenant, subject, {}, fingerprint, caller_number, callee_number, "
    "client_reference, charges, requested_at_us, deadline_at_us, status, outcome, settled_at_us, is_final, "
    "expires_at_us"
)
_SELECTED: Final = _COLUMNS.format("coalesce(idempotency_key, released_key)")
_NAMED: Final = _COLUMNS.format("idempotency_key")

_INSERTED: Final = "(" + ", ".join("?" * 17) + ")"
_UPDATED: Final = "(?, ?, ?, ?, ?, ?)"


@dataclass(slots=True)
class Row:
    """One call's row, as it will be once the transaction at hand is committed.

    `charges` is what `write_charges` made; `is_final` is false while a
    settlement may still come; `expires_at_us` None means never.
    """

    seq: int
    record: CallRecord
    fingerprint: bytes
    charges: str
    deadline_at_us: int
    is_final: bool = False
    expires_at_us: int | None = None

    @property
    def holds_key(self) -> bool:
        """Whether the record's idempotency key, if any, is taken by it."""
        return self.record.outcome.status is not Status.NOT_PLACED

    def is_alive(self, now_us: int) -> bool:
        """Whether it is within its retention."""
        return self.expires_at_us is None or self.expires_at_us > now_us


def read_row(columns: tuple[Any, ...]) -> Row:
    """A row of what is selected; the tables are STRICT, so the types are what the schema says."""
    seq, call_id, tenant, subject, key, fingerprint, caller, callee, reference, charges = columns[:10]
    requested_at_us, deadline_at_us, _, outcome, settled_at_us, is_final, expires_at_us = columns[10:]
    record = CallRecord(
        call_id,
        tenant,
        IN_PROGRESS if outcome is None else read_outcome(outcome),
        requested_at_us,
        settled_at_us,
        reference,
        caller,
        callee,
        subject,
        key,
    )
    return Row(seq, record, fingerprint, charges, deadline_at_us, bool(is_final), expires_at_us)


def insert_rows(connection: apsw.Connection, rows: Iterable[Row]) -> None:
    """Insert new rows."""
    for values, count in in_chunks([_inserted(row) for row in rows]):
        connection.execute(_insert_of(count), values)


def update_rows(connection: apsw.Connection, rows: Collection[Row]) -> None:
    """Write what became of rows; a call that was not placed lets go of its key."""
    for values, count in in_chunks([(*_settled(row), row.seq) for row in rows]):
        connection.execute(_update_of(count), values)
    released = [(row.seq,) for row in rows if row.record.key is not None and not row.holds_key]
    if released:
        connection.executemany(_RELEASE, released)


def select_holders(connection: apsw.Connection, keys: list[tuple[str, str]]) -> list[Row]:
    """The rows that hold idempotency keys, each told with its tenant."""
    return [
        read_row(columns)
        for values, count in in_chunks(keys)
        for columns in connection.execute(_holders_of(count), values)
    ]


_RELEASE: Final = (
    "UPDATE calls SET released_key = idempotency_key, idempotency_key = NULL"
    " WHERE seq = ? AND idempotency_key IS NOT NULL"
)
_UPDATE: Final = (
    "UPDATE calls SET status = ?, outcome = ?, settled_at_us = ?, is_final = ?, expires_at_us = ?"
    " WHERE seq = ?"
)


# S608: nothing but constants goes into these statements.
@cache
def _insert_of(count: int) -> str:
    return f"INSERT INTO calls ({_NAMED}) VALUES " + ", ".join([_INSERTED] * count)  # noqa: S608


@cache
def _update_of(count: int) -> str:
    if count == 1:
        return _UPDATE  # at half the cost
    return (
        "UPDATE calls SET status = new.column1, outcome = new.column2, settled_at_us = new.column3,"  # noqa: S608
        " is_final = new.column4, expires_at_us = new.column5"
        f" FROM (VALUES {', '.join([_UPDATED] * count)}) AS new WHERE seq = new.column6"
    )


@cache
def _holders_of(count: int) -> str:
    # CROSS: the few asked for are the outer loop, each found by the index of held keys.
    return (
        f"SELECT {_SELECTED} FROM (VALUES {', '.join(['(?, ?)'] * count)}) AS asked CROSS JOIN calls"  # noqa: S608
        " ON tenant = asked.column1 AND idempotency_key = asked.column2"
    )


def _inserted(row: Row) -> tuple[Value, ...]:
    record = row.record
    return (
        row.seq,
        record.call_id,
        record.tenant,
        record.subject,
        record.key,
        row.fingerprint,
        record.caller_number,
        record.callee_number,
        record.client_reference,
        row.charges,
        record.requested_at_us,
        row.deadline_at_us,
        *_settled(row),
    )


def _settled(row: Row) -> tuple[Value, ...]:
    outcome = row.record.outcome
    # A plain str: the binding of a subclass goes a slow way round.
    status = str.__str__(outcome.status)
    text = None if outcome is IN_PROGRESS else write_outcome(outcome).decode()
    return (status, text, row.record.settled_at_us, int(row.is_final), row.expires_at_us)


def select_rows(connection: apsw.Connection, where: str, values: Iterable[Value]) -> list[Row]:
    """The rows that a constant condition (with what orders and limits them) selects."""
    return [
        read_row(columns)
        for columns in connection.execute(f"SELECT {_SELECTED} FROM calls WHERE {where}", tuple(values))  # noqa: S608 - constants
    ]


__all__ = [
    "Row",
    "insert_rows",
    "read_row",
    "select_holders",
    "select_rows",
    "update_rows",
]
