"""Calendar windows follow the tenant's own midnights."""

import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.ledger import Per
from gateway.ledger.windows import _change_before, boundaries_around, window_at

SECOND_US = 1_000_000
HOUR = 3600
ZONES = (
    "UTC",
    "Europe/Kyiv",
    "America/New_York",
    "America/Havana",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Nuuk",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Kiritimati",
)


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND_US


def utc(*moment: int) -> int:
    return us(datetime(*moment, tzinfo=UTC))


def hours_of_day(zone: str, *noon: int) -> float:
    window = window_at(us(datetime(*noon, 12, tzinfo=ZoneInfo(zone))), Per.DAY, zone)
    return (window.end_us - window.start_us) / SECOND_US / HOUR


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Kyiv", (2026, 3, 29), 23),
        ("Europe/Kyiv", (2026, 10, 25), 25),
        ("Europe/Kyiv", (2026, 7, 1), 24),
        ("America/New_York", (2026, 3, 8), 23),
        ("America/New_York", (2026, 11, 1), 25),
        ("Asia/Beirut", (2024, 3, 31), 23),
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),
        ("America/Havana", (2026, 11, 1), 25),
        ("America/Havana", (2026, 3, 8), 23),
    ],
)
def test_days_are_as_long_as_the_clocks_make_them(zone: str, day: tuple[int, int, int], hours: float) -> None:
    """A day has 23 or 25 hours (or 24.5) where the clocks change, also where they change at midnight."""
    assert hours_of_day(zone, *day) == hours


def test_a_missing_midnight_starts_the_day_where_the_clocks_land() -> None:
    """In Beirut the day of the change begins at 01:00, the instant after 23:59:59."""
    window = window_at(utc(2024, 3, 31, 9), Per.DAY, "Asia/Beirut")
    assert window.start_us == utc(2024, 3, 30, 22)
    local = datetime.fromtimestamp(window.start_us // SECOND_US, ZoneInfo("Asia/Beirut"))
    assert (local.day, local.hour) == (31, 1)


def test_a_date_that_the_zone_left_out_has_no_window() -> None:
    """Samoa had no 30 December 2011: the 29th ends where the 31st begins."""
    before = window_at(utc(2011, 12, 30, 9, 59), Per.DAY, "Pacific/Apia")
    after = window_at(utc(2011, 12, 30, 10), Per.DAY, "Pacific/Apia")
    assert before.end_us == after.start_us == utc(2011, 12, 30, 10)
    assert after.end_us - after.start_us == before.end_us - before.start_us == 24 * HOUR * SECOND_US


def test_a_change_across_midnight_starts_the_day_early() -> None:
    """In Toronto in 1919 the clocks went from 23:30 to 00:30: the new day began at that instant."""
    window = window_at(utc(1919, 3, 31, 12), Per.DAY, "America/Toronto")
    assert window.start_us == utc(1919, 3, 31, 4, 30)
    assert window_at(window.start_us - 1, Per.DAY, "America/Toronto").end_us == window.start_us


class SkipsMidnight(tzinfo):
    """A zone an hour ahead of UTC from that moment on. The real ones have one such change (Toronto's)."""

    def __init__(self, since: datetime) -> None:
        self.since = since

    def fromutc(self, moment: datetime) -> datetime:
        return moment + timedelta(hours=moment.replace(tzinfo=UTC) >= self.since)


@given(seconds=st.integers(0, 3599))
def test_a_change_across_midnight_is_found_to_the_second(seconds: int) -> None:
    """Whenever in the last hour of a day the clocks skip to the next one."""
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    since = midnight - timedelta(seconds=3600 - seconds)
    assert _change_before(midnight, date(2026, 3, 2), SkipsMidnight(since)) == since


@pytest.mark.parametrize("machine", ["Pacific/Honolulu", "Asia/Tokyo"])
def test_the_machines_own_zone_plays_no_part(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same change across midnight, on a machine that lives far to the west or to the east of it. (Under
    another name of the zone each, so that the window is worked out and not remembered.)"""
    zone = {"Pacific/Honolulu": "America/Montreal", "Asia/Tokyo": "Canada/Eastern"}[machine]
    with monkeypatch.context() as patch:
        patch.setenv("TZ", machine)
        time.tzset()
        window = window_at(utc(1919, 3, 31, 12), Per.DAY, zone)
    time.tzset()
    assert window.start_us == utc(1919, 3, 31, 4, 30)


def test_a_month_starts_on_the_first_in_its_zone() -> None:
    """New York's October 2026 ends in summer time, its November in winter time."""
    window = window_at(utc(2026, 11, 1, 3, 59), Per.MONTH, "America/New_York")
    assert (window.start_us, window.end_us) == (utc(2026, 10, 1, 4), utc(2026, 11, 1, 4))
    assert window_at(utc(2026, 11, 1, 4), Per.MONTH, "America/New_York").end_us == utc(2026, 12, 1, 5)
    assert window_at(utc(2027, 1, 1), Per.MONTH, "UTC").end_us == utc(2027, 2, 1)


moments = st.integers(utc(1975, 1, 1), utc(2099, 1, 1))


@given(now_us=moments, zone=st.sampled_from(ZONES), per=st.sampled_from([Per.DAY, Per.MONTH]))
@example(now_us=utc(2011, 12, 30, 10), zone="Pacific/Apia", per=Per.DAY)
@example(now_us=utc(1993, 8, 21, 13), zone="Pacific/Kwajalein", per=Per.DAY)
@example(now_us=utc(2006, 10, 29, 2, 45), zone="America/St_Johns", per=Per.DAY)
@example(now_us=utc(2024, 3, 31), zone="America/Nuuk", per=Per.DAY)
def test_a_window_holds_its_moment_and_its_dates(now_us: int, zone: str, per: Per) -> None:
    """Every moment lies in its window, windows adjoin, and each begins exactly where a new date does."""
    window = window_at(now_us, per, zone)
    assert window.start_us <= now_us < window.end_us
    assert window_at(window.end_us, per, zone).start_us == window.end_us
    assert window_at(window.start_us - 1, per, zone).end_us == window.start_us

    def local(moment_us: int) -> date:
        return (
            (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment_us))
            .astimezone(ZoneInfo(zone))
            .date()
        )

    first, last, before = local(window.start_us), local(window.end_us - 1), local(window.start_us - 1)
    assert before < first
    if per is Per.DAY:
        assert first == last
    else:
        assert (first.day, first.year, first.month) == (1, last.year, last.month)


@given(now_us=moments, zone=st.sampled_from(ZONES), per=st.sampled_from([Per.DAY, Per.MONTH]))
def test_the_table_serves_a_clock_that_differs(now_us: int, zone: str, per: Per) -> None:
    """`boundaries_around` ascends and holds the windows of any clock within two days."""
    table = boundaries_around(now_us, per, zone)
    assert list(table) == sorted(set(table))
    for hours in (-48, -7, 0, 7, 48):
        window = window_at(now_us + hours * HOUR * SECOND_US, per, zone)
        assert window.start_us in table
        assert window.end_us in table
