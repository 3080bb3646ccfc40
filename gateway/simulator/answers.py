"""What the simulator can say, and the manners, good and bad, in which it says it."""

import enum
import html
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

import orjson

from .page import Fault


class Manner(enum.Enum):
    """How an answer meets the wire."""

    WHOLE = enum.auto()
    TRICKLE = enum.auto()  # a byte a second
    CLOSE = enum.auto()  # nothing is said, the connection is closed
    RESET = enum.auto()  # nothing is said, the connection is reset
    HOLD = enum.auto()  # nothing is ever said, the connection stays


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer.

    code: the `responses[].code` that it tells, as the ledger keeps it; None if it tells none.
    after_seconds: how long after the request's last byte it is due.
    """

    body: bytes = b""
    code: str | None = None
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    manner: Manner = Manner.WHOLE
    after_seconds: float = 0.0


# The page's table "Responses", shortened to the sentences that a `message` would hold.
MESSAGES = {
    "200": "OK",
    "204": "OK",
    "401": "The authentication details provided are invalid.",
    "402": "Your role does not allow this.",
    "403": "Your rate plan does not allow this.",
    "500": "Internal error.",
}


def reference(callid: str) -> dict[str, object]:
    """The page's `data`: where the call can be found at the switch."""
    return {"machine": 1, "server": "asterisk01", "callid": callid}


@cache
def told(code: str) -> Answer:
    """A code without data, as the page writes it, under HTTP 200."""
    return Answer(_json({"responses": [_entry(code)]}), code)


def requested(callid: str) -> Answer:
    """Code 200 with the call's reference."""
    return Answer(_json({"responses": [_entry("200")], "data": reference(callid)}), "200")


def bad_input(faults: Iterable[Fault]) -> Answer:
    """Code 400, an entry for each faulty parameter."""
    entries = [{"code": "400", "key": fault.key, "message": fault.message} for fault in faults]
    return Answer(_json({"responses": entries}), "400")


def page(status: HTTPStatus, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An HTML page, which is what web servers in front of a PBX say when they speak for themselves."""
    title = f"{status.value} {status.phrase}"
    body = (
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{html.escape(text)}</body></html>\n"
    )
    return Answer(body.encode(), None, status.value, "text/html; charset=utf-8", headers)


def rendered(answer: Answer, *, without_body: bool, connection: str | None) -> bytes:
    """The answer as HTTP/1.1 bytes.

    without_body: for HEAD (RFC 9110 section 9.3.2). connection: the header's value, None for no header.
    """
    head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    # RFC 9110 section 8.6 forbids a length on a 204. The simulator writes one only where it sins on purpose.
    if answer.body or answer.status != HTTPStatus.NO_CONTENT:
        head += [f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body)}"]
    head += [f"{name}: {value}" for name, value in answer.headers]
    if connection:
        head.append(f"Connection: {connection}")
    return "\r\n".join((*head, "", "")).encode("latin-1") + (b"" if without_body else answer.body)


def _entry(code: str) -> dict[str, str]:
    return {"code": code, "key": "", "message": MESSAGES[code]}


def _json(document: dict[str, object]) -> bytes:
    return orjson.dumps(document)
