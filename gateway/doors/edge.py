"""The edge of both doors: a request becomes an `Arrival`, a `Reply` becomes the answer, and what
happened becomes one account for the telemetry. It knows nothing of calls.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.doors.asgi import AsgiExchange, Receive, Scope, Send
from gateway.doors.exchange import (
    Arrival,
    BodyTooLarge,
    ClientGone,
    DoorName,
    Exchange,
    Handler,
    Header,
    Reply,
)
from gateway.doors.heads import request_id_of
from gateway.doors.problems import problem_reply
from gateway.errors import CallState, Code, refuse
from gateway.telemetry.accounts import RequestAccount, TraceIds

CLIENT_GONE_STATUS: Final = 499
"""Logged where the client hung up before its request was whole; nothing is sent."""

UNAUTHENTICATED_STATUS: Final = 401
_NO_REPLY: Final = Reply(CLIENT_GONE_STATUS, b"", b"text/plain")

_COMMON: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """What the edge needs of settings and telemetry.

    `read_trace` makes ids from the traceparent and tracestate headers; `started` and `finished`
    bracket each request; while `is_winding_down`, answers close their connections, so that clients
    that keep them alive move on before the listener goes.
    """

    body_bytes: int
    body_seconds: float
    read_trace: Callable[[bytes | None, bytes | None], TraceIds]
    started: Callable[[], None]
    finished: Callable[[RequestAccount], None]
    is_winding_down: Callable[[], bool]


class Endpoint:
    """One route of one door; answers 405 where no handler has the method."""

    def __init__(
        self, options: EdgeOptions, route: str, door: DoorName, handlers: Mapping[str, Handler]
    ) -> None:
        """`handlers` by HTTP method, or under `*` for all."""
        self._options = options
        self._route = route
        self._door = door
        self._handlers = dict(handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        await self.serve(AsgiExchange(scope, receive, send))

    async def serve(self, exchange: Exchange) -> None:
        """Serve one request, whichever way it came."""
        started_at_ns, started = time.time_ns(), time.perf_counter()
        options = self._options
        arrival = _arrival(exchange, options)
        options.started()
        reply = _NO_REPLY
        peer: str | None = None
        try:
            reply = await self._reply(arrival)
            if reply.status == UNAUTHENTICATED_STATUS:
                peer = exchange.peer()  # before the answer, with which the connection may end
            if reply.status != CLIENT_GONE_STATUS:
                body = b"" if arrival.method == "HEAD" else reply.body
                fields = _fields(arrival.request_id, reply)
                await exchange.send(reply.status, fields, body, is_last=options.is_winding_down())
        finally:
            seconds = time.perf_counter() - started
            options.finished(self._account(arrival, reply, peer, started_at_ns, seconds))

    def _account(
        self, arrival: Arrival, reply: Reply, peer: str | None, started_at_ns: int, seconds: float
    ) -> RequestAccount:
        principal = reply.principal
        return RequestAccount(
            door=self._door,
            method=arrival.method,
            route=self._route,
            scheme=arrival.scheme,
            path=arrival.path,
            status=reply.status,
            started_at_ns=started_at_ns,
            duration_seconds=seconds,
            request_id=arrival.request_id,
            trace=arrival.trace,
            tenant=None if principal is None else principal.tenant.name,
            key_id=None if principal is None else principal.key_id,
            subject=None if principal is None else principal.subject,
            trusts_sampling=principal is not None and principal.tenant.trusts_sampling,
            error_code=reply.error_code,
            call=reply.call,
            graphql_operation_type=reply.graphql_operation_type,
            graphql_operation_name=reply.graphql_operation_name,
            cause=reply.cause,
            peer=peer,
        )

    async def _reply(self, arrival: Arrival) -> Reply:
        handler = self._handlers.get(arrival.method) or self._handlers.get("*")
        if handler is None:
            return self._method_not_allowed(arrival)
        try:
            return await handler(arrival)
        except BodyTooLarge:
            detail = f"The body must be at most {self._options.body_bytes} bytes."
            return self._fault(Code.TOO_LARGE, detail, arrival)
        except ClientGone:
            return _NO_REPLY
        except TimeoutError:
            detail = f"The body must arrive whole within {self._options.body_seconds:g} seconds."
            return self._fault(Code.MALFORMED_REQUEST, detail, arrival)
        except Exception:  # noqa: BLE001 - outermost: a defect is told as one, never as silence
            _log.exception("request %s met a defect", arrival.request_id)
            detail = "The gateway met a defect of its own; tell the operators the request id."
            # Whether a byte had left can't be told from here, so it must not be denied.
            defect = replace(refuse(Code.INTERNAL, detail), call_state=CallState.UNKNOWN)
            return problem_reply(defect, arrival, is_call=self._asks_for_a_call(arrival))

    def _fault(self, code: Code, detail: str, arrival: Arrival) -> Reply:
        return problem_reply(refuse(code, detail), arrival, is_call=self._asks_for_a_call(arrival))

    def _asks_for_a_call(self, arrival: Arrival) -> bool:
        """All that is asked for by POST is a call, so its state must be told (contract, section 3)."""
        return self._door is not None and arrival.method == "POST"

    def _method_not_allowed(self, arrival: Arrival) -> Reply:
        allowed = ", ".join(sorted(self._handlers))
        refusal = refuse(Code.METHOD_NOT_ALLOWED, f"This resource takes {allowed}.")
        return problem_reply(refusal, arrival, headers=((b"allow", allowed.encode()),))


def _arrival(exchange: Exchange, options: EdgeOptions) -> Arrival:
    headers = dict(exchange.fields)
    repeated: frozenset[bytes] = frozenset()
    if len(headers) != len(exchange.fields):
        headers, repeated = _joined(exchange.fields)

    def body() -> Awaitable[bytes]:
        return exchange.body(options.body_bytes, options.body_seconds)

    return Arrival(
        method=exchange.method,
        path=exchange.path,
        query=exchange.query,
        scheme=exchange.scheme,
        headers=headers,
        repeated=repeated,
        request_id=request_id_of(headers.get(b"x-request-id")),
        trace=options.read_trace(headers.get(b"traceparent"), headers.get(b"tracestate")),
        body=body,
    )


def _joined(pairs: list[Header]) -> tuple[dict[bytes, bytes], frozenset[bytes]]:
    headers: dict[bytes, bytes] = {}
    repeated: set[bytes] = set()
    for name, value in pairs:
        if name in headers:
            repeated.add(name)
            headers[name] += b", " + value
        else:
            headers[name] = value
    return headers, frozenset(repeated)


def _fields(request_id: str, reply: Reply) -> list[Header]:
    return [
        (b"content-type", reply.media_type),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-request-id", request_id.encode("ascii")),
        *_COMMON,
        *reply.headers,
    ]
