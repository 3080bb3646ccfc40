"""The smallest edge that the door can stand behind: ASGI in, Reply out. The real edge has its own tests."""

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.doors.exchange import Arrival, BodyTooLarge, Handler, Reply
from gateway.telemetry.accounts import TraceIds

MAX_BODY_BYTES = 65536
Message = dict[str, Any]


class Harness:
    """Serves one handler and keeps its replies."""

    def __init__(self, handler: Handler, replies: list[Reply]) -> None:
        self._handler = handler
        self._replies = replies

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        reply = await self._handler(arrival_of(scope, receive))
        self._replies.append(reply)
        headers = [(b"content-type", reply.media_type), (b"x-request-id", b"req-1"), *reply.headers]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})


def arrival_of(scope: Any, receive: Callable[[], Awaitable[Message]]) -> Arrival:
    """The request as the door takes it."""
    names = [name for name, _ in scope["headers"]]

    async def body() -> bytes:
        parts = b""
        while True:
            message = await receive()
            parts += message.get("body", b"")
            if len(parts) > MAX_BODY_BYTES:
                raise BodyTooLarge
            if not message.get("more_body", False):
                return parts

    return Arrival(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"],
        scheme="http",
        headers=dict(scope["headers"]),
        repeated=frozenset(name for name in names if names.count(name) > 1),
        request_id="req-1",
        trace=TraceIds(1, 2),
        body=body,
    )
