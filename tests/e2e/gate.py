"""An upstream that holds every call until it is told, so that nothing has to be timed."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from tests.house import until
from tests.wire.upstream import Peer, RawUpstream

_BODY = b'{"responses":[{"code":"204","key":"","message":"OK"}]}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


class Gate:
    """Answers 204 to each call once it is open; starts open."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._opened = threading.Event()
        self._opened.set()
        self.upstream = RawUpstream(self._script, tls)
        self._scheme = "https" if tls else "http"

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.upstream.port}"

    def _script(self, peer: Peer) -> None:
        while True:
            peer.read_request()
            self._opened.wait(30)
            peer.send(ANSWER)

    def dials(self, callee: str) -> int:
        """How many requests for that callee were received whole."""
        wanted = f";cnumber={callee}"
        targets = [unquote(r.split(b"\r\n", 1)[0].decode("ascii")) for r in tuple(self.upstream.requests)]
        return sum(wanted in target.replace(" ", ";") for target in targets)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Hold what is dialled in the block; all of it is answered at the block's end."""
        self._opened.clear()
        try:
            yield
        finally:
            self._opened.set()

    def await_dials(self, callee: str, count: int = 1) -> None:
        """Until so many calls for that callee are on the wire."""
        until(lambda: self.dials(callee) >= count)


@contextmanager
def gated(tls: ssl.SSLContext | None = None) -> Iterator[Gate]:
    """A gate that listens while the block runs, in plain text or over TLS."""
    gate = Gate(tls)
    with gate.upstream:
        yield gate
