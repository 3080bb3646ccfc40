"""One request and its answer on a public connection: uvicorn's cycle, on the short way that answers take.

An answer that is handed over whole leaves in one write, its head checked once as a block; a body that
has come whole is handed over without waiting for it. All else goes uvicorn's own way.
"""

import asyncio
import secrets
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.doors.problems import MEDIA_TYPE, problem_body
from gateway.errors import Refusal

WHOLE_BODY: Final = "gateway.whole_body"
TAKE: Final = "take"
"""The ASGI extension that hands over a body, and its one member: a function without arguments that gives
the bytes where all of them have come, which are then received, else None."""

_REFUSED: Final = (
    b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n"
    b"cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
)

Message = dict[str, Any]


class Cycle(RequestResponseCycle):
    """A request being answered."""

    flow: FlowControl

    def __init__(self, protocol: HttpToolsProtocol, *, keep_alive: bool) -> None:
        """Of the request whose head `protocol` has just read."""
        super().__init__(
            scope=protocol.scope,
            transport=protocol.transport,
            flow=protocol.flow,
            logger=protocol.logger,
            access_logger=protocol.access_logger,
            access_log=False,
            default_headers=protocol.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=protocol.expect_100_continue,
            keep_alive=keep_alive,
            on_response=protocol.on_response_complete,
        )
        self._head: Message | None = None
        self._is_body_taken = False
        self.scope["extensions"] = {WHOLE_BODY: {TAKE: self._whole_body}}

    def _whole_body(self) -> bytes | None:
        if self.more_body or self._is_body_taken or self.disconnected or self.response_complete:
            return None
        self._is_body_taken = True
        self.message_event.clear()  # what is received next is the client's hanging up
        self.flow.resume_reading()
        body, self.body = bytes(self.body), bytearray()
        return body

    async def send(self, message: Message) -> None:  # type: ignore[override]
        """Take one ASGI message; the head waits for the first of the body, as the specification allows."""
        head = self._head
        if head is None and not self.response_started and message["type"] == "http.response.start":
            self._head = message
            return
        self._head = None
        if head is None or message.get("more_body") or self.disconnected or self.flow.write_paused:
            await self._send_in_parts(head, message)
            return
        written = self._written(head, message["body"])
        if written is None:
            await self._send_in_parts(head, message)
            return
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(written)
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def _send_in_parts(self, head: Message | None, message: Message) -> None:
        if head is not None:
            await super().send(head)  # type: ignore[arg-type]
        await super().send(message)  # type: ignore[arg-type]

    def _written(self, head: Message, body: bytes) -> bytes | None:
        """The whole answer; None where its head has something that uvicorn minds better than this."""
        fields: list[tuple[bytes, bytes]] = head["headers"]
        parts = [STATUS_LINE[head["status"]]]
        length = None
        for name, field in fields:
            parts += (name, b": ", field, b"\r\n")
            if name == b"content-length":
                length = field
            elif name in {b"connection", b"transfer-encoding"}:
                return None
        if length != b"%d" % len(body) or self.default_headers or self.scope["method"] == "HEAD":
            return None
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        block = b"".join(parts)
        # A line break within a name or a value would begin another field, or the body.
        lines = len(fields) + 1 + (not self.keep_alive)
        if block.count(b"\n") != lines or block.count(b"\r") != lines or b"\0" in block:
            return None
        return b"%b\r\n%b" % (block, body)


def written_refusal(refusal: Refusal) -> bytes:
    """The answer to a request that never reaches the application; the connection ends with it."""
    request_id = secrets.token_hex(16)
    body = problem_body(refusal, request_id, is_call=False)
    reason = b"Content Too Large" if refusal.status == 413 else b"Bad Request"
    return _REFUSED % (refusal.status, reason, MEDIA_TYPE, len(body), request_id.encode()) + body


@lru_cache(maxsize=512)
def target_of(url: bytes) -> tuple[str, bytes, bytes]:
    """The path decoded, the path as it came, and the query, of a request's target.

    Raises httptools.HttpParserInvalidURLError.
    """
    parsed = httptools.parse_url(url)
    raw_path: bytes = parsed.path
    path = raw_path.decode("ascii")
    return unquote(path) if "%" in path else path, raw_path, parsed.query or b""


__all__ = ["TAKE", "WHOLE_BODY", "Cycle", "target_of", "written_refusal"]
