"""A tenant's limits as the scripts take them, and the scripts' counters as the quota states they mean.

The scripts decide and write; what is told of it is worked out here, from the counters they give
back and the same arithmetic as every engine's.
"""

from collections.abc import Sequence
from typing import Final

from gateway.ledger import Limit, QuotaState
from gateway.ledger.charges import Charge, charges_of, write_charges
from gateway.ledger.quota import (
    Counter,
    Rule,
    lease_state,
    rules_of,
    stand,
    state_of,
    wait_seconds,
)
from gateway.ledger.redis.resp import bulk
from gateway.ledger.windows import window_at
from gateway.values import value_class

_MOST_PLANS: Final = 16_384
_MOST_EXACT: Final = 2**53
"""Up to here a script's numbers, doubles, are exact integers."""


@value_class(frozen=True, slots=True)
class Plan:
    """A tenant's limits, with everything worked out that does not depend on the call."""

    limits: Sequence[Limit]
    rules: tuple[Rule, ...]
    charges: tuple[Charge, ...]
    written_charges: str
    fixed: tuple[bytes | None, ...]

    def arguments(self, moments_us: Sequence[int]) -> bytes:
        """What admit.lua takes per limit, with the windows that hold those moments."""
        return b"".join(
            [
                _window(rule, moment_us) if fixed is None else fixed
                for rule, fixed, moment_us in zip(self.rules, self.fixed, moments_us, strict=True)
            ]
        )

    @property
    def kinds(self) -> tuple[bytes, ...]:
        """What peek.lua takes per limit."""
        return tuple(b"c" if rule.is_concurrent else b"k" for rule in self.rules)


def _window(rule: Rule, moment_us: int) -> bytes:
    window = window_at(moment_us, rule.limit.per, rule.limit.time_zone)
    return bulk((b"w", b"%d" % rule.capacity, b"%d" % window.start_us, b"%d" % window.end_us))


def _fixed(rule: Rule) -> bytes | None:
    """The words of a limit that no clock changes; None for a calendar's."""
    if rule.capacity + rule.unit_us >= _MOST_EXACT:
        raise ValueError(f"the quota {rule.limit.name} counts further than a script can")
    if rule.is_calendar:
        return None
    if rule.is_concurrent:
        return bulk((b"c", b"%d" % rule.capacity, b"0", b"0"))
    return bulk((b"b", b"%d" % rule.unit_us, b"%d" % rule.capacity, b"%d" % rule.refill))


class Plans:
    """A plan for each tuple of limits, told apart by identity: hashing limits costs more than planning."""

    def __init__(self) -> None:
        """Starts empty."""
        self._plans: dict[int, Plan] = {}

    def of(self, limits: Sequence[Limit]) -> Plan:
        """The plan of these limits. Raises ValueError where a number is too large to be exact."""
        plan = self._plans.get(id(limits))
        if plan is None or plan.limits is not limits:
            rules = rules_of(limits)
            charges = charges_of(limits)
            fixed = tuple(_fixed(rule) for rule in rules)
            plan = Plan(limits, rules, charges, write_charges(charges), fixed)
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[id(limits)] = plan
        return plan


def told(rules: Sequence[Rule], raws: Sequence[object], now_us: int) -> tuple[QuotaState, ...]:
    """The states that the scripts' counters and slots in use mean."""
    return tuple([_told(rule, raw, now_us) for rule, raw in zip(rules, raws, strict=True)])


def _told(rule: Rule, raw: object, now_us: int) -> QuotaState:
    if rule.is_concurrent:
        return lease_state(rule, raw if isinstance(raw, int) else 0)
    return state_of(stand(rule, _counter(raw), now_us))


def longest_wait_seconds(rules: Sequence[Rule], raws: Sequence[object], exceeded: bytes, now_us: int) -> int:
    """How long until the last of the exceeded limits has a unit left; 1 for a slot, nobody knows."""
    return max(
        1 if rule.is_concurrent else wait_seconds(stand(rule, _counter(raw), now_us))
        for rule, raw, flag in zip(rules, raws, exceeded, strict=True)
        if flag == ord("1")
    )


def _counter(raw: object) -> Counter | None:
    if not isinstance(raw, bytes) or not raw:
        return None
    return Counter(*map(int, raw.split(b" ")))


__all__ = ["Plan", "Plans", "longest_wait_seconds", "told"]
