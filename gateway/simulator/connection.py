"""One client's connection: HTTP/1.1 requests in, answers and misdeeds out, in the order of asking."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools

from .answers import Answer, Manner, page, rendered

# Far above any call request; a switch's web server has such a bound too.
MAX_REQUEST_BYTES = 1_048_576
_TRICKLE_SECONDS = 1.0
_RESET = struct.pack("ii", 1, 0)  # l_onoff, l_linger: close() sends RST (socket(7))


@dataclass(slots=True)
class Request:
    """A request, growing until it is whole. target: as received; content_type: in lower case."""

    method: str = ""
    target: bytes = b""
    content_type: bytes = b""
    body: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and what it has to wait for. durable: see DialLedger.append."""

    answer: Answer
    durable: asyncio.Future[None] | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    reply: Reply
    due: float
    method: str
    connection: str | None  # the header to answer with; "close" makes it the last turn


class Connection(asyncio.Protocol):
    """Hands every request that came whole to `receive` at once, and its reply to the client in turn.

    receive: what to do with a request; called once for each, before anything is answered.
    open_connections: holds this connection for as long as it is open.
    """

    def __init__(self, receive: Callable[[Request], Reply], open_connections: "set[Connection]") -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._open_connections = open_connections
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._turns: deque[_Turn] = deque()
        self._busy = False
        self._last = False
        self._timer: asyncio.TimerHandle | None = None
        self._request = Request()
        self._received_bytes = 0

    def abort(self) -> None:
        """Ends the connection with whatever is still unsaid."""
        self._transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpRequestParser(self)
        self._open_connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._last:
            return
        self._received_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no other protocol is spoken: the request itself has been taken, as the last one
        except httptools.HttpParserCallbackError:
            raise  # a defect of ours, not the client's: let it be loud
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
        if self._received_bytes > MAX_REQUEST_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._last = True
        if self._timer is not None:
            self._timer.cancel()
        self._open_connections.discard(self)
        self.closed.set_result(None)

    # What httptools calls

    def on_message_begin(self) -> None:
        self._request = Request()

    def on_url(self, url: bytes) -> None:
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self._request.content_type = value.lower()

    def on_body(self, body: bytes) -> None:
        self._request.body += body

    def on_message_complete(self) -> None:
        if self._last:
            return
        self._received_bytes = 0
        request = self._request
        request.method = self._parser.get_method().decode("ascii")
        keep_alive = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        self._last = not keep_alive
        says = None if self._parser.get_http_version() == "1.1" else "keep-alive"
        self._queue(self._receive(request), request.method, says if keep_alive else "close")

    # How answers leave

    def _refuse(self, status: HTTPStatus) -> None:
        if not self._last:
            self._last = True
            self._queue(Reply(page(status, "The request was not understood.")), "", "close")

    def _queue(self, reply: Reply, method: str, connection: str | None) -> None:
        due = self._loop.time() + reply.answer.after_seconds
        self._turns.append(_Turn(reply, due, method, connection))
        if not self._busy:
            self._advance()

    def _advance(self, _durable: asyncio.Future[None] | None = None) -> None:
        self._busy = False
        while self._turns and not self._busy and not self._transport.is_closing():
            turn = self._turns[0]
            durable = turn.reply.durable
            if durable is not None and not durable.done():
                self._busy = True
                durable.add_done_callback(self._advance)
            elif turn.due > self._loop.time():
                self._busy = True
                self._timer = self._loop.call_at(turn.due, self._advance)
            else:
                self._turns.popleft()
                self._perform(turn)

    def _perform(self, turn: _Turn) -> None:
        answer = turn.reply.answer
        match answer.manner:
            case Manner.WHOLE:
                self._transport.write(self._bytes(turn))
                self._end(turn)
            case Manner.TRICKLE:
                self._busy = True
                self._trickle(self._bytes(turn), turn)
            case Manner.CLOSE:
                self._transport.close()
            case Manner.RESET:
                wire: socket.socket = self._transport.get_extra_info("socket")
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                self._transport.abort()
            case Manner.HOLD:
                self._busy = True

    def _bytes(self, turn: _Turn) -> bytes:
        return rendered(turn.reply.answer, without_body=turn.method == "HEAD", connection=turn.connection)

    def _trickle(self, rest: bytes, turn: _Turn) -> None:
        self._transport.write(rest[:1])
        if len(rest) > 1:
            self._timer = self._loop.call_later(_TRICKLE_SECONDS, self._trickle, rest[1:], turn)
        else:
            self._end(turn)
            self._advance()

    def _end(self, turn: _Turn) -> None:
        if turn.connection == "close":
            self._transport.close()
