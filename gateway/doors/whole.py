"""A request that came whole, answered without ASGI in between: nothing is waited for, one write answers.

What is written is byte for byte what uvicorn writes for the same answer (`tests/hardening/test_whole.py`).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.protocols.utils import get_remote_addr

from gateway.doors.exchange import BodyTooLarge, ClientGone, Exchange, Header, Serve
from gateway.doors.heads import Head

_CONTROLS: Final = bytes(byte for byte in (*range(0x20), 0x7F) if byte != 0x09)
_DEFECT: Final = b"Internal Server Error"
_log = logging.getLogger(__name__)


class WholeExchange(Exchange):
    """One request of a connection, all of which has come."""

    def __init__(
        self,
        head: Head,
        body: bytes,
        scheme: str,
        transport: asyncio.Transport,
        flow: FlowControl,
        default_fields: Iterable[Header],
        serve: Serve,
        on_response: Callable[[], None],
    ) -> None:
        """`serve` answers it; `default_fields` stand before those of the answer, `on_response` hears that it
        is out."""
        super().__init__(head.method, head.path, head.query, scheme, head.fields)
        self._body = body
        self._transport = transport
        self._flow = flow
        self._default_fields = default_fields
        self._serve = serve
        self._on_response = on_response
        self.keep_alive = head.keep_alive
        self.disconnected = False
        self.response_started = False

    @property
    def response_complete(self) -> bool:
        """Whether the answer is out; it leaves at once or not at all."""
        return self.response_started

    def hang_up(self) -> None:
        """The client is gone, or must not be answered any more."""
        self.disconnected = True

    async def run(self, tasks: set[asyncio.Task[Any]]) -> None:
        """Answer it, and leave `tasks` at the end, which saves a callback.

        A defect of the edge itself, which tells all others, is told without a word of it.
        """
        try:
            await self._serve(self)
        except BaseException as fault:  # noqa: BLE001 - the task's outermost handler; uvicorn's does the same
            _log.error("a request could not be answered", exc_info=fault)
            if not self.response_started:
                fields: list[Header] = [
                    (b"content-type", b"text/plain; charset=utf-8"),
                    (b"content-length", b"%d" % len(_DEFECT)),
                ]
                await self.send(500, fields, _DEFECT, is_last=True)
            else:
                self._transport.close()
        finally:
            task = asyncio.current_task()
            if task is not None:
                tasks.discard(task)

    def peer(self) -> str | None:
        """As the transport tells it."""
        address = get_remote_addr(self._transport)
        return None if address is None else address[0]

    async def body(self, max_bytes: int, max_seconds: float) -> bytes:  # noqa: ARG002 - it waits for nothing
        """It is there; a client that was gone before its turn came is not called for."""
        if self.disconnected:
            raise ClientGone
        if len(self._body) > max_bytes:
            raise BodyTooLarge
        return self._body

    async def send(self, status: int, fields: list[Header], body: bytes, *, is_last: bool) -> None:
        """In one write. Raises RuntimeError where a field would begin another."""
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected:
            return
        if is_last:
            self.keep_alive = False
        self.response_started = True
        self._transport.write(
            _written(status, [*self._default_fields, *fields], body, keep_alive=self.keep_alive)
        )
        if not self.keep_alive:
            self._transport.close()
        self._on_response()


def _written(status: int, fields: list[Header], body: bytes, *, keep_alive: bool) -> bytes:
    parts: list[bytes] = [STATUS_LINE[status]]
    for name, field in fields:
        parts += (name, b": ", field, b"\r\n")
    if not keep_alive:
        parts.append(b"connection: close\r\n")
    head = b"".join(parts)
    # A line break within a name or a field would begin another field, or the body.
    breaks = 2 * (len(fields) + 1 + (not keep_alive))
    if len(head.translate(None, _CONTROLS)) != len(head) - breaks:
        raise RuntimeError("Invalid HTTP header value.")
    return b"%b\r\n%b" % (head, body)


__all__ = ["WholeExchange"]
