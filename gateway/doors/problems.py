"""Errors as `application/problem+json` (RFC 9457), from the one catalogue."""

from typing import Any, Final

import orjson

from gateway.doors.exchange import Arrival, Header, Reply
from gateway.errors import Code, Refusal

MEDIA_TYPE: Final = b"application/problem+json"
TYPE_PREFIX: Final = "urn:make-call-gateway:problem:"
_NEEDS_RETRY_AFTER: Final = frozenset({429, 503, 409})


def problem_type(refusal: Refusal) -> str:
    """The `type` member: the registered one where there is one, else a name of our own."""
    registered = refusal.entry.type
    if registered != "about:blank":
        return registered
    return TYPE_PREFIX + refusal.code.value.lower().replace("_", "-")


def problem_body(refusal: Refusal, request_id: str, *, is_call: bool) -> bytes:
    """The problem's JSON. `is_call`: the request asked to make a call, so its state is told."""
    problem: dict[str, Any] = {
        "type": problem_type(refusal),
        "title": refusal.entry.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": request_id,
        "code": refusal.code.value,
    }
    if is_call:
        problem["callState"] = refusal.call_state.value
        problem["retryable"] = refusal.entry.retryable
    if refusal.problems:
        problem["problems"] = [
            {"pointer": p.pointer, "code": p.code.value, "detail": p.detail} for p in refusal.problems
        ]
    if refusal.violated_policies:
        problem["violated-policies"] = list(refusal.violated_policies)
    if refusal.call_id is not None:
        problem["callId"] = refusal.call_id
    return orjson.dumps(problem)


def refusal_headers(refusal: Refusal, *, has_credential: bool) -> tuple[Header, ...]:
    """`Retry-After` and `WWW-Authenticate`, where they are due."""
    if refusal.code is Code.UNAUTHENTICATED:
        error = b', error="invalid_token"' if has_credential else b""
        return ((b"www-authenticate", b'Bearer realm="gateway"' + error),)
    if refusal.status in _NEEDS_RETRY_AFTER:
        return ((b"retry-after", str(refusal.retry_after_seconds or 1).encode()),)
    return ()


def problem_reply(
    refusal: Refusal, arrival: Arrival, *, headers: tuple[Header, ...] = (), is_call: bool = False
) -> Reply:
    """A refusal as a REST answer."""
    due = refusal_headers(refusal, has_credential=b"authorization" in arrival.headers)
    body = problem_body(refusal, arrival.request_id, is_call=is_call)
    code, cause = refusal.code.value, refusal.cause
    return Reply(refusal.status, body, MEDIA_TYPE, due + headers, error_code=code, cause=cause)
