"""Whether what a process holds stays flat, and the table that says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.soak.samples import Sample

MEMORY_MIB = 6.0
"""What the median may grow by from the second quarter to the last: of a run of ten minutes at 100 requests
a second, some 200 bytes a request."""
HELD = 12
"""By how many descriptors, threads or tasks the medians of busy quarters may differ."""
LEFT = 2
"""By how many the two lulls may differ, in which nothing is under way."""


@dataclass(frozen=True)
class Row:
    """One line of the report: a measure, earlier and later (or expected and found), and the verdict."""

    measure: str
    before: str
    after: str
    bound: str
    is_good: bool


def grown(measure: str, before: float, after: float, most: float) -> Row:
    """Whether a measure grew by `most` at most."""
    return Row(measure, f"{before:g}", f"{after:g}", f"+{most:g}", after - before <= most)


def counted(measure: str, found: float, expected: float = 0) -> Row:
    """Whether something was counted exactly as often as it must be."""
    return Row(measure, "", f"{found:g}", f"= {expected:g}", found == expected)


def happened(measure: str, found: float) -> Row:
    """Whether something happened at all: a run without it would say nothing of it."""
    return Row(measure, "", f"{found:.0f}", "> 0", found > 0)


def noted(measure: str, found: float) -> Row:
    """What the reader may want to know, and nobody judges."""
    return Row(measure, "", f"{found:.0f}", "", True)


def course(samples: Sequence[Sample], parts: int = 8) -> Row:
    """Memory's median in each of some equal parts: whether it rises, or nears an end."""
    length = len(samples) // parts or 1
    medians = [
        median(one.memory_mib for one in samples[n : n + length]) for n in range(0, len(samples), length)
    ]
    return Row("memory's course, MiB", "", " ".join(f"{mib:.1f}" for mib in medians[:parts]), "", True)


def flat(samples: Sequence[Sample], memory_mib: float = MEMORY_MIB) -> list[Row]:
    """The second quarter's medians against the last one's; the first quarter warms up."""
    quarter = len(samples) // 4
    if quarter < 2:
        raise ValueError(f"{len(samples)} samples are too few to judge")
    earlier, later = samples[quarter : 2 * quarter], samples[-quarter:]

    def row(measure: str, bound: float) -> Row:
        name = measure.replace("_mib", ", MiB")
        before, after = (round(median(getattr(one, measure) for one in part), 1) for part in (earlier, later))
        return grown(name, before, after, bound)

    return [row("memory_mib", memory_mib), *(row(name, HELD) for name in ("descriptors", "threads", "tasks"))]


def left_behind(before: Sample, after: Sample) -> list[Row]:
    """What is held while nothing is under way, against what was held in an earlier lull."""
    return [
        grown(f"{name} in a lull", getattr(before, name), getattr(after, name), LEFT)
        for name in ("descriptors", "threads", "tasks")
    ]


def table(title: str, rows: Sequence[Row]) -> str:
    """A Markdown table of one run."""
    lines = [
        f"### {title}",
        "",
        "| Measure | Before | After | May be | |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        verdict = "" if not row.bound else "ok" if row.is_good else "**NO**"
        lines.append(f"| {row.measure} | {row.before} | {row.after} | {row.bound} | {verdict} |")
    return "\n".join(lines) + "\n"
