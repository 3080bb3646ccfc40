"""The arithmetic of quotas: pure, exact, in integers.

A counter says how much is used in units of its own: one call costs `unit_us`. For a token bucket
that is the refill period, so what `limit` calls a period pay back in some microseconds is exactly
those microseconds times `limit`; for a calendar window it is 1. A counter belongs to the quota's
name, not to its numbers, so it is read under whatever limit holds now: consumption in calls stays,
but a bucket is never emptier than empty.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.ledger import BUCKET_PERIOD_US, Limit, Per, QuotaState, Scope
from gateway.ledger.weight import paying_us, trace_after, trace_without
from gateway.ledger.windows import CALENDAR, Window, window_at
from gateway.values import value_class

SECOND_US: Final = 1_000_000


class Counter(NamedTuple):
    """What one asker used of one quota. A named tuple, because the hot path makes many.

    `used` counts in `unit_us` a call; `at_us` is when that was true (a bucket) or the last charge
    (a window); `since_us` is where the window began that `used` counts in. A bucket has its trace
    there (`gateway.ledger.weight`), which is for refunds alone.
    """

    used: int
    unit_us: int
    at_us: int
    since_us: int


@value_class(frozen=True, slots=True)
class Rule:
    """A limit with its numbers worked out: what a call costs, what fits, what a microsecond pays back."""

    limit: Limit
    unit_us: int
    capacity: int
    refill: int
    is_calendar: bool
    is_concurrent: bool


class Standing(NamedTuple):
    """A counter read at `now_us` under one rule; `window` where the rule has one. `gap_us` is how long
    ago a bucket's last charge was."""

    rule: Rule
    used: int
    at_us: int
    since_us: int
    now_us: int
    window: Window | None
    fits: bool
    gap_us: int = 0

    @property
    def counter(self) -> Counter:
        """The counter, as it is now."""
        return Counter(self.used, self.rule.unit_us, self.at_us, self.since_us)


def rule_of(limit: Limit) -> Rule:
    """The limit's numbers."""
    period_us = BUCKET_PERIOD_US.get(limit.per)
    return Rule(
        limit=limit,
        unit_us=period_us or 1,
        capacity=limit.size * (period_us or 1),
        refill=limit.limit if period_us else 0,
        is_calendar=limit.per in CALENDAR,
        is_concurrent=limit.per is Per.CONCURRENT,
    )


def stand(rule: Rule, counter: Counter | None, now_us: int) -> Standing:
    """Read a counter at `now_us`: a bucket refills, a new window starts from nothing.

    A clock that went back refills nothing and opens no earlier window. Not for concurrent rules.
    """
    if rule.is_calendar:
        return _stand_in_window(rule, counter, now_us)
    unit_us = rule.unit_us
    if counter is None:
        return Standing(rule, 0, now_us, 0, now_us, None, unit_us <= rule.capacity)
    used, counted_in_us, at_us, trace = counter
    if counted_in_us != unit_us:
        used, trace = _rescaled(used, counted_in_us, unit_us), 0
    if used > rule.capacity:
        used = rule.capacity
    gap_us = 0
    if now_us > at_us:
        gap_us = now_us - at_us
        used -= gap_us * rule.refill
        at_us = now_us
        if used < 0:
            used = 0
    return Standing(rule, used, at_us, trace, now_us, None, used + unit_us <= rule.capacity, gap_us)


def _stand_in_window(rule: Rule, counter: Counter | None, now_us: int) -> Standing:
    began_us = None if counter is None or counter.unit_us != 1 else counter.since_us
    at_us = now_us if began_us is None else max(now_us, began_us)
    window = window_at(at_us, rule.limit.per, rule.limit.time_zone)
    # The last charge decides, not the old window's start: so neither another time zone nor another
    # kind of quota gives back what was used since this window began.
    if counter is None or counter.at_us < window.start_us:
        return Standing(rule, 0, at_us, window.start_us, now_us, window, rule.capacity > 0)
    used, at_us = _rescaled(counter.used, counter.unit_us, 1), max(at_us, counter.at_us)
    # What a bucket counted is taken to have begun with the window: it knows of none.
    since_us = window.start_us if began_us is None else began_us
    return Standing(rule, used, at_us, since_us, now_us, window, used < rule.capacity)


def stand_in_slots(rule: Rule, in_use: int, now_us: int) -> Standing:
    """How a concurrent rule stands with `in_use` calls between admission and settlement."""
    return Standing(rule, in_use, now_us, 0, now_us, None, in_use < rule.capacity)


def _rescaled(used: int, counted_in_us: int, unit_us: int) -> int:
    """What is used, in calls of another unit: rounded up, so that no change of kind gives anything back."""
    return -(-used * unit_us // counted_in_us)


def charge(standing: Standing) -> Counter:
    """The counter after one more call."""
    rule, used, at_us, since_us = standing[:4]
    unit_us = rule.unit_us
    if unit_us != 1:
        since_us = trace_after(since_us, standing.gap_us, used, unit_us, rule.refill)
    return Counter(used + unit_us, unit_us, at_us, since_us)


def refund(counter: Counter, charged_at_us: int, unit_us: int, refill: int) -> Counter:
    """The counter after a call is given back that was charged at `charged_at_us`, under a rule of these
    numbers (of a record that has none: zeros).

    Nothing comes back of a window that is over, and of a bucket no more than the call still weighs. That
    needs no refill first: both only ever subtract, down to nothing.
    """
    used, counted_in_us, at_us, since_us = counter
    if counted_in_us == 1:
        return counter._replace(used=max(0, used - 1)) if charged_at_us >= since_us else counter
    age_us = at_us - charged_at_us
    paying = paying_us(since_us, age_us)
    # How fast it paid back in another unit, the counter does not tell: then it is taken to be paid back.
    paid = paying * refill if unit_us == counted_in_us else paying * counted_in_us
    if paid >= counted_in_us:
        return counter
    if age_us > 0:
        since_us = trace_without(since_us, age_us)
    return Counter(max(0, used - counted_in_us + paid), counted_in_us, at_us, since_us)


def wait_seconds(standing: Standing) -> int:
    """Whole seconds until one call fits, at least 1; when a slot comes free nobody knows: 1."""
    rule = standing.rule
    if rule.is_concurrent:
        return 1
    if standing.window is not None:
        wait_us = standing.window.end_us - standing.now_us
    else:
        missing = standing.used + rule.unit_us - rule.capacity
        wait_us = standing.at_us - standing.now_us - (-missing // rule.refill)
    return max(1, -(-wait_us // SECOND_US))


def idle_at_us(standing: Standing, counter: Counter) -> int:
    """From when on the (charged) counter says no more than a missing one would, in epoch microseconds."""
    if standing.window is not None:
        return standing.window.end_us
    return counter.at_us - (-counter.used // standing.rule.refill)


def state_of(standing: Standing, charged: Counter | None = None) -> QuotaState:
    """How the quota stands; `charged` where it has been since."""
    rule = standing.rule
    used = standing.used if charged is None else charged.used
    if rule.is_concurrent:
        return lease_state(rule, used)
    remaining = (rule.capacity - used) // rule.unit_us if used < rule.capacity else 0
    if standing.window is not None:
        reset_us = standing.window.end_us - standing.now_us
    elif used == 0:
        reset_us = 0
    else:
        missing = used + (remaining + 1) * rule.unit_us - rule.capacity
        reset_us = standing.at_us - standing.now_us - (-missing // rule.refill)
    return QuotaState(rule.limit, remaining, None, -(-reset_us // SECOND_US))


def lease_state(rule: Rule, in_use: int) -> QuotaState:
    """How a concurrent quota stands with `in_use` calls between admission and settlement."""
    return QuotaState(rule.limit, max(0, rule.capacity - in_use), in_use, None)


def scope_key(scope: Scope, subject: str, callee_number: str | None) -> str | None:
    """Whose counter of the tenant's quota it is; None for a callee's without a callee."""
    if scope is Scope.TENANT:
        return ""
    if scope is Scope.USER:
        return f"user:{subject}"
    return None if callee_number is None else f"callee:{callee_number}"


def rules_of(limits: Sequence[Limit]) -> tuple[Rule, ...]:
    """The rules of a tenant's limits, in their order."""
    return tuple(rule_of(limit) for limit in limits)


__all__ = [
    "Counter",
    "Rule",
    "Standing",
    "charge",
    "idle_at_us",
    "lease_state",
    "refund",
    "rule_of",
    "rules_of",
    "scope_key",
    "stand",
    "stand_in_slots",
    "state_of",
    "wait_seconds",
]
