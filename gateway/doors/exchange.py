"""A request as it arrived and an answer as it leaves: what the doors share with the edge, and the edge
with whatever brings it requests."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal

from gateway.access import Principal
from gateway.telemetry.accounts import CallAccount, TraceIds
from gateway.values import value_class

Header = tuple[bytes, bytes]


class BodyTooLarge(Exception):  # noqa: N818 - the catalogue's word
    """The body is over the limit; what was read of it is dropped."""


class ClientGone(Exception):  # noqa: N818
    """The client hung up before its body was whole."""


@value_class(frozen=True, slots=True)
class Arrival:
    """One request. Header names are lower case; a name that came more than once is in `repeated`, and
    its values are joined by ", " (RFC 9110, section 5.3). `body` reads the whole body once: it raises
    BodyTooLarge or ClientGone."""

    method: str
    path: str
    query: bytes
    scheme: str
    headers: dict[bytes, bytes]
    repeated: frozenset[bytes]
    request_id: str
    trace: TraceIds
    body: Callable[[], Awaitable[bytes]]


@value_class(frozen=True, slots=True)
class Reply:
    """One answer. The edge adds X-Request-ID, Content-Length and the security headers; everything
    below `headers` is for the request's account only."""

    status: int
    body: bytes
    media_type: bytes
    headers: tuple[Header, ...] = ()
    principal: Principal | None = None
    error_code: str | None = None
    call: CallAccount | None = None
    graphql_operation_type: str | None = None
    graphql_operation_name: str | None = None
    cause: str = ""


class Exchange:
    """One request as the edge takes it, and the way its answer leaves; for each way there is a kind.

    `fields` are the header fields in their order, with names in lower case.
    """

    def __init__(self, method: str, path: str, query: bytes, scheme: str, fields: list[Header]) -> None:
        """`path` is decoded, `query` is as it came."""
        self.method = method
        self.path = path
        self.query = query
        self.scheme = scheme
        self.fields = fields

    def peer(self) -> str | None:
        """The address of the connection's other end, where there is one: a client, or a proxy before us."""
        raise NotImplementedError

    async def body(self, max_bytes: int, max_seconds: float) -> bytes:
        """The whole body, once. Raises BodyTooLarge, ClientGone, TimeoutError."""
        raise NotImplementedError

    async def send(self, status: int, fields: list[Header], body: bytes, *, is_last: bool) -> None:
        """Answer; `is_last`: the connection ends with it. A client that is gone is no fault."""
        raise NotImplementedError


Handler = Callable[[Arrival], Awaitable[Reply]]
Serve = Callable[[Exchange], Coroutine[Any, Any, None]]
"""Answers one request."""


@value_class(frozen=True, slots=True)
class Direct:
    """What is answered without ASGI where it came whole: requests to a path that it `knows`. What `serve`
    answers by is asked when the request's turn comes, not when it was read."""

    knows: Callable[[str], bool]
    serve: Serve


DoorName = Literal["rest", "graphql"] | None
