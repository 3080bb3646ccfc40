"""A haproxy in front of replicas: it asks their admin port whether they are ready, and repeats nothing."""

import csv
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.house import until
from tests.ledger.valkey import free_port

CHECK_MS = 100
"""How often each replica is asked. One `no` takes it out; being slow to say `yes` does not."""

# `retry-on conn-failure` with `redispatch` moves a request whose connection was refused to another
# replica: nothing of it was sent. It is never sent a second time: of a call request whose answer was
# lost nobody could say whether it was placed.
CONFIGURATION = """
global
  maxconn 2000
  log stdout format raw local0
  stats socket {socket} mode 600 level admin
defaults
  mode http
  log global
  option httplog
  option log-health-checks
  timeout connect 2s
  timeout client 75s
  timeout server 75s
  timeout http-request 10s
  timeout check 2s
  retries 3
  retry-on conn-failure
  option redispatch 1
frontend doors
  bind 127.0.0.1:{port}
  default_backend gateways
backend gateways
  balance roundrobin
  option httpchk
  http-check send meth GET uri /readyz
  http-check expect status 200
  default-server check inter {check_ms}ms fastinter {check_ms}ms downinter {check_ms}ms fall 1 rise 1
{servers}
"""


@dataclass(frozen=True)
class Replica:
    """Where one replica listens."""

    name: str
    port: int
    admin_port: int


@dataclass(frozen=True)
class Proxy:
    """A running haproxy."""

    url: str
    socket: Path

    def states(self) -> dict[str, str]:
        """What the proxy holds of each replica: `UP`, `DOWN` and the like."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.socket))
            client.sendall(b"show stat gateways 4 -1\n")
            text = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        rows = csv.DictReader(text.removeprefix("# ").strip().splitlines())
        return {row["svname"]: row["status"] for row in rows}


@contextmanager
def proxied(directory: Path, replicas: Sequence[Replica]) -> Iterator[Proxy]:
    """A proxy over these replicas, which need not run yet."""
    port, control = free_port(), directory / "haproxy.sock"
    servers = "\n".join(
        f"  server {each.name} 127.0.0.1:{each.port} port {each.admin_port}" for each in replicas
    )
    config = directory / "haproxy.cfg"
    config.write_text(CONFIGURATION.format(socket=control, port=port, check_ms=CHECK_MS, servers=servers))
    with (directory / "haproxy.log").open("w") as log:
        process = subprocess.Popen(["haproxy", "-db", "-f", str(config)], stdout=log, stderr=log)
        try:
            until(control.exists)
            yield Proxy(f"http://127.0.0.1:{port}", control)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


__all__ = ["Proxy", "Replica", "proxied"]
