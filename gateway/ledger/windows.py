"""Calendar windows: the days and months that quotas count by, in the tenant's time zone.

A window starts at the first instant of its local date. So days of 23 and 25 hours, dates whose
midnight does not exist (the clocks go forward at it) or comes twice, and dates that a zone leaves
out altogether all come out right: windows follow one another without a gap or an overlap.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from gateway.ledger import Per
from gateway.values import value_class

CALENDAR: Final = frozenset({Per.DAY, Per.MONTH})
"""What has windows here."""

_DAY_US: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = _EPOCH.toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_DAYS_AROUND: Final = range(-3, 5)
_MONTHS_AROUND: Final = range(-2, 4)


@value_class(frozen=True, slots=True)
class Window:
    """One local day or month, in microseconds since the epoch; `end_us` is the next one's start."""

    start_us: int
    end_us: int


def window_at(now_us: int, per: Per, zone: str) -> Window:
    """The window that `now_us` lies in. `per` is DAY or MONTH, `zone` an IANA name."""
    starts, windows = _around(now_us // _DAY_US, per is Per.DAY, zone)
    return windows[bisect_right(starts, now_us) - 1]


def boundaries_around(now_us: int, per: Per, zone: str) -> tuple[int, ...]:
    """Consecutive window starts around `now_us`, ascending: two or more each side.

    For an engine whose own clock picks the window: the table covers any clock within two days of
    `now_us`.
    """
    return _around(now_us // _DAY_US, per is Per.DAY, zone)[0]


# Worked out once a UTC day for each zone, because time zone arithmetic is slow.
@lru_cache(maxsize=4096)
def _around(utc_day: int, is_daily: bool, zone: str) -> tuple[tuple[int, ...], tuple[Window, ...]]:
    today = date.fromordinal(_EPOCH_ORDINAL + utc_day)
    tz = ZoneInfo(zone)
    if is_daily:
        dates = [today + timedelta(days=offset) for offset in _DAYS_AROUND]
    else:
        dates = [_month_start(today, offset) for offset in _MONTHS_AROUND]
    # A date that the zone leaves out starts where the next one does: a set drops its empty window.
    starts = tuple(sorted({_first_instant_us(day, tz) for day in dates}))
    return starts, tuple(Window(start_us, end_us) for start_us, end_us in pairwise(starts))


def _month_start(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _first_instant_us(day: date, tz: ZoneInfo) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=tz)
    # fold 0 is the earlier of two midnights; one that a change of clocks skips is taken with the
    # offset before the change, which is the change itself where that comes exactly at midnight.
    instant = midnight.astimezone(UTC)
    if (instant - _MICROSECOND).astimezone(tz).date() >= day:
        instant = _change_before(instant, day, tz)
    return (instant - _EPOCH) // _MICROSECOND


def _change_before(instant: datetime, day: date, tz: ZoneInfo) -> datetime:
    """The first second of `day` where a change of clocks skips from before midnight to after it."""
    low, high = int(instant.timestamp()) - 2 * 86_400, int(instant.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, tz).date() >= day:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


__all__ = ["CALENDAR", "Window", "boundaries_around", "window_at"]
