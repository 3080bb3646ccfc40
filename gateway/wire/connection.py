"""One connection to the upstream: at most one request is on it at a time, and it knows when it is spoilt."""

import asyncio
import select
import ssl
from collections.abc import Callable
from typing import Any, cast

from gateway.wire.faults import ErrorType
from gateway.wire.reader import AnswerReader


class Connection(asyncio.Protocol):
    """Opened by `connect`, lent by the pool. Times are the clock's seconds."""

    __slots__ = (
        "_alarm",
        "_alarm_at",
        "_clock",
        "_deadline_at",
        "_poll",
        "_reader",
        "_spoilt",
        "_transport",
        "_waiter",
        "connect_seconds",
        "first_byte_at",
        "idle_since",
        "lost",
        "on_lost",
        "read_at",
        "sent_at",
        "spoke_first",
        "tls_seconds",
    )

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._poll: select.poll | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = self._deadline_at = 0.0
        self._spoilt = False
        self.spoke_first = False
        self.lost = False
        self.on_lost: Callable[[Connection], None] | None = None
        self.connect_seconds: float | None = None
        self.tls_seconds: float | None = None
        self.idle_since = 0.0
        self.sent_at = 0.0
        self.first_byte_at: float | None = None
        self.read_at: float | None = None

    @property
    def transport(self) -> asyncio.Transport | None:
        return self._transport

    def use_tls(self, transport: asyncio.Transport) -> None:
        """From now on bytes go through the TLS transport laid over the plain one."""
        self._transport = transport

    @property
    def usable(self) -> bool:
        """Nothing is known against writing a request now: not closing, no end and no byte seen."""
        return not self._spoilt and self._transport is not None and not self._transport.is_closing()

    def usable_and_quiet(self) -> bool:
        """As `usable`, and the kernel holds neither an end nor a byte that the loop has not shown us yet.

        A TLS record without application data looks the same: a good connection lost, never a bad one kept.
        So it is not asked of a fresh TLS connection, to which session tickets are on their way.
        """
        if not self.usable or self._transport is None:
            return False
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not self._poll.poll(0)

    def send(self, request: bytes, reader: AnswerReader, deadline_at: float) -> "asyncio.Future[None]":
        """Hands the request over; the future is done when the reader is finished, whatever happens, by
        `deadline_at` in the loop's time at the latest."""
        transport = self._transport
        if transport is None or self._reader is not None:
            raise RuntimeError("a connection carries one request at a time")
        self._reader = reader
        self.first_byte_at = self.read_at = None
        loop = asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        self._deadline_at = deadline_at
        # The alarm of an earlier request is kept: it rings before this one's deadline, and is put off then.
        if self._alarm is None or deadline_at < self._alarm_at:
            self._set_alarm(loop)
        transport.write(request)
        self.sent_at = self._clock()
        return waiter

    @property
    def all_written(self) -> bool:
        return self._transport is not None and self._transport.get_write_buffer_size() == 0

    def _set_alarm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = self._deadline_at
        self._alarm = loop.call_at(self._deadline_at, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        """Where the deadline has passed, whatever is still to come is not waited for."""
        self._alarm = None
        if self._reader is None:
            return
        if loop.time() < self._deadline_at:
            self._set_alarm(loop)
        else:
            self._fail(ErrorType.ANSWER_TIMEOUT)

    def abort(self) -> None:
        """Closes at once; a request still on it is lost."""
        self._fail(ErrorType.CONNECTION_LOST)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            self.spoke_first = True
            self.abort()
            return
        if self.first_byte_at is None:
            self.first_byte_at = self._clock()
        if reader.feed(data):
            self._finish()

    def eof_received(self) -> None:
        if self._reader is not None:
            self._reader.end(certain=self._end_is_certain())
            self._finish()
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  its text is the system's
        self.lost = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._fail(ErrorType.CONNECTION_LOST)
        if self.on_lost is not None:
            self.on_lost(self)

    def _end_is_certain(self) -> bool:
        """Over TLS only close_notify tells an end from a truncation (RFC 9112 section 9.8).

        The loops report both alike, but OpenSSL knows: reading past a close_notify gives b"".
        """
        tls: Any = self._transport.get_extra_info("ssl_object") if self._transport else None
        if tls is None:
            return True
        try:
            return not tls.read(1)
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLError:
            return False

    def _fail(self, error_type: ErrorType) -> None:
        self._spoilt = True
        if self._reader is not None:
            self._reader.fail(error_type)
            self._finish()
        if self._transport is not None:
            self._transport.abort()

    def _finish(self) -> None:
        self._reader = None  # whatever arrives from here on is surplus
        self.read_at = self._clock()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._waiter = None
