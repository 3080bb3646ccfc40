"""One connection to one server: commands out in order, replies back in order, nothing sent twice.

Commands of many callers share the connection. Each is written once; one whose reply does not come
in time is given up, but its place in the order stays, so a late reply can't be taken for another's.
"""

import asyncio
from collections import deque
from typing import Final, cast

from gateway.ledger.redis.faults import NotSent, Unanswered
from gateway.ledger.redis.resp import BrokenStream, Reader

LAST_LOOK_SECONDS: Final = 0.001
"""Between the time of a reply and giving it up: a busy loop runs its timers before it reads what came."""
MAX_PENDING: Final = 8192
"""Commands that wait for a reply; past it the server is not keeping up, and nothing more is sent."""


class _Pending:
    __slots__ = ("deadline", "future")

    def __init__(self, future: "asyncio.Future[object]", deadline: float) -> None:
        self.future = future
        self.deadline = deadline


class Connection(asyncio.Protocol):
    """A connection that is made. `is_usable` turns false once a reply was late or the peer went away."""

    def __init__(self, timeout_seconds: float) -> None:
        """`timeout_seconds` bounds the wait for each reply."""
        self._loop = asyncio.get_running_loop()
        self._timeout_seconds = timeout_seconds
        self._reader = Reader()
        self._pending: deque[_Pending] = deque()
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.is_usable = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The event loop's word."""
        # A cast, because uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self.is_usable = True

    def send(self, payload: bytes) -> "asyncio.Future[object]":
        """Write one command; the future is its reply (an ErrorReply is a value). Fails as Unanswered.

        Raises NotSent where the connection is of no use any more.
        """
        if not self.is_usable:
            raise NotSent("connection", "the connection to the store was lost")
        if len(self._pending) >= MAX_PENDING:
            raise NotSent("saturated", f"{MAX_PENDING} commands wait for the store's replies")
        future: asyncio.Future[object] = self._loop.create_future()
        self._pending.append(_Pending(future, self._loop.time() + self._timeout_seconds))
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(payload)
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_seconds, self._on_timer)
        return future

    def wait_at_most(self, timeout_seconds: float) -> None:
        """How long replies may take from now on."""
        self._timeout_seconds = timeout_seconds
        if self._timer is not None and not self._pending:
            self._timer.cancel()  # it is set for the wait that was
            self._timer = None

    def _flush(self) -> None:
        payload, self._outgoing = b"".join(self._outgoing), []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(payload)

    def data_received(self, data: bytes) -> None:
        """The event loop's word."""
        try:
            replies = self._reader.feed(data)
        except BrokenStream as fault:
            self._end("protocol", f"the store answered what is no RESP: {fault}")
            return
        for reply in replies:
            if not self._pending:
                self._end("protocol", "the store answered what nobody asked")
                return
            future = self._pending.popleft().future
            if not future.done():
                future.set_result(reply)
        if not self.is_usable and not self._has_waiters():
            self.close()

    def _on_timer(self) -> None:
        """Something is late, unless its reply only waits to be read: look once, then give up."""
        now = self._loop.time()
        self._timer = self._loop.call_later(LAST_LOOK_SECONDS, self._give_up, now)

    def _give_up(self, now: float) -> None:
        """Give up on what was late at `now`. Nothing more is asked of a connection that is late once."""
        self._timer = None
        for pending in self._pending:
            if pending.deadline > now:
                self._timer = self._loop.call_at(pending.deadline, self._on_timer)
                break
            if not pending.future.done():
                self.is_usable = False
                pending.future.set_exception(
                    Unanswered("timeout", f"the store did not answer within {self._timeout_seconds:g} s")
                )
        if not self.is_usable and not self._has_waiters():
            self.close()

    def _has_waiters(self) -> bool:
        return any(not pending.future.done() for pending in self._pending)

    def connection_lost(self, exc: Exception | None) -> None:
        """The event loop's word."""
        self._end("connection", f"the store closed the connection: {exc or 'end of stream'}")

    def _end(self, kind: str, detail: str) -> None:
        self.is_usable = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._pending:
            future = self._pending.popleft().future
            if not future.done():
                future.set_exception(Unanswered(kind, detail))
        if self._transport is not None:
            self._transport.abort()

    def retire(self) -> None:
        """Take no more commands; let go once everybody who waits has a reply."""
        self.is_usable = False
        if not self._has_waiters():
            self.close()

    def close(self) -> None:
        """Let go; whoever still waits is unanswered."""
        self._end("closed", "the connection to the store was closed")


__all__ = ["Connection"]
