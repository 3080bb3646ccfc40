"""A request's head, and what it must be before anything reads it: pure, so that each rule can be tried alone.

Source: RFC 9112, sections 2.3 (version), 3.2 (Host), 6.1 (Transfer-Encoding) and 11.2 (smuggling).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import httptools

from gateway.doors.problems import MEDIA_TYPE, problem_body
from gateway.errors import Code, Refusal
from gateway.random_bytes import random_bytes
from gateway.values import value_class

_VERSIONS: Final = frozenset({"1.1", "1.0"})
_LINE_BYTES: Final = len(b"  HTTP/1.1\r\n") + len(b"\r\n")
"""Of a request line beside method and target, and of the line that ends a head."""
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
_AUTHORITY: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%\[\]:-]*")

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._~+/=-]{1,128}")

_REFUSED: Final = (
    b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n"
    b"cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
)

Field = tuple[bytes, bytes]
Fault = tuple[Code, str]


@value_class(frozen=True, slots=True)
class Head:
    """A head that was taken: `path` is decoded, `raw_path` and `query` are as they came, names of
    `fields` are lower case; `expects_continue`: RFC 9110, section 10.1.1."""

    method: str
    version: str
    path: str
    raw_path: bytes
    query: bytes
    fields: list[Field]
    keep_alive: bool
    expects_continue: bool


def too_large(header_bytes: int) -> Fault:
    """A head over its bound."""
    return Code.TOO_LARGE, f"The request's head must be at most {header_bytes} bytes."


def fault_of_head(
    url: bytes, fields: Iterable[Field], *, version: str, method: bytes, header_bytes: int
) -> Fault | None:
    """Why a head that the parser took is refused all the same; names of `fields` are lower case."""
    size = len(method) + len(url) + _LINE_BYTES
    hosts: list[bytes] = []
    codings: list[bytes] = []
    for name, value in fields:
        size += len(name) + len(value) + 4  # the colon, the space and the line's end
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value.lower())
    if size > header_bytes:
        return too_large(header_bytes)
    detail = ""
    if version not in _VERSIONS:
        detail = "The protocol must be HTTP/1.1 or HTTP/1.0."
    elif method == b"CONNECT":
        detail = "CONNECT is not taken here: this is no proxy."
    elif codings and (codings != [b"chunked"] or version == "1.0"):
        detail = "The only Transfer-Encoding taken is a single `chunked`, in HTTP/1.1."
    else:
        detail = _fault_of_hosts(hosts, version)
    return (Code.MALFORMED_REQUEST, detail) if detail else None


def _fault_of_hosts(hosts: list[bytes], version: str) -> str:
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return "An HTTP/1.1 request has exactly one Host field."
    if hosts and _AUTHORITY.fullmatch(hosts[0]) is None:
        return "The Host field is no host with an optional port."
    return ""


def framing_of(fields: Iterable[Field]) -> bytes:
    """The lines of a head that frame its body; empty where there is none."""
    return b"\r\n".join(b"%b: %b" % field for field in fields if field[0] in _FRAMING)


def request_id_of(given: bytes | None) -> str:
    """The client's own request id where it is sane, else a new one."""
    if given is not None and _SANE_ID.fullmatch(given) is not None:
        return given.decode("ascii")
    return random_bytes(16).hex()


def written_refusal(refusal: Refusal, fields: Iterable[Field], *, is_call: bool) -> bytes:
    """The answer to a request that never reaches a door; the connection ends with it. `fields` are those
    that have been read, `is_call`: as far as that tells, it asked for a call."""
    request_id = request_id_of(next((value for name, value in fields if name == b"x-request-id"), None))
    body = problem_body(refusal, request_id, is_call=is_call)
    reason = b"Content Too Large" if refusal.status == 413 else b"Bad Request"
    return _REFUSED % (refusal.status, reason, MEDIA_TYPE, len(body), request_id.encode()) + body


@lru_cache(maxsize=512)
def target_of(url: bytes) -> tuple[str, bytes, bytes]:
    """The path decoded, the path as it came, and the query, of a request's target.

    A path with an encoded slash stays as it came, and leads nowhere: decoded it would be another path
    than the one that a proxy before this gateway has judged (RFC 3986, section 2.2). Raises
    httptools.HttpParserInvalidURLError.
    """
    parsed: Any = httptools.parse_url(url)  # its types deny that there may be no query
    raw_path: bytes = parsed.path
    query: bytes | None = parsed.query
    path = raw_path.decode("ascii")
    if "%" in path and "%2f" not in path.lower():
        path = unquote(path)
    return path, raw_path, b"" if query is None else query
