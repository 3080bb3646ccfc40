"""What the same work costs on this machine after a sleep, and beside a busy processor.

    python -m tests.benchmarks.slept

A server that answers a call now and then sleeps in between; a saturated one hardly does. The work is the
reading of an upstream's answer, on one processor; its own CPU time alone counts. Beside it stands a digest,
whose code and data are small: what a sleep adds to the reading and not to the digest is not the processor's
speed, but what it has to fetch anew.
"""

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.legacy import read_answer
from tests.benchmarks.results import table

GAPS_MS: Final = (0.0, 0.5, 1.0, 3.0)
_BODY: Final = (
    b'{"responses":[{"code":"200","key":"","message":"OK"}],'
    b'"data":{"machine":1,"server":"asterisk01","callid":"1234567890.123456"}}'
)
_DIGESTED: Final = bytes(16_384)
_TIMES: Final = 300
_ROUNDS: Final = 3
_BUSY: Final = "import os\nos.sched_setaffinity(0, {%d})\nwhile True: sum(range(10000))"


def cost_us(work: Callable[[], object], gap_ms: float) -> float:
    """The median CPU time of the work after sleeps of that length (0: after none)."""
    taken = []
    for _ in range(_TIMES):
        if gap_ms:
            time.sleep(gap_ms / 1e3)
        began = time.thread_time_ns()
        work()
        taken.append(time.thread_time_ns() - began)
    return statistics.median(taken) / 1e3


def sync_ms(place: Path, gap_ms: float = 0.0) -> float:
    """The median milliseconds that this disk takes to sync a page: no durable admit can be faster."""
    taken = []
    with (place / "page").open("wb", buffering=0) as file:
        for _ in range(_TIMES):
            time.sleep(gap_ms / 1e3)
            file.write(os.urandom(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken)


@contextmanager
def busy(processor: int) -> Iterator[None]:
    """Keep a processor busy meanwhile."""
    process = subprocess.Popen([sys.executable, "-c", _BUSY % processor])
    time.sleep(0.5)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _rows(beside: str) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as place:
        syncs = [f"{sync_ms(Path(place), gap):.2f}" for gap in (0.0, 1.0)]
    return [
        [f"an answer read, {beside}", *_costs(lambda: read_answer(200, _BODY)), *syncs],
        [f"16 KiB digested, {beside}", *_costs(lambda: hashlib.sha256(_DIGESTED).digest()), "", ""],
    ]


def _costs(work: Callable[[], object]) -> list[str]:
    """By the length of the sleep before; rounds interleave."""
    rounds = [[cost_us(work, gap) for gap in GAPS_MS] for _ in range(_ROUNDS)]
    return [f"{statistics.median(costs):.0f}" for costs in zip(*rounds, strict=True)]


def told() -> str:
    """The table. Where there is but one processor, nothing runs beside."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[0]})
    try:
        cost_us(lambda: read_answer(200, _BODY), 0.0)
        rows = _rows("alone")
        if len(allowed) > 1:
            with busy(allowed[1]):
                rows += _rows("the other processor busy")
    finally:
        os.sched_setaffinity(0, allowed)
    slept = (f"after {gap:g} ms" if gap else "at once" for gap in GAPS_MS)
    return table(["", *(f"{name}, us" for name in slept), "sync, ms", "sync after 1 ms, ms"], rows)


if __name__ == "__main__":
    sys.stdout.write(told() + "\n")
