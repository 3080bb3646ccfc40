"""haproxy as the load balancer before the gateways: it asks /readyz, and retries nothing."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

CHECK_MS: Final = 200

_CONFIGURATION: Final = """\
global
  maxconn 2000
defaults
  mode http
  timeout connect 2s
  timeout check 3s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
  retries 0
  retry-on none
frontend doors
  bind 127.0.0.1:{front}
  default_backend gateways
backend gateways
  option httpchk GET /readyz
{servers}
"""


@contextmanager
def balanced(directory: Path, front: int, servers: dict[str, tuple[int, int]]) -> Iterator[str]:
    """The proxy's URL. `servers` are public and admin ports by name; they need not be up yet."""
    lines = [
        f"  server {name} 127.0.0.1:{public} check port {admin} inter {CHECK_MS} fall 1 rise 1"
        for name, (public, admin) in servers.items()
    ]
    path = directory / "haproxy.cfg"
    path.write_text(_CONFIGURATION.format(front=front, servers="\n".join(lines)))
    with (directory / "haproxy.log").open("w") as log:
        process = subprocess.Popen(["haproxy", "-db", "-f", str(path)], stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{front}"
            _until_routed(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def _until_routed(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until answers have come for several checks on end: haproxy first takes a server for up, and only
    its first check tells which of them are there."""
    deadline = time.monotonic() + 30
    since: float | None = None
    while since is None or time.monotonic() - since < 4 * CHECK_MS / 1000:
        since = (since or time.monotonic()) if _is_routed(url) else None
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_routed(url: str) -> bool:
    try:
        return httpx.get(f"{url}/openapi.json", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
