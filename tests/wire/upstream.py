"""A raw upstream for tests: real sockets, one thread per connection, every byte scripted.

    with RawUpstream(lambda peer: peer.answer(b"HTTP/1.1 200 OK\\r\\n...")) as upstream: ...

A script is called once per connection with its `Peer`; when it returns the connection is ended politely
(FIN, over TLS after close_notify). `upstream.requests` holds the requests that were received whole.
"""

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_PATIENCE_SECONDS = 20.0


class Gone(Exception):  # noqa: N818  nothing went wrong
    """The client closed, or the test is over."""


class Peer:
    """The upstream's end of one connection; `number` counts the connections from 0."""

    def __init__(self, upstream: "RawUpstream", sock: socket.socket, number: int) -> None:
        self.number = number
        self._upstream = upstream
        self._sock = sock
        self._rest = b""

    def start_tls(self, context: ssl.SSLContext) -> None:
        try:
            self._sock = context.wrap_socket(self._sock, server_side=True, suppress_ragged_eofs=True)
        except OSError as error:
            raise Gone from error

    def read_request(self) -> bytes:
        """One whole request, noted in `upstream.requests`; raises Gone where the client closes before."""
        while True:
            end = self._rest.find(b"\r\n\r\n") + 4
            if end >= 4:
                length = _LENGTH.search(self._rest[:end])
                whole = end + (int(length[1]) if length else 0)
                if len(self._rest) >= whole:
                    request, self._rest = self._rest[:whole], self._rest[whole:]
                    self._upstream.note(request)
                    return request
            self._rest += self.receive()

    def receive(self) -> bytes:
        """Some bytes, of whatever kind."""
        try:
            data = self._sock.recv(65536)
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        return data

    def send(self, *pieces: bytes) -> None:
        """Each piece in a write of its own."""
        try:
            for piece in pieces:
                self._sock.sendall(piece)
        except OSError as error:
            raise Gone from error

    def answer(self, *pieces: bytes) -> None:
        """Reads a request, then sends."""
        self.read_request()
        self.send(*pieces)

    def reset(self) -> None:
        """RST instead of FIN."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()
        raise Gone

    def drop(self) -> None:
        """FIN without close_notify: over TLS a truncation."""
        plain = socket.socket(fileno=self._sock.detach())
        plain.shutdown(socket.SHUT_RDWR)
        plain.close()
        raise Gone

    def wait_closed(self) -> None:
        """Until the client closes; what it sends until then is read as requests, and noted."""
        with contextlib.suppress(Gone):
            while True:
                self.read_request()
        self._upstream.closed_by_client.release()

    def end(self) -> None:
        """FIN, over TLS after close_notify."""
        with contextlib.suppress(OSError):
            if isinstance(self._sock, ssl.SSLSocket):
                self._sock.settimeout(0.2)
                self._sock.unwrap()
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # the SSLSocket's own would unset its state
        self._sock.close()


class RawUpstream:
    """Listens on a loopback port of its own while the `with` block runs."""

    def __init__(self, script: Callable[[Peer], None], tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._lock = threading.Lock()
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.closed_by_client = threading.Semaphore(0)

    @property
    def connections(self) -> int:
        return len(self._peers)

    def note(self, request: bytes) -> None:
        with self._lock:
            self.requests.append(request)

    def __enter__(self) -> "RawUpstream":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            peer.close()
        for thread in list(self._threads):
            thread.join(_PATIENCE_SECONDS)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(_PATIENCE_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(self, sock, len(self._peers))
            self._peers.append(peer)
            self._start(self._serve, peer)

    def _serve(self, peer: Peer) -> None:
        try:
            if self._tls is not None:
                peer.start_tls(self._tls)
            self._script(peer)
            peer.end()
        except Gone:
            peer.close()
