"""A relay in front of the gateway that loses answers on their way back, or puts others in their place."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

_KEPT = frozenset({"authorization", "content-type", "accept", "idempotency-key"})


@dataclass
class Relay:
    """`losses` answers to come are lost: the gateway gave them, the client gets a closed connection.

    In place of those that follow the client gets `instead`, one of these whole HTTP answers each.
    """

    url: str
    losses: int = 0
    instead: list[bytes] = field(default_factory=list)


@contextmanager
def relaying(target: str) -> Iterator[Relay]:
    """A relay to a gateway's URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: value for name, value in self.headers.items() if name.lower() in _KEPT}
            answer = httpx.post(target + self.path, content=body, headers=headers, trust_env=False)
            self.close_connection = True
            if relay.losses:
                relay.losses -= 1
                return
            if relay.instead:
                self.wfile.write(relay.instead.pop(0))
                return
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in {"date", "server", "connection"}:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        relay = Relay(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()
