"""The decisions of the embedded ledger, inside one transaction: no clock, no thread, no file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.call import IN_PROGRESS, CallRecord
from gateway.ledger import Admitted, Claim, Decision, Exceeded, Known, Limit, QuotaState, Refused
from gateway.ledger.quota import (
    Rule,
    Standing,
    charge,
    idle_at_us,
    lease_state,
    rules_of,
    scope_key,
    stand,
    state_of,
    wait_seconds,
)
from gateway.ledger.sqlite.books import Books
from gateway.ledger.sqlite.leases import CounterKey
from gateway.ledger.sqlite.rows import Row, write_charges

_MOST_PLANS: Final = 4096


@dataclass(frozen=True, slots=True)
class Plan:
    """A tenant's limits with everything worked out that does not depend on the call."""

    limits: Sequence[Limit]
    rules: tuple[Rule, ...]
    charges: str


class Plans:
    """A plan for each tuple of limits, told apart by identity: hashing limits costs more than planning."""

    def __init__(self) -> None:
        self._plans: dict[int, Plan] = {}

    def of(self, limits: Sequence[Limit]) -> Plan:
        """The plan of these limits."""
        plan = self._plans.get(id(limits))
        if plan is None or plan.limits is not limits:
            plan = Plan(limits, rules_of(limits), write_charges(limits))
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[id(limits)] = plan
        return plan


class _Seat(NamedTuple):
    """One rule as one asker meets it: the counter, and how it stands or how many slots are in use."""

    rule: Rule
    key: CounterKey
    standing: Standing | None
    in_use: int

    @property
    def fits(self) -> bool:
        """Whether one more call does."""
        return self.in_use < self.rule.capacity if self.standing is None else self.standing.fits

    @property
    def state(self) -> QuotaState:
        """As it is before the decision."""
        return lease_state(self.rule, self.in_use) if self.standing is None else state_of(self.standing)


def _seat(books: Books, rule: Rule, key: CounterKey, now_us: int) -> _Seat:
    if rule.is_concurrent:
        return _Seat(rule, key, None, books.leases.count(key, now_us))
    return _Seat(rule, key, stand(rule, books.counter(key), now_us), 0)


def _seats(books: Books, plan: Plan, claim: Claim, now_us: int) -> list[_Seat]:
    seats = []
    for rule in plan.rules:
        limit = rule.limit
        whose = scope_key(limit.scope, claim.subject, claim.callee_number) or ""
        seats.append(_seat(books, rule, (claim.tenant, limit.name, whose), now_us))
    return seats


def states(
    books: Books, plan: Plan, tenant: str, subject: str, callee_number: str | None, now_us: int
) -> tuple[QuotaState, ...]:
    """How the quotas stand for one asker; nothing is told of a callee's without a callee."""
    told = []
    for rule in plan.rules:
        whose = scope_key(rule.limit.scope, subject, callee_number)
        if whose is None:
            told.append(QuotaState(rule.limit, None, None, None))
        else:
            told.append(_seat(books, rule, (tenant, rule.limit.name, whose), now_us).state)
    return tuple(told)


def admit(books: Books, claim: Claim, plan: Plan, now_us: int) -> Decision:
    """Decide one call: the key, the verdict handed in, all quotas; then charge and record it."""
    held = None if claim.key is None else books.find_by_key(claim.tenant, claim.key, now_us)
    row = held or books.repeated(claim.call_id, now_us)
    seats = _seats(books, plan, claim, now_us)
    if row is not None:
        quotas = tuple(seat.state for seat in seats)
        if row.record.call_id == claim.call_id and row.record.outcome is IN_PROGRESS:
            return Admitted(row.record, quotas)
        return Known(row.record, row.fingerprint == claim.fingerprint, quotas)
    if claim.is_refused:
        return Refused(tuple(seat.state for seat in seats))
    if not all(seat.fits for seat in seats):
        return _exceeded(seats)
    record = _record(books, claim, plan, now_us)
    return Admitted(record, tuple(_take(books, seat, record, claim, now_us) for seat in seats))


def _exceeded(seats: list[_Seat]) -> Exceeded:
    violated = [seat for seat in seats if not seat.fits]
    return Exceeded(
        tuple(seat.rule.limit.name for seat in violated),
        # When a slot comes free nobody knows.
        max(1 if seat.standing is None else wait_seconds(seat.standing) for seat in violated),
        tuple(seat.state for seat in seats),
    )


def _take(books: Books, seat: _Seat, record: CallRecord, claim: Claim, now_us: int) -> QuotaState:
    if seat.standing is None:
        books.leases.take(seat.key, record.call_id, now_us + claim.deadline_us)
        return lease_state(seat.rule, seat.in_use + 1)
    counter = charge(seat.standing)
    books.spend(seat.key, counter, idle_at_us(seat.standing, counter))
    return state_of(seat.standing, counter)


def _record(books: Books, claim: Claim, plan: Plan, now_us: int) -> CallRecord:
    record = CallRecord(
        claim.call_id,
        claim.tenant,
        IN_PROGRESS,
        now_us,
        None,
        claim.client_reference,
        claim.caller_number,
        claim.callee_number,
        claim.subject,
        claim.key,
    )
    seq = books.next_seq(now_us)
    books.add(Row(seq, record, claim.fingerprint, plan.charges, now_us + claim.deadline_us))
    return record


__all__ = ["Plan", "Plans", "admit", "states"]
