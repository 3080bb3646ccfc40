"""A request that came as ASGI brings it: the body in messages, and the answer as two of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.doors.exchange import BodyTooLarge, ClientGone, Exchange, Header

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class AsgiExchange(Exchange):
    """One request of an ASGI server."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What an application is called with."""
        super().__init__(
            scope["method"], scope["path"], scope["query_string"], scope["scheme"], scope["headers"]
        )
        self._scope = scope
        self._receive = receive
        self._send = send

    def peer(self) -> str | None:
        """As the server tells it."""
        client = self._scope.get("client")
        return None if client is None else str(client[0])

    async def body(self, max_bytes: int, max_seconds: float) -> bytes:
        """As it comes; one that says it is too long is not waited for."""
        for name, length in self.fields:
            if name == b"content-length" and length.isdigit() and int(length[:20]) > max_bytes:
                raise BodyTooLarge
        parts: list[bytes] = []
        total = 0
        async with asyncio.timeout(max_seconds):
            while True:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part: bytes = message.get("body", b"")
                total += len(part)
                if total > max_bytes:
                    raise BodyTooLarge
                parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)

    async def send(self, status: int, fields: list[Header], body: bytes, *, is_last: bool) -> None:
        """A head and a body."""
        headers = [*fields, (b"connection", b"close")] if is_last else fields
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


__all__ = ["AsgiExchange", "Receive", "Scope", "Send"]
