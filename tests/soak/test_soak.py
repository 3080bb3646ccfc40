"""The soak itself: it runs, it tells, and its judgement can fail."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.house import rest_answer
from tests.soak.judge import counted, flat, happened, left_behind, table
from tests.soak.orders import FAULTS, Order, compare
from tests.soak.samples import Sample

FLAT = Sample(0, 90.0, 40, 9, 12)
GROWTHS = {"memory_mib": 0.3, "descriptors": 1, "threads": 1, "tasks": 1}
"""What one sample may have more than the one before it, in a leak that must be seen."""


def samples(**growth: float) -> list[Sample]:
    return [
        replace(FLAT, at_seconds=n, **{name: getattr(FLAT, name) + n * by for name, by in growth.items()})
        for n in range(60)
    ]


def test_what_is_flat_is_good():
    """Also where it was higher while the process warmed up."""
    assert all(row.is_good for row in flat(samples()))
    assert all(row.is_good for row in flat([replace(FLAT, memory_mib=150.0)] * 15 + samples()[:45]))


@pytest.mark.parametrize("measure", GROWTHS)
def test_what_rises_is_not(measure):
    """Each measure by itself, and no other beside it."""
    bad = [row.measure for row in flat(samples(**{measure: GROWTHS[measure]})) if not row.is_good]
    assert bad == [measure.replace("_mib", ", MiB")]


def test_a_step_up_in_the_last_quarter_is_seen():
    """A leak that begins late."""
    rows = flat([FLAT] * 45 + [replace(FLAT, tasks=40)] * 15)
    assert [row.measure for row in rows if not row.is_good] == ["tasks"]


def test_too_few_samples_prove_nothing():
    """A run that looked seldom is no run."""
    with pytest.raises(ValueError, match="too few"):
        flat([FLAT] * 7)


def test_what_stays_behind_in_a_lull_is_seen():
    """Three more descriptors where nothing is under way."""
    rows = left_behind(FLAT, replace(FLAT, descriptors=43))
    assert [row.measure for row in rows if not row.is_good] == ["descriptors in a lull"]


def test_counts_are_judged():
    """Exactly none of what must not be, some of what must."""
    assert [counted("x", 0).is_good, counted("x", 1).is_good] == [True, False]
    assert [happened("x", 1).is_good, happened("x", 0).is_good] == [True, False]
    assert "| x |  | 1 | = 0 | **NO** |" in table("title", [counted("x", 1)])


def asked(status: int, content: dict[str, object], **about: object) -> Order:
    body = {"caller": {"number": "1"}, "callee": {"number": "200000011234"}}
    order = Order("house-1", "1234", body, tries=1)
    order.told.append(rest_answer(httpx.Response(status, json=content)))
    return replace(order, **about)


REQUESTED = (202, {"id": "c", "status": "REQUESTED"})
REFUSED = (429, {"code": "QUOTA_EXCEEDED", "callState": "NOT_PLACED", "status": 429})


@pytest.mark.parametrize(
    ("order", "dials", "fault"),
    [
        (asked(*REQUESTED), 1, None),
        (asked(*REFUSED), 0, None),
        (asked(*REQUESTED, tries=3, digits="0401"), 3, None),
        (asked(*REQUESTED, tries=3), 2, "dialled twice"),
        (asked(*REQUESTED), 0, "told requested, never dialled"),
        (asked(*REFUSED), 1, "told not placed, but dialled"),
        (asked(*REFUSED, is_for_nothing=True, tries=2), 1, "dialled without leave"),
    ],
)
def test_the_dial_ledger_is_held_against_what_was_asked(order, dials, fault):
    """Each way in which dials and answers can disagree is counted as itself."""
    found = compare([order], [order.callee] * dials)
    assert {name: times for name, times in found.items() if times} == ({} if fault is None else {fault: 1})
    assert set(found) == set(FAULTS)


def test_a_dial_that_nobody_asked_for_is_counted():
    """A callee of no order."""
    assert compare([], ["1", "1"])["dialled, never asked for"] == 2


@pytest.mark.serial
def test_a_short_soak_finds_nothing_and_says_what_it_did(tmp_path: Path):
    """The tool on both stores for some seconds: every row is there, and none is bad. Memory is given room,
    because a process of that age is still warming up."""
    report = tmp_path / "soak.md"
    command = [sys.executable, "-m", "tests.soak", "--seconds", "9", "--memory-mib", "60"]
    done = subprocess.run([*command, "--report", str(report)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == report.read_text()
    for measure in (
        "memory, MiB",
        "tasks in a lull",
        *FAULTS,
        "defects of the gateway (500)",
        "redactions",
        "dials",
    ):
        assert done.stdout.count(f"| {measure} |") == 2
