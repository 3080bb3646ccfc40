"""What a request's head must be before anything reads it: pure, so that each rule can be tried alone.

Source: RFC 9112, sections 2.3 (version), 3.2 (Host), 6.1 (Transfer-Encoding) and 11.2 (smuggling).
"""

import re
from collections.abc import Iterable
from typing import Final

from gateway.errors import Code

_VERSIONS: Final = frozenset({"1.1", "1.0"})
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
_AUTHORITY: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%\[\]:-]*")

Field = tuple[bytes, bytes]
Fault = tuple[Code, str]


def too_large(header_bytes: int) -> Fault:
    """A head over its bound."""
    return Code.TOO_LARGE, f"The request's head must be at most {header_bytes} bytes."


def fault_of_head(
    url: bytes, fields: Iterable[Field], *, version: str, method: bytes, header_bytes: int
) -> Fault | None:
    """Why a head that the parser took is refused all the same; names of `fields` are lower case."""
    size = len(url)
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
