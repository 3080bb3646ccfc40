"""One processor for the process.

Only one of its threads runs Python at a time. With the event loop on one processor and the embedded store's
thread on another each hand-over of the interpreter's lock, of which a call has several, is a wake-up across
them: an answer took three to four times as long, and a call a seventh more CPU. So all threads stay where the
event loop runs; where others want that processor as well, the kernel is let choose anew.

Sources: sched_setaffinity(2); proc(5), `stat`; the kernel's Documentation/scheduler/sched-stats.rst.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOOK_SECONDS: Final = 1.0
_FREE_SECONDS: Final = 0.1
"""Time enough for the kernel to place a busy thread where it finds the room."""

CROWDED: Final = 0.2
"""A processor is crowded where others keep the event loop waiting for more than this share of the time."""

MOST_LOOKS: Final = 64
"""Where every processor is crowded, a move gains nothing: each stay is twice as long as the last."""

_TASKS: Final = Path("/proc/self/task")
_PROCESSOR: Final = 36
"""`processor`, of what `stat` tells behind the command's name."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one thread has had and missed, in seconds: of the clock, of standing ready while something
    else ran on its processor, and of the other threads of its process running."""

    at_seconds: float
    waited_seconds: float
    siblings_seconds: float


def crowding(before: Reading, after: Reading) -> float:
    """The share of the time, 0 to 1, for which other processes kept the thread waiting, at the least."""
    waited = after.waited_seconds - before.waited_seconds
    own = after.siblings_seconds - before.siblings_seconds
    return max(0.0, waited - own) / (after.at_seconds - before.at_seconds)


def _read() -> Reading:
    """Of the calling thread. Raises OSError where the kernel does not tell."""
    waited_ns = int((_TASKS / str(threading.get_native_id()) / "schedstat").read_text().split()[1])
    return Reading(time.monotonic(), waited_ns / 1e9, time.process_time() - time.thread_time())


class Stay:
    """How long to stay before a crowded processor is left."""

    def __init__(self) -> None:
        self._least = 1
        self._looks = 0

    def is_over(self, share: float) -> bool:
        """Told what was seen at each look, whether to move now."""
        self._looks += 1
        if share <= CROWDED or self._looks < self._least:
            return False
        self._least = 1 if self._looks > MOST_LOOKS else min(2 * self._least, MOST_LOOKS)
        self._looks = 0
        return True


async def keep_to_one() -> None:
    """Keep the process on one of the processors that it may use, until cancelled.

    From the event loop's thread. Does nothing where there is but one, or the system has no such thing; what
    is taken away or given meanwhile, by an operator or by the kernel, is taken as it comes.
    """
    stay = Stay()
    try:
        while True:
            allowed = os.sched_getaffinity(0)
            chosen = {_processor()}
            before = _read()
            if len(allowed) > 1:
                _confine(chosen)
            is_crowded = False
            while not is_crowded and os.sched_getaffinity(0) == chosen:
                await asyncio.sleep(_LOOK_SECONDS)
                before, last = _read(), before
                is_crowded = len(allowed) > 1 and stay.is_over(crowding(last, before))
            if is_crowded and os.sched_getaffinity(0) == chosen:
                _log.info("others crowd processor %d: the kernel may choose another", *chosen)
                _confine(allowed)
            # In any case: a system that takes an affinity and keeps another must not make this a busy loop.
            await asyncio.sleep(_FREE_SECONDS)
    except (OSError, AttributeError, LookupError, ValueError) as fault:  # not this system, or not told so
        _log.info("the kernel chooses the processors: %s", fault)


def _processor() -> int:
    told = (_TASKS / str(threading.get_native_id()) / "stat").read_text()
    return int(told.rpartition(")")[2].split()[_PROCESSOR])


def _confine(processors: Iterable[int]) -> None:
    for task in _TASKS.iterdir():
        try:
            os.sched_setaffinity(int(task.name), processors)
        except ProcessLookupError:
            continue  # a thread that has ended


__all__ = ["CROWDED", "MOST_LOOKS", "Reading", "Stay", "crowding", "keep_to_one"]
