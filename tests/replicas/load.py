"""Constant load: calls made one after the other by several workers until told to stop."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.house import DOORS, Answer, DoorName


@dataclass(frozen=True)
class Asked:
    """One call request of the load: `answer` None where the connection broke."""

    number: int
    seconds: float
    answer: Answer | None
    fault: str = ""

    @property
    def told(self) -> str:
        """The status and code of the answer, or what broke."""
        return self.fault if self.answer is None else f"{self.answer.status} {self.answer.code}"


def door_of(number: int) -> DoorName:
    """Each door in turn."""
    return DOORS[number % len(DOORS)]


def callee_of(number: int) -> str:
    """A callee of its own for each call, of no magic digits."""
    return f"21{number:05d}9999"


def body_of(number: int) -> dict[str, object]:
    """A body for that callee."""
    return {"caller": {"number": "1234567"}, "callee": {"number": callee_of(number)}}


@contextmanager
def load(
    ask: Callable[[int], Answer], *, workers: int = 4, pause_seconds: float = 0.01
) -> Iterator[list[Asked]]:
    """`ask(0)`, `ask(1)`, ... in turn while the block runs; the list is whole when it has ended."""
    numbers = itertools.count()
    stopped = threading.Event()
    asked: list[Asked] = []
    broken: list[BaseException] = []

    def work() -> None:
        while not stopped.is_set():
            number, begun = next(numbers), time.monotonic()
            try:
                answer = ask(number)
            except httpx.HTTPError as fault:
                asked.append(Asked(number, time.monotonic() - begun, None, repr(fault)))
            except BaseException as fault:  # noqa: BLE001 - told to the test when the block ends
                broken.append(fault)
                return
            else:
                asked.append(Asked(number, time.monotonic() - begun, answer))
            stopped.wait(pause_seconds)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        stopped.set()
        for thread in threads:
            thread.join(60)
    assert not broken, broken
