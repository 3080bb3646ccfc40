"""Figures of several rounds, and ratios between them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured of one subject in one round."""

    cpu_us: float
    p50_ms: float
    p99_ms: float
    per_second: float


@dataclass(frozen=True)
class Spread:
    """The median of several rounds, with the least and the most."""

    median: float
    least: float
    most: float

    def text(self, digits: int = 0) -> str:
        """`median (least-most)`."""
        return f"{self.median:.{digits}f} ({self.least:.{digits}f}-{self.most:.{digits}f})"


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def ratio(ours: Sequence[Figure], theirs: Sequence[Figure]) -> Spread:
    """CPU a request, ours over theirs, round by round: what slows the machine in a round slows both."""
    pairs = zip(ours, theirs, strict=True)
    return spread([one.cpu_us / other.cpu_us for one, other in pairs])
