"""What a client may send, and how slowly; and the one clock of a connection that minds the latter."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from gateway.doors.exchange import Direct
from gateway.doors.serving import KEEP_ALIVE_SECONDS

BODY_SLACK_SECONDS: Final = 1.0
"""How much later than the edge, which can answer, the protocol gives up on a body, and can't."""

Waited = Literal["none", "head", "body", "kept"]
"""What a connection is given time for: a head, a body, or the end of a body that was answered before."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a client may send, and how slowly."""

    header_bytes: int
    header_seconds: float
    body_seconds: float

    def seconds_for(self, waited: Waited) -> float | None:
        """How long the connection waits for it; None: for ever."""
        if waited == "head":
            return self.header_seconds
        if waited == "body":
            return self.body_seconds + BODY_SLACK_SECONDS
        return KEEP_ALIVE_SECONDS if waited == "kept" else None


@dataclass(slots=True)
class Terms:
    """What the connections of one server are made with; new `bounds` hold for the open ones too."""

    bounds: Bounds
    direct: Direct | None = None


class Clock:
    """At most one timer, for what is `waited` for now."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Waits for nothing yet."""
        self.waited: Waited = "none"
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def run(self, waited: Waited, seconds: float | None, too_slow: Callable[[], None]) -> None:
        """Wait for this from now on, and for nothing else; `too_slow` hears that it did not come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.waited = waited
        if seconds is not None:
            self._timer = self._loop.call_later(seconds, too_slow)


__all__ = ["Bounds", "Clock", "Terms", "Waited"]
