"""Clients of a gateway that is about to die: random calls under a seed, asked until it is gone."""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.house import DOORS, Answer, DoorName, Gateway

WORKERS: Final = 6
MOST_TRIES: Final = 40
RETRY_SECONDS: Final = 0.25
MOST_CALLS: Final = 500
"""A crash point that so many calls did not reach is never reached."""

DIGITS: Final = (
    "0200",
    "0200",
    "0200",
    "0204",
    "0204",
    "9999",
    "9999",
    "0400",
    "0400",
    "0403",
    "0401",
    "0590",
)
"""How callees end: placed with and without a reference, refused and refunded, released, unknown."""


STORE_AWAY: Final = "STORE_UNAVAILABLE"
PASSING: Final = frozenset({STORE_AWAY, "CALL_IN_PROGRESS", "UPSTREAM_UNREACHABLE"})
"""Answers after which a key is to be asked for again; none of them holds it, or not for long."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One call that somebody wants, to a callee of its own."""

    callee: str
    door: DoorName
    key: str | None
    wait_seconds: int

    @property
    def body(self) -> dict[str, Any]:
        """As both doors take it."""
        body: dict[str, Any] = {"caller": {"number": "1234567"}, "callee": {"number": self.callee}}
        return body | ({"waitSeconds": self.wait_seconds} if self.wait_seconds else {})


@dataclass(frozen=True, slots=True)
class Heard:
    """One try: the answer, or None where the connection ended without one."""

    wish: Wish
    answer: Answer | None


def wishes(seed: int, prefix: str) -> Iterator[Wish]:
    """Endless. Some keyed ones come again soon, so that two tries of one key are under way together."""
    chance = random.Random(seed)
    recent: list[Wish] = []
    for number in range(10**6):
        if recent and chance.random() < 0.2:
            yield chance.choice(recent)
            continue
        digits, door = chance.choice(DIGITS), chance.choice(DOORS)
        key = f"key-{number}" if chance.random() < 0.7 else None
        wish = Wish(f"{prefix}{number:04d}{digits}", door, key, chance.choice((0, 0, 1)))
        if key is not None:
            recent = [*recent[-5:], wish]
        yield wish


@dataclass
class Crowd:
    """`WORKERS` clients at once, each of which stops when the gateway is gone, or when told by `is_over`."""

    gateway: Gateway
    tenant: str
    source: Iterator[Wish]
    most: int = MOST_CALLS
    pause_seconds: float = 0
    is_over: threading.Event = field(default_factory=threading.Event)
    heard: list[Heard] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self) -> list[Heard]:
        """Every try, in no order."""
        threads = [threading.Thread(target=self._work) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.heard

    def _work(self) -> None:
        while True:
            with self._lock:
                wish = next(self.source)
            heard = ask(self.gateway, self.tenant, wish, wish.door)
            self.heard.append(heard)
            if heard.answer is None or len(self.heard) >= self.most or self.is_over.wait(self.pause_seconds):
                return


def ask(gateway: Gateway, tenant: str, wish: Wish, door: DoorName) -> Heard:
    """One try."""
    try:
        return Heard(wish, gateway.call(door, tenant, wish.body, wish.key))
    except httpx.TransportError:
        return Heard(wish, None)


def ask_until_told(gateway: Gateway, tenant: str, wish: Wish, door: DoorName) -> Heard:
    """Try the same key again for as long as that is the advice: a busy machine is no store that is away."""
    for _ in range(MOST_TRIES):
        heard = ask(gateway, tenant, wish, door)
        if heard.answer is None or heard.answer.code not in PASSING:
            break
        time.sleep(RETRY_SECONDS)
    return heard
