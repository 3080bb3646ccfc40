"""The one place that writes a request, as the bytes of RFC 9112 section 3."""

import re

from gateway.values import value_class

_METHODS = frozenset((b"GET", b"POST"))
_TARGET = re.compile(
    rb"/[\x21-\x22\x24-\x7e]*"
)  # origin-form: visible ASCII, so it can't split the head; no "#"
_VISIBLE = re.compile(r"[\x20-\x7e]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@value_class(frozen=True, slots=True)
class Origin:
    """`scheme` is "http" or "https"; `host` a name or an address, IPv6 without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The value of the Host field (RFC 9110 section 7.2): the default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if _DEFAULT_PORTS.get(self.scheme) == self.port else f"{host}:{self.port}"


class RequestWriter:
    """Holds the constant part of the head for one origin; `write` is all that is left to do per request."""

    __slots__ = ("_get_tail", "_post_tail")

    def __init__(self, origin: Origin, user_agent: str) -> None:
        """Raises ValueError where the host or the user agent could break out of its header line."""
        if origin.scheme not in _DEFAULT_PORTS:
            raise ValueError("an origin's scheme is http or https")
        if not _VISIBLE.fullmatch(origin.host) or not _VISIBLE.fullmatch(user_agent):
            raise ValueError("host and user agent are visible ASCII")
        common = (
            f" HTTP/1.1\r\nHost: {origin.authority}\r\nAccept: application/json\r\n"
            f"Accept-Encoding: identity\r\nUser-Agent: {user_agent}\r\n"
        ).encode("ascii")
        self._get_tail = common + b"\r\n"
        self._post_tail = common + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "

    def write(self, method: bytes, target: bytes, body: bytes | None) -> bytes:
        """The request's bytes. Raises ValueError, which never quotes the target, for what can't be written.

        `target` is the path and query; `body` is for POST, and must be None for GET.
        """
        if method not in _METHODS or (body is None) != (method == b"GET"):
            raise ValueError("GET without a body, or POST with one")
        if _TARGET.fullmatch(target) is None:
            raise ValueError("a target starts with a slash and is visible ASCII without a fragment")
        if body is None:
            return b"%b %b%b" % (method, target, self._get_tail)
        return b"%b %b%b%d\r\n\r\n%b" % (method, target, self._post_tail, len(body), body)
