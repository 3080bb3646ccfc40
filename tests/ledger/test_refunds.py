"""A refund that comes late gives back what the call still weighs: as if it had never been, never more."""

from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger import BUCKET_PERIOD_US, Limit, Per
from gateway.ledger.quota import Counter, charge, refund, rule_of, stand
from gateway.ledger.weight import paying_us, trace_after, trace_without
from tests.ledger.world import HOUR_US, MINUTE_US, SECOND_US

NOW_US = 1_773_000_000 * SECOND_US
CALLS = 2**20
MOST_AGO_US = 2**33 - 1

limits = st.builds(
    Limit,
    name=st.just("q"),
    limit=st.sampled_from([1, 2, 3, 7, 60, 1_000_000]),
    per=st.sampled_from(sorted(BUCKET_PERIOD_US)),
    burst=st.sampled_from([0, 1, 2, 5, 50]),
)
# In parts of the time in which one call is paid back, a step and then which call is refunded, if any.
steps = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 100, 300, 500, 900, 999, 1000, 1001, 2500, 20_000]),
        st.none() | st.integers(0, 5),
    ),
    max_size=40,
)


@dataclass
class Bucket:
    """The bucket under test, and all that was charged to it and not given back."""

    limit: Limit
    now_us: int = NOW_US
    counter: Counter | None = None
    charged: list[int] = field(default_factory=list)

    def wait(self, parts: int) -> None:
        self.now_us += parts * BUCKET_PERIOD_US[self.limit.per] // (1000 * self.limit.limit)

    def charge(self) -> bool:
        standing = stand(rule_of(self.limit), self.counter, self.now_us)
        if standing.fits:
            self.counter = charge(standing)
            self.charged.append(self.now_us)
        return standing.fits

    def refund(self, place: int) -> None:
        assert self.counter is not None
        rule = rule_of(self.limit)
        self.counter = refund(self.counter, self.charged.pop(place), rule.unit_us, rule.refill)

    @property
    def used(self) -> Fraction:
        """In calls."""
        rule = rule_of(self.limit)
        return Fraction(stand(rule, self.counter, self.now_us).used, rule.unit_us)

    @property
    def reference(self) -> Fraction:
        """The same of a bucket that never saw what was given back: the history, played again."""
        used, at_us = Fraction(0), NOW_US
        for moment_us in (*self.charged, self.now_us):
            paid = Fraction((moment_us - at_us) * self.limit.limit, BUCKET_PERIOD_US[self.limit.per])
            used, at_us = max(Fraction(0), used - paid) + 1, moment_us
        return used - 1


@given(limit=limits, steps=steps)
def test_refunds_are_never_more_generous_than_the_calls_never_having_been(limit, steps) -> None:
    """Late, out of order, many: the bucket holds no less than one that never saw those calls, and no more
    than without the refund."""
    bucket = Bucket(limit)
    for parts, place in steps:
        bucket.wait(parts)
        if place is None or place >= len(bucket.charged):
            bucket.charge()
        else:
            before = bucket.used
            bucket.refund(place)
            assert bucket.used <= before
        assert bucket.used >= bucket.reference


@given(limit=limits, parts=st.tuples(*[st.integers(0, 2500)] * 3), order=st.permutations(range(3)))
def test_refunds_of_three_calls_are_exact(limit, parts, order) -> None:
    """In whatever order the calls of a bucket that was empty are given back, to a microsecond's refill.
    Only where the third found less than a call, the first may weigh less: by what the second has let go."""
    bucket, rate = Bucket(limit), Fraction(limit.limit, BUCKET_PERIOD_US[limit.per])
    for part in parts[:2]:
        bucket.charge()
        bucket.wait(part)
    found = bucket.used
    bucket.charge()
    moments = list(bucket.charged)
    apart = 2 * rate
    if len(moments) == 3 and 0 < found < 1:
        apart += rate * (moments[1] - moments[0])
    bucket.wait(parts[2])
    for number in order:
        if number < len(moments):
            bucket.refund(bucket.charged.index(moments[number]))
            assert 0 <= bucket.used - bucket.reference <= apart, bucket


@given(
    size=st.integers(10, 60),
    gaps=st.lists(st.integers(0, 1500), max_size=40),
    places=st.lists(st.integers(0, 9), max_size=10),
)
def test_a_full_bucket_gives_back_whole_calls(size, gaps, places) -> None:
    """Where the bucket never ran low after a burst, what was taken while it filled up comes back whole
    however late, as often as half of what it held."""
    bucket = Bucket(Limit("q", 1, Per.SECOND, burst=size))
    while bucket.charge():
        pass
    least = Fraction(size)
    for gap in gaps:
        bucket.wait(gap)
        least = min(least, bucket.used)
        bucket.charge()
    for place in places[: int(min(least, size / 2)) // 2]:
        before = bucket.used
        bucket.refund(place % len(bucket.charged))
        assert bucket.used == before - 1 == bucket.reference


@pytest.mark.parametrize("gap_us", [0, 500, 5000])
@pytest.mark.parametrize(
    ("limit", "calls"),
    [
        (Limit("q", 20, Per.HOUR), 20),
        (Limit("q", 1, Per.HOUR, burst=10), 10),
        (Limit("q", 60, Per.MINUTE), 20),
        (Limit("q", 50, Per.SECOND), 20),
    ],
    ids=str,
)
def test_calls_that_are_given_back_together_leave_what_they_found(limit, calls, gap_us) -> None:
    """An upstream that refuses everything for a moment costs a tenant nothing, in the order of the calls."""
    bucket = Bucket(limit)
    for _ in range(calls):
        assert bucket.charge()
        bucket.now_us += gap_us
    for _ in range(calls):
        bucket.refund(0)
        bucket.now_us += gap_us
    assert bucket.used == 0


def test_a_late_refund_gives_nothing_back_of_what_is_paid_back() -> None:
    """One a second, three seconds late: the call at 2.8 s stays the only one of its second."""
    bucket = Bucket(Limit("q", 1, Per.SECOND))
    assert bucket.charge()
    bucket.wait(2800)
    assert bucket.charge()
    bucket.wait(200)
    bucket.refund(0)
    assert bucket.used == Fraction(8, 10)
    bucket.wait(799)
    assert not bucket.charge()
    bucket.wait(1)
    assert bucket.charge()


def test_a_refund_gives_back_the_part_that_a_call_still_weighs() -> None:
    """Two in one bucket: of the first, what was left when the second came; of the last, all of it."""
    for place, used in ((0, Fraction(1)), (1, Fraction(4, 10))):
        bucket = Bucket(Limit("q", 1, Per.SECOND, burst=3))
        bucket.charge()
        bucket.wait(600)
        bucket.charge()
        bucket.refund(place)
        assert bucket.used == used == bucket.reference


def test_a_call_of_another_kind_of_bucket_weighs_nothing_once_another_came() -> None:
    """Nobody knows how fast it paid back, nor of a call that an older gateway recorded."""
    rule = rule_of(Limit("q", 7, Per.MINUTE))
    counter = charge(stand(rule, charge(stand(rule, None, NOW_US)), NOW_US + 1))
    for unit_us, refill in ((SECOND_US, 7), (0, 0), (1, 0), (rule.unit_us - 1, 7), (rule.unit_us + 1, 7)):
        assert refund(counter, NOW_US, unit_us, refill) == counter
        assert refund(counter, NOW_US + 1, unit_us, refill) == counter._replace(
            used=counter.used - rule.unit_us
        )


def test_a_refund_spends_what_the_trace_bears() -> None:
    """One call for each that was not the last and weighed something; then the moment is the last charge."""
    rule = rule_of(Limit("q", 10, Per.SECOND, burst=9))
    full = Counter(8 * SECOND_US, SECOND_US, NOW_US, 500_000 * CALLS + 2)

    def weight(counter: Counter, ago_us: int) -> tuple[int, int]:
        after = refund(counter, NOW_US - ago_us, SECOND_US, rule.refill)
        assert (after.unit_us, after.at_us) == (SECOND_US, NOW_US)
        return counter.used - after.used, after.since_us

    assert weight(full, 0) == (SECOND_US, full.since_us)
    assert weight(full, 1) == (SECOND_US, full.since_us - 1)
    assert weight(full, 500_000) == (SECOND_US, full.since_us - 1)
    assert weight(full, 500_001) == (SECOND_US - 10, 500_001 * CALLS + 1)
    assert weight(full, 599_999) == (10, 599_999 * CALLS + 1)
    assert weight(full, 600_000) == (0, full.since_us)
    once = full._replace(since_us=full.since_us - 1)
    assert weight(once, 1) == (SECOND_US, 0)
    assert weight(once._replace(since_us=0), 1) == (SECOND_US - 10, 2 * CALLS - 1)


@pytest.mark.parametrize(
    ("trace", "gap_us", "used", "then"),
    [
        (0, 0, 0, 1),  # the first charge
        (0, 1, 4, 1),  # less than a call, and a gap too short for more to be paid back
        (0, 900, 4, (900 - 2) * CALLS + 1),  # 6 of 10 missing at 3 a microsecond: 2 of them
        (7 * CALLS + 4, 5, 9, 4 * CALLS + 1),  # 1 missing: one microsecond
        (0, 5, 10, 5 * CALLS + 1),
        (9 * CALLS + 1, 5, 19, 14 * CALLS + 1),
        (9 * CALLS + 1, 5, 20, 5 * CALLS + 2),  # twice as much
        (9 * CALLS + 4, 5, 79, 14 * CALLS + 4),
        (9 * CALLS + 4, 5, 80, 5 * CALLS + 8),
        (9 * CALLS + 4, 5, 39, 14 * CALLS + 3),
        (0, HOUR_US, 10, HOUR_US * CALLS + 1),
        ((MOST_AGO_US - 5) * CALLS + 1, 5, 10, MOST_AGO_US * CALLS + 1),
        ((MOST_AGO_US - 5) * CALLS + 1, 6, 10, MOST_AGO_US * CALLS + 1),
        (0, 5, 10 * (CALLS - 1), 6 * CALLS - 1),
        (0, 5, 10 * CALLS, 6 * CALLS - 1),
    ],
)
def test_a_trace_follows_the_charges(trace: int, gap_us: int, used: int, then: int) -> None:
    """Where a call costs 10 and a microsecond pays back 3."""
    assert trace_after(trace, gap_us, used, 10, 3) == then


def test_a_trace_tells_for_how_long_a_call_paid_back_by_itself() -> None:
    """Up to its moment and no longer; and it is spent call by call."""
    trace = 7 * CALLS + 2
    assert [paying_us(trace, age_us) for age_us in (-1, 0, 7, 8, MINUTE_US)] == [0, 0, 0, 1, MINUTE_US - 7]
    assert [trace_without(each, 1) for each in (trace, trace - 1, 0)] == [trace - 1, 0, 2 * CALLS - 1]
    ages_us = (6, 7, 8, MOST_AGO_US, MOST_AGO_US + 1)
    assert [trace_without(trace, age_us) for age_us in ages_us] == [
        ago_us * CALLS + 1 for ago_us in (7, 7, 8, MOST_AGO_US, MOST_AGO_US)
    ]
