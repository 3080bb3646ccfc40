"""Many rows in few statements."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

_MOST_IN_ONE: Final = 64

Value = str | int | bytes | None


def in_chunks(rows: Sequence[tuple[Value, ...]]) -> Iterator[tuple[list[Value], int]]:
    """The rows' values in powers of two: each statement lets other threads in once, which costs more
    than the writing where the event loop is busy, and a few sizes are all that is ever prepared."""
    start = 0
    while start < len(rows):
        count = min(_MOST_IN_ONE, 1 << ((len(rows) - start).bit_length() - 1))
        yield list(chain.from_iterable(rows[start : start + count])), count
        start += count


__all__ = ["Value", "in_chunks"]
