"""The arithmetic of quotas is exact, and never gives anything away."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger import BUCKET_PERIOD_US, Limit, Per, Scope
from gateway.ledger.quota import (
    Counter,
    charge,
    idle_at_us,
    refund,
    rule_of,
    scope_key,
    stand,
    state_of,
    wait_seconds,
)
from tests.ledger.world import DAY_US, SECOND_US

NOW_US = 1_773_000_000 * SECOND_US
BUCKETS = sorted(BUCKET_PERIOD_US)

limits = st.builds(
    Limit,
    name=st.just("q"),
    limit=st.integers(1, 1_000_000),
    per=st.sampled_from(BUCKETS),
    burst=st.integers(0, 1_000_000),
)


@given(limit=limits, gaps_us=st.lists(st.integers(0, 7_200_000_000), max_size=30))
def test_a_bucket_counts_like_exact_fractions(limit: Limit, gaps_us: list[int]) -> None:
    """Whatever the moments of asking, a bucket admits exactly what fractions of calls would."""
    rule, counter, now_us, used = rule_of(limit), None, NOW_US, Fraction(0)
    for gap_us in gaps_us:
        now_us += gap_us
        used = max(Fraction(0), used - Fraction(gap_us * limit.limit, BUCKET_PERIOD_US[limit.per]))
        standing = stand(rule, counter, now_us)
        assert standing.fits == (used + 1 <= limit.size)
        assert state_of(standing).remaining == int(limit.size - used)
        if standing.fits:
            counter = charge(standing)
            used += 1


@given(limit=limits, taken=st.integers(0, 50), ago_us=st.integers(0, 100_000_000))
def test_the_wait_told_is_the_wait_needed(limit: Limit, taken: int, ago_us: int) -> None:
    """After the seconds told one more unit is there; a whole second earlier it is not."""
    rule = rule_of(limit)
    used = min(taken * rule.unit_us, rule.capacity)
    standing = stand(rule, Counter(used, rule.unit_us, NOW_US - ago_us, 0), NOW_US)
    state = state_of(standing)
    assert state.remaining is not None
    assert state.reset_seconds is not None
    if state.reset_seconds:
        sooner = stand(rule, standing.counter, NOW_US + (state.reset_seconds - 1) * SECOND_US)
        later = stand(rule, standing.counter, NOW_US + state.reset_seconds * SECOND_US)
        assert state_of(sooner).remaining == state.remaining
        assert (state_of(later).remaining or 0) > state.remaining
    else:
        assert state.remaining == limit.size
    if not standing.fits:
        assert wait_seconds(standing) == state.reset_seconds


@given(limit=limits, taken=st.integers(0, 20), back_us=st.integers(0, DAY_US))
def test_a_clock_that_goes_back_refills_nothing(limit: Limit, taken: int, back_us: int) -> None:
    """A counter from the future is as used as it was, and the wait grows by the difference."""
    rule = rule_of(limit)
    counter = Counter(min(taken * rule.unit_us, rule.capacity), rule.unit_us, NOW_US, 0)
    now, back = stand(rule, counter, NOW_US), stand(rule, counter, NOW_US - back_us)
    assert back.counter == now.counter
    if not now.fits:
        assert wait_seconds(back) >= wait_seconds(now)


def test_a_window_from_the_future_is_waited_out() -> None:
    """A clock that went back a day is told to wait for the end of the window that the charge was in."""
    rule = rule_of(Limit("q", 1, Per.DAY))
    counter = charge(stand(rule, None, NOW_US))
    back = stand(rule, counter, NOW_US - DAY_US)
    assert not back.fits
    assert wait_seconds(back) == wait_seconds(stand(rule, counter, NOW_US)) + 86_400
    assert state_of(back).reset_seconds == wait_seconds(back)


@pytest.mark.parametrize("first", BUCKETS)
@pytest.mark.parametrize("then", [*BUCKETS, Per.DAY])
def test_consumption_in_calls_survives_another_period(first: Per, then: Per) -> None:
    """Three calls stay three calls, rounded up where a part is paid back already."""
    old, new = rule_of(Limit("q", 9, first)), rule_of(Limit("q", 9, then))
    counter = Counter(3 * old.unit_us, old.unit_us, NOW_US, 0)
    assert stand(new, counter, NOW_US).counter.used == 3 * new.unit_us
    part = Counter(3 * old.unit_us - 1, old.unit_us, NOW_US, 0)
    assert 3 * new.unit_us - max(1, new.unit_us // old.unit_us) <= stand(new, part, NOW_US).counter.used
    assert stand(new, part, NOW_US).counter.used <= 3 * new.unit_us


@given(used=st.integers(0, 10**15), first=st.sampled_from(BUCKETS), then=st.sampled_from(BUCKETS))
def test_a_change_of_period_rounds_up_exactly(used: int, first: Per, then: Per) -> None:
    """However much is used, the new unit's count is the exact fraction's ceiling: nothing is given back."""
    old, new = rule_of(Limit("q", 1_000_000, first)), rule_of(Limit("q", 1_000_000, then))
    expected = ceil(Fraction(used * new.unit_us, old.unit_us))
    found = stand(new, Counter(used, old.unit_us, NOW_US, 0), NOW_US).counter.used
    assert found == min(expected, new.capacity)
    if first is not then:
        day = rule_of(Limit("q", 1_000_000, Per.DAY))
        calls = stand(day, Counter(used, old.unit_us, NOW_US, 0), NOW_US).counter.used
        assert calls == ceil(Fraction(used, old.unit_us))


def test_a_counter_is_idle_no_sooner_than_it_is_empty() -> None:
    """A purged counter gives nothing back: up to its idle moment something is used, from then on nothing."""
    for limit in (Limit("q", 7, Per.MINUTE), Limit("q", 3, Per.DAY, time_zone="Europe/Kyiv")):
        rule = rule_of(limit)
        standing = stand(rule, None, NOW_US)
        counter = charge(standing)
        idle_us = idle_at_us(standing, counter)
        assert stand(rule, counter, idle_us - 1).counter.used > 0
        assert stand(rule, counter, idle_us).counter.used == 0


def test_a_refund_never_goes_below_nothing() -> None:
    """Refunding an empty counter, or one of a later window, changes nothing."""
    assert refund(Counter(0, 60, NOW_US, 0), NOW_US, 60, 1).used == 0
    assert refund(Counter(59, 60, NOW_US, 0), NOW_US, 60, 1).used == 0
    assert refund(Counter(0, 1, NOW_US, 0), NOW_US, 1, 0).used == 0
    today = Counter(2, 1, NOW_US, NOW_US - 5)
    assert refund(today, NOW_US - 6, 1, 0) == today
    assert refund(today, NOW_US - 5, 1, 0) == today._replace(used=1)


def test_the_wait_of_a_whole_month_is_told_to_the_second() -> None:
    """From its first instant to the next month's: 31 days."""
    rule = rule_of(Limit("q", 1, Per.MONTH))
    start_us = 1_772_323_200 * SECOND_US  # 1 March 2026, UTC
    full = stand(rule, charge(stand(rule, None, start_us)), start_us)
    assert wait_seconds(full) == state_of(full).reset_seconds == 31 * 86_400


def test_every_figure_is_a_whole_number() -> None:
    """Of a third of a minute, too: they are stored and printed as they are."""
    rule = rule_of(Limit("q", 7, Per.MINUTE))
    full = stand(rule, Counter(rule.capacity, rule.unit_us, NOW_US, 0), NOW_US)
    state = state_of(full)
    figures = [wait_seconds(full), state.reset_seconds, state.remaining, idle_at_us(full, full.counter)]
    figures += stand(rule_of(Limit("q", 7, Per.DAY)), Counter(7, 60, NOW_US, 0), NOW_US).counter
    assert [type(figure) for figure in figures] == [int] * 8


def test_a_bucket_has_no_window() -> None:
    """Whoever counts on by the day takes what a bucket used to be of this day, whatever its trace says."""
    minute, day = rule_of(Limit("q", 7, Per.MINUTE)), rule_of(Limit("q", 7, Per.DAY))
    assert stand(minute, None, NOW_US).since_us == 0
    counter = charge(stand(minute, None, NOW_US))
    for trace in (0, 1, 2**53 - 1):
        found = stand(day, counter._replace(since_us=trace), NOW_US + SECOND_US)
        assert found.window is not None
        assert (found.since_us, found.at_us) == (found.window.start_us, NOW_US + SECOND_US)


def test_the_first_instant_of_a_window_is_in_it() -> None:
    """A call of that microsecond counts against the day that begins with it, not the one before."""
    rule = rule_of(Limit("q", 1, Per.DAY))
    midnight_us = NOW_US // DAY_US * DAY_US
    counter = charge(stand(rule, None, midnight_us))
    assert not stand(rule, counter, midnight_us).fits
    assert not stand(rule, counter, midnight_us + DAY_US - 1).fits
    assert stand(rule, counter, midnight_us + DAY_US).fits


def test_a_limit_below_what_is_used_leaves_nothing() -> None:
    """Nothing, not less than nothing; nor does a limit of none let one through."""
    lowered = stand(rule_of(Limit("q", 2, Per.DAY)), Counter(5, 1, NOW_US, NOW_US), NOW_US)
    assert (lowered.fits, state_of(lowered).remaining) == (False, 0)
    assert not stand(rule_of(Limit("q", 0, Per.DAY)), None, NOW_US).fits


def test_a_counter_of_the_whole_tenant_has_the_empty_key() -> None:
    """It is stored: under another key all that is used would be forgotten."""
    assert scope_key(Scope.TENANT, "anna", "2125551234") == ""
    assert scope_key(Scope.USER, "anna", "2125551234") == "user:anna"
    assert scope_key(Scope.CALLEE, "anna", "2125551234") == "callee:2125551234"
    assert scope_key(Scope.CALLEE, "anna", None) is None
