"""The request that a connection is reading: it goes to a door whole, or to the application as it comes."""

from typing import Final

from gateway.doors.cycle import Cycle
from gateway.doors.exchange import Direct, Header
from gateway.doors.heads import Fault, Head, target_of, too_large, written_refusal
from gateway.doors.serving import Serving
from gateway.errors import Code, refuse

_COUNTED_BODY_BYTES: Final = 65_536
_CALLS: Final = b"/v1/calls"
_ASGI_ONLY: Final = frozenset({b"expect", b"origin"})
"""Fields of requests that go the ASGI way: uvicorn says "100 Continue", Starlette minds other origins."""


class Intake:
    """One request after the other, of one connection."""

    def __init__(self, serving: Serving) -> None:
        """Begins with `begin`."""
        self._serving = serving
        self.url = b""
        self.fields: list[Header] = []
        self._head_bytes = self._raw_bytes = self._body_bytes = 0
        self._expects_continue = self._is_asgi_only = False
        self._head: Head | None = None  # of a request that may come whole, for `_direct`
        self._direct: Direct | None = None
        self._parts: list[bytes] = []
        self._cycle: Cycle | None = None

    def begin(self) -> None:
        """A head begins."""
        self.url = b""
        self.fields = []
        self._head_bytes = self._raw_bytes = self._body_bytes = 0
        self._expects_continue = self._is_asgi_only = False

    def field(self, name: bytes, value: bytes) -> None:
        """A field of the head."""
        name = name.lower()
        if name in _ASGI_ONLY:
            self._is_asgi_only = True
            self._expects_continue |= name == b"expect" and value.lower() == b"100-continue"
        self.fields.append((name, value))

    def take(self, method: str, version: str, *, keep_alive: bool, is_upgrade: bool) -> None:
        """The head is whole and good. Raises httptools.HttpParserInvalidURLError."""
        path, raw_path, query = target_of(self.url)
        head = Head(method, version, path, raw_path, query, self.fields, keep_alive, self._expects_continue)
        self._head, self._cycle, self._parts = head, None, []
        direct = self._direct = self._serving.direct
        is_plain = version == "1.1" and method != "HEAD" and not is_upgrade and not self._is_asgi_only
        if direct is None or not is_plain or not direct.knows(path):
            self.hand_over()

    def hand_over(self) -> None:
        """A request that is not whole yet goes to the application, with what has come of its body."""
        if self._head is not None:
            head, self._head = self._head, None
            self._cycle = self._serving.cycle(head, self._parts)

    def feed(self, body: bytes) -> None:
        """A part of the body."""
        self._body_bytes += len(body)
        if self._cycle is not None:
            self._cycle.feed(body)
        else:
            self._parts.append(body)

    def end(self) -> None:
        """The request is whole; what follows is no part of it."""
        self.url, self.fields = b"", []
        if self._cycle is not None:
            self._cycle.end()
        elif self._head is not None and self._direct is not None:
            head, self._head = self._head, None
            self._serving.whole(head, self._parts, self._direct)

    def refusal(self, code: Code, detail: str, method: bytes) -> bytes:
        """The answer that ends the connection, to the head that is being read."""
        is_call = method == b"POST" and self.url.partition(b"?")[0] == _CALLS
        return written_refusal(refuse(code, detail), self.fields, is_call=is_call)

    def fault_of_size(self, received_bytes: int, *, is_head: bool, header_bytes: int) -> Fault | None:
        """Whether what came of a head, or of a body beside its content, is too much to hold."""
        if is_head:
            self._head_bytes += received_bytes
            return too_large(header_bytes) if self._head_bytes > header_bytes else None
        self._raw_bytes += received_bytes
        counted_bytes = min(self._body_bytes, _COUNTED_BODY_BYTES)
        if self._raw_bytes - self._body_bytes > header_bytes + counted_bytes:
            return Code.TOO_LARGE, "The chunks and trailers of the body are too large for what it holds."
        return None


__all__ = ["Intake"]
