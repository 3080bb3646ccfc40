"""What the scripts are told of a tenant's limits, and what their counters are taken to mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.ledger import BUCKET_PERIOD_US, Limit, Per, QuotaState, Scope
from gateway.ledger.charges import Charge
from gateway.ledger.quota import (
    Counter,
    charge,
    idle_at_us,
    rules_of,
    stand,
    stand_in_slots,
    state_of,
    wait_seconds,
)
from gateway.ledger.redis.plan import Plans, longest_wait_seconds, told
from gateway.ledger.windows import window_at
from gateway.settings.rules import MOST_OF_A_BUCKET
from gateway.settings.tenants import Quota
from tests.ledger.world import DAY_US, SECOND_US

NOW_US = 1_773_000_000 * SECOND_US
FAR_US = 4_102_444_800 * SECOND_US  # the year 2100
MOST = 2_147_483_647
"""The largest `limit` of a window or of concurrent calls that the configuration takes."""
BUCKET = Limit("burst", 5, Per.MINUTE, burst=9)
DAILY = Limit("daily", 7, Per.DAY, scope=Scope.USER, time_zone="Europe/Kyiv")
SLOTS = Limit("slots", 3, Per.CONCURRENT, scope=Scope.CALLEE)
ALL = (BUCKET, DAILY, SLOTS)
MINUTE_US = 60 * SECOND_US


def words(*texts: object) -> bytes:
    return b"".join(b"$%d\r\n%b\r\n" % (len(str(text)), str(text).encode()) for text in texts)


def test_the_scripts_are_told_each_limit_in_its_own_words() -> None:
    """A bucket's price, size and refill; a window's size and ends, at the moment told; a slot's number."""
    plan = Plans().of(ALL)
    for moment_us in (NOW_US, NOW_US + 3 * DAY_US):
        day = window_at(moment_us, Per.DAY, "Europe/Kyiv")
        assert plan.arguments((NOW_US, moment_us, NOW_US)) == (
            words("b", MINUTE_US, 9 * MINUTE_US, 5)
            + words("w", 7, day.start_us, day.end_us)
            + words("c", 3, 0, 0)
        )
    assert plan.kinds == (b"k", b"k", b"c")
    assert plan.limits is ALL
    assert plan.rules == rules_of(ALL)
    assert plan.charges == (
        Charge("burst", Scope.TENANT, False, MINUTE_US, 5),
        Charge("daily", Scope.USER, False, 1, 0),
        Charge("slots", Scope.CALLEE, True, 1, 0),
    )
    assert plan.written_charges == (
        '[["burst","tenant",false,60000000,5],["daily","user",false,1,0],["slots","callee",true,1,0]]'
    )


@pytest.mark.parametrize("moments", [(), (NOW_US,), (NOW_US,) * 4])
def test_a_moment_is_told_for_each_limit(moments: tuple[int, ...]) -> None:
    """Neither fewer nor more."""
    with pytest.raises(ValueError, match="argument"):
        Plans().of(ALL).arguments(moments)


@pytest.mark.parametrize("per", [Per.HOUR, Per.DAY])
def test_a_limit_that_a_double_can_not_count_is_refused(per: Per) -> None:
    """2^53 units, one call included, are one too many, and the fault names the quota."""
    unit = 3600 * SECOND_US if per is Per.HOUR else 1
    most = (2**53 - 1) // unit - 1
    assert Plans().of((Limit("q", most, per),)).rules[0].capacity == most * unit
    with pytest.raises(ValueError, match=r"^the quota vast counts further than a script can$"):
        Plans().of((Limit("vast", most + 1, per),))


@pytest.mark.parametrize("per", Per)
@pytest.mark.parametrize("is_large", [False, True])
def test_the_largest_quota_of_a_configuration_is_counted_exactly(per: Per, is_large: bool) -> None:
    """Whatever its kind and burst: its units and the moment when it is idle again stay below 2^53, where
    a script's numbers are exact; SQLite and Python count further."""
    burst, most = (MOST_OF_A_BUCKET, MOST_OF_A_BUCKET) if per in BUCKET_PERIOD_US else (0, MOST)
    with pytest.raises(ValidationError):
        Quota.model_validate({"name": "q", "limit": MOST + 1, "per": per.value})
    with pytest.raises(ValidationError):
        Quota.model_validate({"name": "q", "limit": 1, "per": per.value, "burst": MOST_OF_A_BUCKET + 1})
    (rule,) = Plans().of((Limit("q", most if is_large else 1, per, burst=burst),)).rules
    full = stand_in_slots(rule, rule.capacity, FAR_US)
    if per is not Per.CONCURRENT:
        full = stand(rule, Counter(rule.capacity, rule.unit_us, FAR_US, 0), FAR_US)
        assert idle_at_us(full, charge(full)) < 2**53
    assert not full.fits
    assert charge(full).used == rule.capacity + rule.unit_us < 2**53


def test_a_plan_is_made_once_for_each_tuple_of_limits() -> None:
    """Told apart by identity, whatever an id is used for later."""
    plans, first = Plans(), Plans().of(ALL)
    assert plans.of(ALL) is plans.of(ALL)
    assert plans.of(ALL) is not first
    for n in range(5_000):
        limits = (Limit(f"q-{n}", 1, Per.DAY),)
        assert plans.of(limits).limits is limits


def test_plans_are_not_kept_without_end() -> None:
    """16_384 of them at most."""
    plans = Plans()
    kept = [(Limit("q", n + 1, Per.DAY),) for n in range(16_385)]
    made = [plans.of(limits) for limits in kept[:16_384]]
    assert all(plans.of(limits) is plan for limits, plan in zip(kept, made, strict=False))
    plans.of(kept[16_384])
    assert plans.of(kept[0]) is not made[0]


@given(used=st.integers(0, 20), ago_us=st.integers(0, 200_000_000), in_use=st.integers(0, 9))
def test_counters_mean_what_the_arithmetic_says(used: int, ago_us: int, in_use: int) -> None:
    """The states and the wait are those of the same counters read by the engine-free rules."""
    rules = rules_of(ALL)
    spent = min(used * MINUTE_US, 9 * MINUTE_US)
    day = window_at(NOW_US, Per.DAY, "Europe/Kyiv")
    counters = (Counter(spent, MINUTE_US, NOW_US - ago_us, 0), Counter(used, 1, NOW_US, day.start_us))
    raws = (*(b"%d %d %d %d" % counter for counter in counters), in_use)
    standings = [stand(rule, counter, NOW_US) for rule, counter in zip(rules[:2], counters, strict=True)]
    assert told(rules, raws, NOW_US) == (
        *(state_of(standing) for standing in standings),
        QuotaState(SLOTS, max(0, 3 - in_use), in_use, None),
    )
    waits = [*(wait_seconds(standing) for standing in standings), 1]
    for flags in (b"100", b"010", b"001", b"111", b"101"):
        expected = max(wait for wait, flag in zip(waits, flags, strict=True) if flag == ord("1"))
        assert longest_wait_seconds(rules, raws, flags, NOW_US) == expected


@pytest.mark.parametrize("nothing", [b"", None, 7])
def test_no_counter_means_that_nothing_is_used(nothing: object) -> None:
    """Where a key is missing, and where the reply is no counter at all."""
    rules = rules_of((BUCKET, DAILY, SLOTS))
    fresh = tuple(state_of(stand(rule, None, NOW_US)) for rule in rules[:2])
    assert told(rules, (nothing, nothing, nothing if nothing == 7 else b""), NOW_US)[:2] == fresh
    assert told(rules[2:], (b"",), NOW_US) == (QuotaState(SLOTS, 3, 0, None),)


def test_the_wait_of_a_full_day_is_to_its_end() -> None:
    """Across the engines' port: a window's wait, in whole seconds, rounded up."""
    (rule,) = rules_of((DAILY,))
    day = window_at(NOW_US, Per.DAY, "Europe/Kyiv")
    counter = Counter(6, 1, NOW_US, day.start_us)
    raw = b"%d %d %d %d" % charge(stand(rule, counter, NOW_US))
    assert longest_wait_seconds((rule,), (raw,), b"1", NOW_US) == -(-(day.end_us - NOW_US) // SECOND_US)
    with pytest.raises(ValueError, match="argument"):
        told((rule,), (raw, raw), NOW_US)
    with pytest.raises(ValueError, match="argument"):
        longest_wait_seconds((rule,), (raw,), b"11", NOW_US)
