"""A call as the embedded ledger keeps it: one row, there and back."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from gateway.call import IN_PROGRESS, CallRecord, Outcome, Reference, Status
from gateway.errors import Code
from gateway.ledger import Limit, Per, Scope

COLUMNS: Final = (
    "seq, call_id, tenant, subject, idempotency_key, fingerprint, caller_number, callee_number, "
    "client_reference, charges, requested_at_us, deadline_at_us, status, outcome, settled_at_us, is_final, "
    "expires_at_us"
)

# S608: nothing but constants goes into these statements.
INSERT: Final = f"INSERT INTO calls ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
UPDATE: Final = (
    "UPDATE calls SET status = ?, outcome = ?, settled_at_us = ?, is_final = ?, expires_at_us = ?"
    " WHERE seq = ?"
)
DELETE: Final = "DELETE FROM calls WHERE seq = ?"

Value = str | int | bytes | None


class Charge(NamedTuple):
    """One quota that a call was charged on; whose counter it is, the record's subject and callee tell."""

    quota: str
    scope: Scope
    is_concurrent: bool


def write_charges(limits: Iterable[Limit]) -> str:
    """What a call under these limits is charged, as a row keeps it."""
    return orjson.dumps([(x.name, x.scope, x.per is Per.CONCURRENT) for x in limits]).decode()


@lru_cache(maxsize=1024)
def read_charges(text: str) -> tuple[Charge, ...]:
    """What a row's call was charged."""
    return tuple(Charge(quota, Scope(scope), concurrent) for quota, scope, concurrent in orjson.loads(text))


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
    """A row of `COLUMNS`; the tables are STRICT, so the types are what the schema says."""
    (seq, call_id, tenant, subject, key, fingerprint, caller, callee, client_reference, charges) = columns[
        :10
    ]
    requested_at_us, deadline_at_us, status, outcome, settled_at_us, is_final, expires_at_us = columns[10:]
    record = CallRecord(
        call_id,
        tenant,
        _read_outcome(status, outcome),
        requested_at_us,
        settled_at_us,
        client_reference,
        caller,
        callee,
        subject,
        key,
    )
    return Row(seq, record, fingerprint, charges, deadline_at_us, bool(is_final), expires_at_us)


def inserted(row: Row) -> tuple[Value, ...]:
    """The values of `INSERT`."""
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


def updated(row: Row) -> tuple[Value, ...]:
    """The values of `UPDATE`."""
    return (*_settled(row), row.seq)


def _settled(row: Row) -> tuple[Value, ...]:
    outcome = row.record.outcome
    # A plain str: the binding of a subclass goes a slow way round.
    status = str.__str__(outcome.status)
    return (status, _write_outcome(outcome), row.record.settled_at_us, int(row.is_final), row.expires_at_us)


def _write_outcome(outcome: Outcome) -> str | None:
    if outcome is IN_PROGRESS:
        return None
    reference = outcome.reference
    parts = None
    if reference is not None:
        # As text: a machine number may have any length, and 64 bits is where JSON and SQLite stop.
        machine = None if reference.machine is None else str(reference.machine)
        parts = (machine, reference.server, reference.call_id)
    whole = (outcome.http_status, outcome.code, outcome.error_type, parts, outcome.pointers)
    return orjson.dumps(whole).decode()


def _read_outcome(status: str, text: str | None) -> Outcome:
    if text is None:
        return IN_PROGRESS
    http_status, code, error_type, parts, pointers = orjson.loads(text)
    reference = None
    if parts is not None:
        machine, server, call_id = parts
        reference = Reference(None if machine is None else int(machine), server, call_id)
    return Outcome(
        Status(status),
        http_status,
        None if code is None else Code(code),
        error_type,
        reference,
        tuple(pointers),
    )


def select_rows(connection: sqlite3.Connection, where: str, values: Iterable[Value]) -> list[Row]:
    """The rows that a constant condition (with what orders and limits them) selects."""
    return [
        read_row(columns)
        for columns in connection.execute(f"SELECT {COLUMNS} FROM calls WHERE {where}", tuple(values))  # noqa: S608 - constants
    ]


__all__ = [
    "COLUMNS",
    "DELETE",
    "INSERT",
    "UPDATE",
    "Charge",
    "Row",
    "inserted",
    "read_charges",
    "read_row",
    "select_rows",
    "updated",
    "write_charges",
]
