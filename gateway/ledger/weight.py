"""What a call of a bucket still weighs when it is given back late.

A bucket pays back at a steady rate, and is never emptier than empty. Without one call it would have been
empty sooner, and what is paid back to an empty bucket is lost: so a call weighs no more than the least that
was in the bucket at any time since. To know that of every call, all of them would have to be kept. A
bucket keeps a trace instead, one number from which a call is never taken to weigh more than it does:

    a moment, and how many calls at least every later call found in the bucket.

What was charged before the moment has paid back by itself up to it, and nothing since. Each refund takes
one call from under all that came later, so it spends one of the calls of the trace; once none is left
the moment is that of the last charge. The trace 0 says just that, which is true of every bucket.

What was paid back is lost once, however many calls are given back. So a refund moves the moment back to
its own call's charge: all that was paid back from there to the moment has been held back. Many calls that are
given back together then leave what they found, and after the last charge there is nothing to find.
"""

from typing import Final

_CALLS: Final = 2**20
_MOST_AGO_US: Final = 2**33 - 1
"""The two parts of a trace stay below 2^53 together, where a double is exact. A moment that is later
than the true one, and calls that are fewer, only give less back."""


def trace_after(trace: int, gap_us: int, used: int, unit_us: int, refill: int) -> int:
    """The trace after a charge that found `used` in the bucket, `gap_us` after the charge before it."""
    ago_us, calls = divmod(trace, _CALLS)
    found = used // unit_us
    if found == 0:
        # Less than a call was left: of the charge before this one just that much, so the moment is
        # where a whole call would have been paid back to it.
        ago_us, calls = max(0, gap_us + (used - unit_us) // refill), 1
    elif found >= 2 * calls:
        # The bucket filled up: from the last charge on the trace bears more refunds.
        ago_us, calls = gap_us, found
    else:
        ago_us, calls = ago_us + gap_us, min(calls, found)
    return min(ago_us, _MOST_AGO_US) * _CALLS + min(calls, _CALLS - 1)


def paying_us(trace: int, age_us: int) -> int:
    """For how long a call paid back by itself that was charged `age_us` before the last charge."""
    return max(0, age_us - trace // _CALLS)


def trace_without(trace: int, age_us: int) -> int:
    """The trace after one call was given back that was not the last, `age_us` before which it was charged."""
    ago_us, calls = divmod(trace, _CALLS)
    if calls == 1:
        return 0
    return min(max(ago_us, age_us), _MOST_AGO_US) * _CALLS + (calls or _CALLS) - 1


__all__ = ["paying_us", "trace_after", "trace_without"]
