"""The public server: uvicorn's httptools protocol, with the bounds on slow and swollen requests that
it lacks. A request's head must arrive whole within `header_seconds` and `header_bytes`, and its body
within `body_seconds`, whether or not anybody still reads it.

The version of uvicorn is pinned, and tests pin what is relied on here: the names of the callbacks,
and that a client's disconnect does not cancel the application.
"""

import asyncio
import secrets
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.doors.problems import MEDIA_TYPE, problem_body
from gateway.errors import Code, Refusal, refuse

BODY_SLACK_SECONDS: Final = 1.0
"""How much later than the edge, which can answer, the protocol gives up on a body, and can't."""

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the idle time of common proxies (60 s), so that they, who know, close first."""

_REFUSED_HEAD: Final = (
    b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n"
    b"cache-control: no-store\r\nconnection: close\r\n\r\n"
)

Phase = Literal["idle", "head", "body"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a client may send, and how slowly."""

    header_bytes: int
    header_seconds: float
    body_seconds: float


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Subclassed by `bounded`, which sets `bounds`."""

    bounds: ClassVar[Bounds]

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own arguments
        """As uvicorn makes it."""
        super().__init__(*args, **kwargs)
        self._phase: Phase = "idle"
        self._timed: Phase = "idle"
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection that says nothing counts as a head that does not come."""
        super().connection_made(transport)
        self._arm("head")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._arm("idle")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then mind the clock of the phase that it stopped in."""
        super().data_received(data)
        if self._phase == "head":
            self._head_bytes += len(data)
            if self._head_bytes > self.bounds.header_bytes:
                self._refuse_head()
                return
        if self._phase != self._timed:
            self._arm(self._phase)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._phase, self._head_bytes = "head", 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is whole; one that is too large never reaches the application."""
        self._phase = "body"
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.bounds.header_bytes:
            self._refuse_head()
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body; of a request that was refused by its head it is dropped."""
        if self.cycle is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._phase = "idle"
        if self.cycle is not None:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told so in the form of all other errors."""
        detail = f"The request is not valid HTTP/1.1: {msg}"
        self._tell_and_close(refuse(Code.MALFORMED_REQUEST, detail))

    def _refuse_head(self) -> None:
        detail = f"The request's head must be at most {self.bounds.header_bytes} bytes."
        self._tell_and_close(refuse(Code.TOO_LARGE, detail))

    def _tell_and_close(self, refusal: Refusal) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:  # never into the middle of an answer
            request_id = secrets.token_hex(16)
            body = problem_body(refusal, request_id, is_call=False)
            reason = b"Content Too Large" if refusal.status == 413 else b"Bad Request"
            head = (refusal.status, reason, MEDIA_TYPE, len(body), request_id.encode())
            self.transport.write(_REFUSED_HEAD % head + body)
        self.transport.close()

    def _arm(self, phase: Phase) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timed = phase
        if phase == "head":
            self._timer = self.loop.call_later(self.bounds.header_seconds, self._too_slow)
        elif phase == "body":
            seconds = self.bounds.body_seconds + BODY_SLACK_SECONDS
            self._timer = self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        if self._timed == "head" and self._phase == "head":
            seconds = f"{self.bounds.header_seconds:g}"
            detail = f"The request's head must arrive whole within {seconds} seconds."
            self._tell_and_close(refuse(Code.MALFORMED_REQUEST, detail))
        elif not self.transport.is_closing():
            self.transport.close()


def bounded(bounds: Bounds) -> type[BoundedProtocol]:
    """The protocol class for one server."""
    return type("Bounded", (BoundedProtocol,), {"bounds": bounds})


class Server(uvicorn.Server):
    """uvicorn's server, which leaves the signals to the one place that drains."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Capture none."""
        return nullcontext()


def server_of(app: Any, host: str, port: int, *, grace_seconds: float, bounds: Bounds) -> Server:  # noqa: ANN401
    """A server, not yet started, for an ASGI application."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=bounded(bounds),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(grace_seconds) + 1,
        backlog=4096,
    )
    return Server(config)
