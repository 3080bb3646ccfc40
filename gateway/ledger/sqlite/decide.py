"""The decisions of the embedded ledger, inside one transaction: no clock, no thread, no file."""

from collections.abc import Sequence
from typing import Final

from gateway.call import IN_PROGRESS, CallRecord
from gateway.ledger import Admitted, Claim, Decision, Exceeded, Known, Limit, QuotaState, Refused
from gateway.ledger.charges import charges_of, write_charges
from gateway.ledger.quota import (
    Rule,
    Standing,
    charge,
    idle_at_us,
    rules_of,
    scope_key,
    stand,
    stand_in_slots,
    state_of,
    wait_seconds,
)
from gateway.ledger.sqlite.books import Books
from gateway.ledger.sqlite.leases import CounterKey
from gateway.ledger.sqlite.rows import Row
from gateway.values import value_class

_MOST_PLANS: Final = 16_384


@value_class(frozen=True, slots=True)
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
            plan = Plan(limits, rules_of(limits), write_charges(charges_of(limits)))
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[id(limits)] = plan
        return plan


def _stand(books: Books, rule: Rule, key: CounterKey, now_us: int) -> Standing:
    if rule.is_concurrent:
        return stand_in_slots(rule, books.leases.count(key, now_us), now_us)
    return stand(rule, books.counter(key), now_us)


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
            told.append(state_of(_stand(books, rule, (tenant, rule.limit.name, whose), now_us)))
    return tuple(told)


def admit(books: Books, claim: Claim, plan: Plan, keys: Sequence[CounterKey], now_us: int) -> Decision:
    """Decide one call: the key, the verdict handed in, all quotas; then charge and record it. `keys` are
    the plan's counters (`keys_of`)."""
    held = None if claim.key is None else books.find_by_key(claim.tenant, claim.key, now_us)
    row = held or books.repeated(claim.call_id, now_us)
    standings = [_stand(books, rule, key, now_us) for rule, key in zip(plan.rules, keys, strict=True)]
    violated = [standing for standing in standings if not standing.fits]
    if row is None and not claim.is_refused and not violated:
        return Admitted(_record(books, claim, plan, now_us), _take(books, claim, keys, standings, now_us))
    quotas = tuple([state_of(standing) for standing in standings])
    row = row or books.find(claim.call_id, now_us)  # whose insertion would have failed
    if row is not None:
        if row.record.call_id == claim.call_id and row.record.outcome is IN_PROGRESS:
            return Admitted(row.record, quotas)
        return Known(row.record, row.fingerprint == claim.fingerprint, quotas)
    if claim.is_refused:
        return Refused(quotas)
    names = tuple(standing.rule.limit.name for standing in violated)
    return Exceeded(names, max(wait_seconds(standing) for standing in violated), quotas)


def keys_of(plan: Plan, claim: Claim) -> list[CounterKey]:
    """Whose counter each of the plan's limits has."""
    tenant, subject, callee_number = claim.tenant, claim.subject, claim.callee_number
    return [
        (tenant, limit.name, scope_key(limit.scope, subject, callee_number) or "") for limit in plan.limits
    ]


def _take(
    books: Books, claim: Claim, keys: Sequence[CounterKey], standings: list[Standing], now_us: int
) -> tuple[QuotaState, ...]:
    quotas = []
    for key, standing in zip(keys, standings, strict=True):
        counter = charge(standing)
        if standing.rule.is_concurrent:
            books.leases.take(key, claim.call_id, now_us + claim.deadline_us)
        else:
            books.spend(key, counter, idle_at_us(standing, counter))
        quotas.append(state_of(standing, counter))
    return tuple(quotas)


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


__all__ = ["Plan", "Plans", "admit", "keys_of", "states"]
