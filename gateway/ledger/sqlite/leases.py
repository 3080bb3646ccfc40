"""Who holds a slot of which concurrent quota; in memory, rebuilt from the records in progress."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.ledger.charges import Charge, read_charges
from gateway.ledger.quota import scope_key
from gateway.ledger.sqlite.rows import Row

CounterKey = tuple[str, str, str]
"""Tenant, quota name, and whose counter it is (`scope_key`)."""


def charged_on(row: Row, *, concurrent: bool) -> Iterator[tuple[CounterKey, Charge]]:
    """The counters that a call was charged on, of one kind."""
    record = row.record
    for charge in read_charges(row.charges):
        if charge.is_concurrent is concurrent:
            subject = scope_key(charge.scope, record.subject, record.callee_number)
            yield (record.tenant, charge.quota, subject or ""), charge


@dataclass(slots=True)
class _Slots:
    """One counter's leases: call ids and deadlines; none ends before `earliest_us`."""

    deadlines: dict[str, int] = field(default_factory=dict)
    earliest_us: int = 0


class Leases:
    """The slots in use. A lease ends with its call's settlement, or by itself past the deadline."""

    def __init__(self) -> None:
        self._slots: dict[CounterKey, _Slots] = {}

    def count(self, key: CounterKey, now_us: int) -> int:
        """How many calls hold a slot of that counter."""
        slots = self._slots.get(key)
        if slots is None:
            return 0
        if slots.earliest_us < now_us:
            slots.deadlines = {call: ends for call, ends in slots.deadlines.items() if ends >= now_us}
            slots.earliest_us = min(slots.deadlines.values(), default=now_us)
        return len(slots.deadlines)

    def take(self, key: CounterKey, call_id: str, deadline_at_us: int) -> None:
        """Give a call a slot until it is settled or past its deadline."""
        slots = self._slots.get(key)
        if slots is None:
            slots = self._slots[key] = _Slots()
        earliest_us = slots.earliest_us if slots.deadlines else deadline_at_us
        slots.earliest_us = min(earliest_us, deadline_at_us)
        slots.deadlines[call_id] = deadline_at_us

    def give_back(self, row: Row) -> None:
        """Free every slot of a call."""
        for key, _ in charged_on(row, concurrent=True):
            slots = self._slots.get(key)
            if slots is not None:
                slots.deadlines.pop(row.record.call_id, None)
                if not slots.deadlines:
                    del self._slots[key]

    def rebuild(self, rows: list[Row]) -> None:
        """Start again from the records in progress."""
        self._slots.clear()
        for row in rows:
            for key, _ in charged_on(row, concurrent=True):
                self.take(key, row.record.call_id, row.deadline_at_us)


__all__ = ["CounterKey", "Leases", "charged_on"]
