"""Which web pages may call the doors (the Fetch standard, section 3.2), by the contract's header names."""

from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from gateway.doors.edge import request_id_of

EXPOSED: Final = (
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "X-Request-ID",
    "Idempotent-Replayed",
)
ALLOWED: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Prefer",
    "traceparent",
    "tracestate",
    "X-Request-ID",
)


class Cors(CORSMiddleware):
    """Starlette's, whose own answers carry a request id like all others."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a preflight."""
        response = super().preflight_response(request_headers)
        given = request_headers.get("x-request-id")
        response.headers["X-Request-ID"] = request_id_of(None if given is None else given.encode("latin-1"))
        return response
