"""What becomes of an admitted call, inside one transaction: its outcome, refund, key and slot."""

from gateway.call import RECOVERED, REFUNDED, CallRecord, Outcome, Status
from gateway.ledger import Settlement, StoreUnavailable
from gateway.ledger.quota import refund
from gateway.ledger.sqlite.books import Books
from gateway.ledger.sqlite.decide import Plan, states
from gateway.ledger.sqlite.leases import charged_on
from gateway.ledger.sqlite.rows import Row
from gateway.values import value_class


@value_class(frozen=True, slots=True)
class Retention:
    """How long records and keys are kept after the admission, in microseconds.

    A record that was ever unknown keeps the longer time: its verdict may come late, and must then
    replay. Never the shorter one, or a key would be free before its time.
    """

    settled_us: int
    unknown_us: int

    def expires_at_us(self, row: Row, outcome: Outcome) -> int:
        """When a row with that outcome expires."""
        was_unknown = outcome.status is Status.UNKNOWN or row.record.outcome.status is Status.UNKNOWN
        kept_us = max(self.settled_us, self.unknown_us) if was_unknown else self.settled_us
        return row.record.requested_at_us + kept_us


def settle(
    books: Books,
    retention: Retention,
    tenant: str,
    call_id: str,
    outcome: Outcome,
    elapsed_us: int,
    plan: Plan,
    now_us: int,
) -> Settlement:
    """Write the outcome where none stands yet. Raises StoreUnavailable where the record is gone."""
    row = books.find(call_id, now_us)
    if row is None or row.record.tenant != tenant:
        raise StoreUnavailable("lost", f"no record of call {call_id}, which was admitted: data was lost")
    if row.is_final:
        return Settlement(row.record)
    _close(books, retention, row, outcome, row.record.requested_at_us + max(0, elapsed_us))
    record = row.record
    if outcome.status not in REFUNDED:
        return Settlement(record)
    return Settlement(record, states(books, plan, tenant, record.subject, record.callee_number, now_us))


def resolve(
    books: Books, retention: Retention, call_id: str, outcome: Outcome, now_us: int
) -> Settlement | None:
    """An operator's verdict; None where no unknown record has that id."""
    row = books.find(call_id, now_us)
    if row is None or row.record.outcome.status is not Status.UNKNOWN:
        return None
    _close(books, retention, row, outcome, now_us)
    return Settlement(row.record)


def recover(books: Books, retention: Retention, now_us: int, *, everything: bool = False) -> int:
    """Turn records in progress past their deadline (or all of them) into unknown; how many.

    They stay open to a late settlement: the truth may still be known to someone.
    """
    over = [row for row in books.in_progress.values() if everything or row.deadline_at_us < now_us]
    for row in over:
        _close(books, retention, row, RECOVERED, now_us)
        row.is_final = False
    return len(over)


def undo(books: Books, call_id: str, now_us: int) -> None:
    """Make an admission that nobody heard of undone: refund it and remove its record."""
    row = books.find(call_id, now_us)
    if row is not None and not row.is_final:
        books.leases.give_back(row)
        _refund(books, row)
        books.remove(row)


def _close(books: Books, retention: Retention, row: Row, outcome: Outcome, settled_at_us: int) -> None:
    row.expires_at_us = retention.expires_at_us(row, outcome)
    row.record = _settled(row.record, outcome, settled_at_us)
    row.is_final = True
    books.leases.give_back(row)
    if outcome.status in REFUNDED:
        _refund(books, row)
    books.change(row)


def _settled(record: CallRecord, outcome: Outcome, settled_at_us: int) -> CallRecord:
    # By hand: `dataclasses.replace` takes three times as long, on every call's path.
    return CallRecord(
        record.call_id,
        record.tenant,
        outcome,
        record.requested_at_us,
        settled_at_us,
        record.client_reference,
        record.caller_number,
        record.callee_number,
        record.subject,
        record.key,
    )


def _refund(books: Books, row: Row) -> None:
    for key, charge in charged_on(row, concurrent=False):
        counter = books.counter(key)
        if counter is not None:
            books.spend(key, refund(counter, row.record.requested_at_us, charge.unit_us, charge.refill))


__all__ = ["Retention", "recover", "resolve", "settle", "undo"]
