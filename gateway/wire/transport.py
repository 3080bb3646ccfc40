"""The wire as an httpx transport, for whoever holds an httpx client. The gateway's hot path goes directly.

httpx itself logs whole URLs at INFO and keeps the request on its exceptions; that is the client's doing.
"""

from types import MappingProxyType
from typing import Final

import httpx

from gateway.wire.faults import ErrorType, WireFault
from gateway.wire.wire import Wire

_FORM: Final = "application/x-www-form-urlencoded"


class WireTransportError(httpx.TransportError):
    """What every exception of this transport that stems from the wire also is; see `WireFault`."""

    def __init__(self, fault: WireFault) -> None:
        super().__init__(str(fault))
        self.sent = fault.sent
        self.error_type = fault.error_type
        self.status = fault.status
        self.phases = fault.phases


class WireConnectTimeout(WireTransportError, httpx.ConnectTimeout):  # noqa: N818  as httpx names it
    """`connect_timeout`."""


class WireConnectError(WireTransportError, httpx.ConnectError):
    """`connect_error` and `tls_error`."""


class WireReadTimeout(WireTransportError, httpx.ReadTimeout):  # noqa: N818  as httpx names it
    """`answer_timeout`."""


class WireReadError(WireTransportError, httpx.ReadError):
    """`connection_lost`."""


class WireProtocolError(WireTransportError, httpx.RemoteProtocolError):
    """`bad_framing` and `too_large`."""


_EXCEPTIONS: Final = MappingProxyType(
    {
        ErrorType.CONNECT_TIMEOUT: WireConnectTimeout,
        ErrorType.CONNECT_ERROR: WireConnectError,
        ErrorType.TLS_ERROR: WireConnectError,
        ErrorType.ANSWER_TIMEOUT: WireReadTimeout,
        ErrorType.CONNECTION_LOST: WireReadError,
        ErrorType.BAD_FRAMING: WireProtocolError,
        ErrorType.TOO_LARGE: WireProtocolError,
    }
)


class WireTransport(httpx.AsyncBaseTransport):
    """Sends method, target and form body over `wire`; the request's own header fields are not sent.

    The answer's only header field is Content-Length; `extensions["wire_answer"]` is the WireAnswer.
    The total deadline is `extensions["deadline_seconds"]`, else the client's read timeout, else
    `deadline_seconds`.
    """

    def __init__(self, wire: Wire, *, deadline_seconds: float = 10.0) -> None:
        self._wire = wire
        self._deadline_seconds = deadline_seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises WireTransportError, or httpx.LocalProtocolError for what the wire does not send."""
        method = request.method.encode("ascii")
        body = await request.aread() if method == b"POST" else None
        self._refuse_foreign(request, body)
        fault: WireFault | None = None
        try:
            answer = await self._wire.exchange(
                method, request.url.raw_path, body, deadline_seconds=self._deadline_of(request)
            )
        except WireFault as raised:
            fault = raised
        if fault is not None:
            raise _EXCEPTIONS[fault.error_type](fault)
        if answer.content_encoded:
            raise WireProtocolError(
                WireFault(ErrorType.BAD_FRAMING, sent=True, status=answer.status, phases=answer.phases)
            )
        return httpx.Response(
            answer.status,
            headers={"Content-Length": str(len(answer.body))},
            stream=httpx.ByteStream(answer.body),
            extensions={"http_version": b"HTTP/1.1", "wire_answer": answer},
        )

    async def aclose(self) -> None:
        await self._wire.aclose()

    def _refuse_foreign(self, request: httpx.Request, body: bytes | None) -> None:
        origin, url = self._wire.origin, request.url
        port = url.port or {"http": 80, "https": 443}.get(url.scheme)
        if (url.scheme, url.host, port) != (origin.scheme, origin.host, origin.port):
            raise httpx.LocalProtocolError("this transport speaks to one origin only")
        if request.method not in ("GET", "POST"):
            raise httpx.LocalProtocolError("this transport sends GET and POST only")
        if body is not None and request.headers.get("content-type", _FORM) != _FORM:
            raise httpx.LocalProtocolError("this transport sends form bodies only")

    def _deadline_of(self, request: httpx.Request) -> float:
        given = request.extensions.get("deadline_seconds")
        if given is None:
            given = request.extensions.get("timeout", {}).get("read")
        return self._deadline_seconds if given is None else float(given)
