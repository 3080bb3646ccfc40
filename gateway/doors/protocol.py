"""One public connection: a protocol on httptools, with bounds on slow and swollen requests, and strict
on how a request is framed. uvicorn listens, counts and winds down; what it begins is this.

Two readers of one connection (a proxy before us, and we) must never disagree on where a request ends
or what its fields are: RFC 9112, section 11.2. So a head that could be read in two ways is refused,
trailers never become header fields, and `Upgrade` is ignored without losing the body behind it.

A request to a door that comes whole is answered straight from here (`whole.py`), all others the ASGI way
(`cycle.py`). The versions of uvicorn and httptools are pinned, and tests pin what is relied on: the names
of the callbacks, and that a client's disconnect does not cancel the application.
"""

import asyncio
from typing import Any, Final, Literal

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.doors.bounds import Clock, Terms, Waited
from gateway.doors.heads import fault_of_head, framing_of
from gateway.doors.intake import Intake
from gateway.doors.serving import Serving
from gateway.errors import Code

MAX_AHEAD: Final = 16
"""Requests that a client may send ahead of their answers; those that pipeline at all send a few."""

_SLICE_BYTES: Final = 16_384  # what is parsed before the bounds are looked at: a read can be far larger
Phase = Literal["idle", "head", "body"]


class _Refused(Exception):  # noqa: N818 - tells the parser to stop
    """Raised out of a callback, behind the refusal."""


class Connection:
    """One connection: an `asyncio.Protocol` and the callbacks of its parser."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        terms: Terms,
    ) -> None:
        """As uvicorn makes it, but for the terms; begins with `connection_made`."""
        self._terms = terms
        self._config = config
        self._state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser: Any = httptools.HttpRequestParser(self)
        # As uvicorn has it: what follows a request that ends the connection does not undo its answer.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._phase: Phase = "idle"
        self._begun = 0
        self._framing_after_upgrade = b""
        self._is_resuming = False
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A connection that says nothing counts as a head that does not come."""
        self._state.connections.add(self)  # type: ignore[arg-type]
        self._transport = transport
        self._clock = Clock(self._loop)
        self._serving = Serving(
            self._config,
            self._state,
            self._app_state,
            self._loop,
            self._terms.direct,
            transport,
            self._on_answer,
        )
        self._intake = Intake(self._serving)
        self._wait_for("head")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks; the calls that are under way go on. What refers to this is let go of."""
        self._state.connections.discard(self)
        self._wait_for("none")
        self._serving.lost()
        if exc is None:
            self._transport.close()
        self._parser = None

    def eof_received(self) -> None:
        """The client sends no more; the transport closes."""

    def pause_writing(self) -> None:
        """The client does not read."""
        self._serving.flow.pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._serving.flow.resume_writing()

    def shutdown(self) -> None:
        """The server winds down."""
        self._serving.wind_down()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then mind the bounds of the phase that it stopped in."""
        self._serving.hear()
        phase, begun = self._phase, self._begun
        for start in range(0, len(data), _SLICE_BYTES):
            if self._is_refused:
                return
            self._take(data if len(data) <= _SLICE_BYTES else data[start : start + _SLICE_BYTES])
        if not self._is_refused:
            self._intake.hand_over()
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
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._resume()
                if data:
                    continue
            return

    def _resume(self) -> None:
        """Read on as if no upgrade had been asked for (RFC 9110, section 7.8): the parser believes that
        another protocol follows the head, so a new one is shown the body's framing alone."""
        self._parser = httptools.HttpRequestParser(self)
        framing, self._framing_after_upgrade = self._framing_after_upgrade, b""
        if framing:
            self._is_resuming = True
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
            self._is_resuming = False

    def on_message_begin(self) -> None:
        """A head begins."""
        if self._is_resuming:
            return
        self._phase = "head"
        self._begun += 1
        self._intake.begin()

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._intake.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; what follows a body is no such field: RFC 9110, section 6.5.1."""
        if self._phase == "head":
            self._intake.field(name, value)

    def on_headers_complete(self) -> None:
        """A head is whole; one that is refused never reaches a door."""
        if self._is_resuming:
            return
        parser, intake, header_bytes = self._parser, self._intake, self._terms.bounds.header_bytes
        version, method = parser.get_http_version(), parser.get_method()
        fault = fault_of_head(
            intake.url, intake.fields, version=version, method=method, header_bytes=header_bytes
        )
        if fault is None and self._serving.ahead >= MAX_AHEAD:
            fault = Code.MALFORMED_REQUEST, f"At most {MAX_AHEAD} requests may wait for an answer."
        if fault is not None:
            self._refuse(*fault)
            raise _Refused
        is_upgrade = parser.should_upgrade()
        if is_upgrade:
            self._framing_after_upgrade = framing_of(intake.fields)
        keep_alive = version != "1.0" and parser.should_keep_alive()
        intake.take(method.decode("ascii"), version, keep_alive=keep_alive, is_upgrade=is_upgrade)
        self._phase = "body"

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._intake.feed(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        if not self._framing_after_upgrade:
            self._phase = "idle"
            self._intake.end()

    def _on_answer(self) -> None:
        """An answer is out; after the last one before a fault the connection ends."""
        if self._is_refused:
            self._serving.forget()
            self._transport.close()

    def _count(self, phase: Phase, received_bytes: int) -> None:
        """Bounds what a head, or the framing of a body, makes the parser hold."""
        if phase == self._phase and phase != "idle":
            fault = self._intake.fault_of_size(
                received_bytes, is_head=phase == "head", header_bytes=self._terms.bounds.header_bytes
            )
            if fault is not None:
                self._refuse(*fault)

    def _refuse(self, code: Code, detail: str) -> None:
        """The last word on this connection, but never before or into the answer to an earlier request."""
        if self._is_refused or self._transport.is_closing():
            return
        self._intake.hand_over()  # so that the request is told of, as of a client that went away
        self._is_refused = True
        self._wait_for("none")
        serving = self._serving
        is_answering, latest = serving.is_answering, serving.latest
        if is_answering and (self._phase != "body" or serving.ahead):
            serving.flow.pause_reading()  # the earlier request's answer goes out first, and then the end
            return
        is_begun = latest is not None and latest.response_started
        if self._phase != "body" or (is_answering and not is_begun):
            self._transport.write(self._intake.refusal(code, detail, self._parser.get_method()))
        if is_answering and latest is not None:
            latest.hang_up()
        self._transport.close()

    def _mind_clock(self, before: Phase, *, is_new: bool) -> None:
        waited: Waited = self._phase if self._phase != "idle" else "none"
        if waited == "none" and not self._is_refused and not self._serving.is_answering:
            # The end of a body that was answered before, or bytes that are no request yet.
            waited = "kept" if before == "body" and not is_new else "head"
        if waited != self._clock.waited or (is_new and waited != "none"):
            self._wait_for(waited)

    def _wait_for(self, waited: Waited) -> None:
        self._clock.run(waited, self._terms.bounds.seconds_for(waited), self._too_slow)

    def _too_slow(self) -> None:
        if self._phase == "head":
            seconds = f"{self._terms.bounds.header_seconds:g}"
            detail = f"The request's head must arrive whole within {seconds} seconds."
            self._refuse(Code.MALFORMED_REQUEST, detail)
        elif not self._transport.is_closing():
            self._transport.close()


__all__ = ["Connection"]
