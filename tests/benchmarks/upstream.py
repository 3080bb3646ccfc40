"""What stands behind every server that is measured: one nginx, which answers calls and takes in spans."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.ledger.valkey import free_port

ANSWER: Final = '{ "responses":[ { "code":"204", "key":"", "message":"OK" } ] }'
_NGINX: Final = """
worker_processes 1; daemon off; pid %(place)s/pid; error_log %(place)s/error.log;
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 100000000; client_max_body_size 64m; client_body_buffer_size 1m;
  client_body_temp_path %(place)s/a; proxy_temp_path %(place)s/b; fastcgi_temp_path %(place)s/c;
  uwsgi_temp_path %(place)s/d; scgi_temp_path %(place)s/e;
  log_format bytes '$request_length';
  server { listen 127.0.0.1:%(calls)d backlog=4096;
    location / { default_type application/json; return 200 '%(answer)s'; }
    location /v1/traces { access_log %(place)s/spans.log bytes; default_type application/x-protobuf;
      return 200 ''; }
  }
  server { listen 127.0.0.1:%(status)d; location / { stub_status; } }
}
"""


@dataclass(frozen=True)
class Upstream:
    """A running nginx: `url` takes calls, and spans at /v1/traces."""

    url: str
    status_url: str
    spans: Path

    def requests(self) -> int:
        """Every request so far, this question among them."""
        told = httpx.get(self.status_url, trust_env=False).text
        return int(told.splitlines()[2].split()[2])

    def span_bytes(self) -> int:
        """The bytes of every export of spans so far."""
        return sum(map(int, self.spans.read_text().split())) if self.spans.exists() else 0


@contextmanager
def upstream() -> Iterator[Upstream]:
    """nginx, answering every call with the page's 204."""
    with tempfile.TemporaryDirectory() as directory:
        place, calls, status = Path(directory), free_port(), free_port()
        config = place / "nginx.conf"
        told = {"place": place, "calls": calls, "status": status, "answer": ANSWER}
        config.write_text(_NGINX % told)
        # Its temporary folders belong to its worker's user, which has to reach them.
        place.chmod(0o755)
        process = subprocess.Popen(["nginx", "-c", str(config)])
        try:
            url = f"http://127.0.0.1:{calls}"
            until_answering(url, process)
            yield Upstream(url, f"http://127.0.0.1:{status}", place / "spans.log")
        finally:
            process.terminate()
            process.wait()


def until_answering(url: str, process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    """Wait until a server answers anything at all; AssertionError after 30 s or when it has ended."""
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{process.args!r} does not answer"
            time.sleep(0.02)
        else:
            return
