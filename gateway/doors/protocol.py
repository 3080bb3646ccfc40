"""One public connection: uvicorn's httptools protocol, with the bounds on slow and swollen requests
that it lacks, and without its leniency on how a request is framed.

Two readers of one connection (a proxy before us, and we) must never disagree on where a request ends
or what its fields are: RFC 9112, section 11.2. So a head that could be read in two ways is refused,
trailers never become header fields, and `Upgrade` is ignored without losing the body behind it.

The version of uvicorn is pinned, and tests pin what is relied on here: the names of the callbacks,
and that a client's disconnect does not cancel the application.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import httptools

from gateway.doors.cycle import Cycle, target_of, written_refusal
from gateway.doors.heads import fault_of_head, framing_of, too_large
from gateway.doors.keep_alive import KeptAlive
from gateway.errors import Code, refuse

BODY_SLACK_SECONDS: Final = 1.0
"""How much later than the edge, which can answer, the protocol gives up on a body, and can't."""

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the idle time of common proxies (60 s), so that they, who know, close first."""

MAX_AHEAD: Final = 16
"""Requests that a client may send ahead of their answers; those that pipeline at all send a few."""

_SLICE_BYTES: Final = 16_384  # what is parsed before the bounds are looked at: a read can be far larger
_COUNTED_BODY_BYTES: Final = 65_536
Phase = Literal["idle", "head", "body"]
Clock = Literal["none", "head", "body", "kept"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a client may send, and how slowly."""

    header_bytes: int
    header_seconds: float
    body_seconds: float


class _Refused(Exception):  # noqa: N818 - tells the parser to stop
    """Raised out of a callback, behind the refusal."""


class BoundedProtocol(KeptAlive):
    """One connection. Subclassed by `bounded`, which sets `bounds`."""

    bounds: ClassVar[Bounds]

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own arguments
        """As uvicorn makes it."""
        super().__init__(*args, **kwargs)
        self._phase: Phase = "idle"
        self._clock: Clock = "none"
        self._timer: asyncio.TimerHandle | None = None
        self._begun = 0
        self._head_bytes = self._raw_bytes = self._body_bytes = 0
        self._framing_after_upgrade = b""
        self._is_resuming = False
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection that says nothing counts as a head that does not come."""
        super().connection_made(transport)
        self._run_clock("head")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._run_clock("none")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then mind the bounds of the phase that it stopped in."""
        self._unset_keepalive_if_required()
        phase, begun = self._phase, self._begun
        for start in range(0, len(data), _SLICE_BYTES):
            if self._is_refused:
                return
            self._take(data if len(data) <= _SLICE_BYTES else data[start : start + _SLICE_BYTES])
        if not self._is_refused:
            self._mind_clock(phase, is_new=begun != self._begun)

    def _take(self, data: bytes) -> None:
        phase, begun = self._phase, self._begun
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(Code.MALFORMED_REQUEST, "The request is not valid HTTP/1.1.")
        else:
            if begun == self._begun:  # what was held before is not counted to another message
                self._count(phase, len(data))

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._resume()
                if data:
                    continue
            return

    def _resume(self) -> None:
        """Read on as if no upgrade had been asked for (RFC 9110, section 7.8): the parser believes that
        another protocol follows the head, so a new one is shown the body's framing alone."""
        self.parser = httptools.HttpRequestParser(self)
        framing, self._framing_after_upgrade = self._framing_after_upgrade, b""
        if framing:
            self._is_resuming = True
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
            self._is_resuming = False

    def on_message_begin(self) -> None:
        """A head begins."""
        if self._is_resuming:
            return
        self._phase = "head"
        self._begun += 1
        self._head_bytes = self._raw_bytes = self._body_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is whole; one that is refused never reaches the application."""
        if self._is_resuming:
            return
        parser = self.parser
        version, method = parser.get_http_version(), parser.get_method()
        fault = fault_of_head(
            self.url, self.headers, version=version, method=method, header_bytes=self.bounds.header_bytes
        )
        if fault is None and len(self.pipeline) >= MAX_AHEAD:
            fault = Code.MALFORMED_REQUEST, f"At most {MAX_AHEAD} requests may wait for an answer."
        if fault is not None:
            self._refuse(*fault)
            raise _Refused
        if parser.should_upgrade():
            self._framing_after_upgrade = framing_of(self.headers)
        self._begin(version, method)
        self.headers = []  # what follows a body is no field of the head: RFC 9110, section 6.5.1
        self._phase = "body"

    def _begin(self, version: str, method: bytes) -> None:
        """Hand the request to the application, or let it wait for the answer before it."""
        scope = self.scope
        scope["method"], scope["http_version"] = method.decode("ascii"), version
        scope["path"], scope["raw_path"], scope["query_string"] = target_of(self.url)
        before = self.cycle
        self.cycle = Cycle(self, keep_alive=version != "1.0" and self.parser.should_keep_alive())
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        if not self._framing_after_upgrade:
            self._phase = "idle"
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is out; after the last one before a fault the connection ends."""
        if self._is_refused:
            self.pipeline.clear()
            self.transport.close()
        super().on_response_complete()

    def _count(self, phase: Phase, received_bytes: int) -> None:
        """Bounds what a head, or the framing of a body, makes the parser hold."""
        if phase == "head" and self._phase == "head":
            self._head_bytes += received_bytes
            if self._head_bytes > self.bounds.header_bytes:
                self._refuse(*too_large(self.bounds.header_bytes))
        elif phase == "body" and self._phase == "body":
            self._raw_bytes += received_bytes
            counted = min(self._body_bytes, _COUNTED_BODY_BYTES)
            if self._raw_bytes - self._body_bytes > self.bounds.header_bytes + counted:
                detail = "The chunks and trailers of the body are too large for what it holds."
                self._refuse(Code.TOO_LARGE, detail)

    @property
    def _is_serving(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, code: Code, detail: str) -> None:
        """The last word on this connection, but never before or into the answer to an earlier request."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        self._run_clock("none")
        cycle = self.cycle
        if self._is_serving and (self._phase != "body" or self.pipeline):
            self.flow.pause_reading()  # the earlier request's answer goes out first, and then the end
            return
        is_answered = self._phase == "body" and (not self._is_serving or cycle.response_started)
        if not is_answered:
            self.transport.write(written_refusal(refuse(code, detail)))
        if self._is_serving:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()

    def _mind_clock(self, before: Phase, *, is_new: bool) -> None:
        clock: Clock = self._phase if self._phase != "idle" else "none"
        if clock == "none" and not self._is_refused and not self._is_serving:
            # The end of a body that was answered before, or bytes that are no request yet.
            clock = "kept" if before == "body" and not is_new else "head"
        if clock != self._clock or (is_new and clock != "none"):
            self._run_clock(clock)

    def _run_clock(self, clock: Clock) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._clock = clock
        seconds = {
            "none": None,
            "head": self.bounds.header_seconds,
            "body": self.bounds.body_seconds + BODY_SLACK_SECONDS,
            "kept": KEEP_ALIVE_SECONDS,
        }[clock]
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        if self._phase == "head":
            seconds = f"{self.bounds.header_seconds:g}"
            detail = f"The request's head must arrive whole within {seconds} seconds."
            self._refuse(Code.MALFORMED_REQUEST, detail)
        elif not self.transport.is_closing():
            self.transport.close()


def bounded(bounds: Bounds) -> type[BoundedProtocol]:
    """The protocol class for one server."""
    return type("Bounded", (BoundedProtocol,), {"bounds": bounds})
