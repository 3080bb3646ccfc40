"""Which web pages may call the doors (the Fetch standard, section 3.2), by the contract's header names."""

from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from gateway.doors.heads import request_id_of
from gateway.doors.problems import MEDIA_TYPE, problem_body
from gateway.errors import Code, refuse

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


_OF_THE_BODY: Final = frozenset({"content-length", "content-type"})


class Cors(CORSMiddleware):
    """Starlette's, whose own answers carry a request id like all others; a refusal is a problem document."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a preflight."""
        response = super().preflight_response(request_headers)
        given = request_headers.get("x-request-id")
        request_id = request_id_of(None if given is None else given.encode("latin-1"))
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            response = _problem(response, request_id)
        response.headers["X-Request-ID"] = request_id
        return response


def _problem(response: Response, request_id: str) -> Response:
    refusal = refuse(Code.MALFORMED_REQUEST, f"{bytes(response.body).decode()}: see the gateway's `cors`.")
    headers = {name: value for name, value in response.headers.items() if name not in _OF_THE_BODY}
    return Response(
        problem_body(refusal, request_id, is_call=False),
        refusal.status,
        {**headers, "Cache-Control": "no-store"},
        MEDIA_TYPE.decode(),
    )
