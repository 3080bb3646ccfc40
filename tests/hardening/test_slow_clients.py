"""A thousand clients that never finish: honest ones are served as ever, and the slow ones are let go."""

import selectors
import socket
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.hardening.letters import CHUNKED, framed, head, request
from tests.house import Gateway, configuration, number, serving, simulated, tenant

HALF_OPEN = 1_000
BOUND_SECONDS = 4
HONEST = 60
GROWTH_BYTES = 64 * 1024 * 1024
HALVES = (
    b"",
    b"\r\n",
    b"POST /v1/calls HTT",
    request()[:80],
    request()[:-3],
    framed(CHUNKED, b"5\r\n{"),
    head(b"POST /graphql HTTP/1.1", b"Content-Length: 100\r\n"),
)

pytestmark = pytest.mark.serial


@contextmanager
def bounded_gateway(directory: Path):
    with simulated(directory / "ledger.jsonl") as simulator:
        settings = configuration(
            directory,
            simulator.url,
            {"acme": tenant("acme")},
            limits={"header_seconds": BOUND_SECONDS, "body_seconds": BOUND_SECONDS},
        )
        with serving(directory, settings) as gateway:
            yield gateway


def connect(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2])))


def resident_bytes(gateway: Gateway) -> int:
    return int(Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1]) * 4096


def descriptors(gateway: Gateway) -> int:
    return len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir()))


def honest_seconds(gateway: Gateway) -> list[float]:
    """How long each of some honest calls takes, each on a connection of its own."""
    found = []
    for _ in range(HONEST):
        started = time.monotonic()
        answer = gateway.call("rest", "acme", number(), Connection="close")
        found.append(time.monotonic() - started)
        assert answer.status == 202, answer.body
    return sorted(found)


def wait_ended(socks: list[socket.socket], seconds: float) -> int:
    """How many of these connections the server has not ended in that time."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(0.2):
                try:
                    ended = not key.fileobj.recv(65536)
                except OSError:
                    ended = True
                if ended:
                    selector.unregister(key.fileobj)
        return len(selector.get_map())


def test_a_thousand_half_open_connections_starve_nobody(tmp_path):
    """Silence, half heads, half bodies: honest calls go on, and each slow connection ends in its time."""
    with bounded_gateway(tmp_path) as gateway, ExitStack() as held:
        alone = honest_seconds(gateway)
        memory, files = resident_bytes(gateway), descriptors(gateway)
        socks = [held.enter_context(connect(gateway)) for _ in range(HALF_OPEN)]
        for position, sock in enumerate(socks):
            sock.sendall(HALVES[position % len(HALVES)])
        crowded = honest_seconds(gateway)
        assert crowded[HONEST // 2] < 10 * alone[HONEST // 2] + 0.05
        assert resident_bytes(gateway) - memory < GROWTH_BYTES
        assert wait_ended(socks, BOUND_SECONDS + 15) == 0
        assert len(honest_seconds(gateway)) == HONEST
        assert descriptors(gateway) < files + 10
        assert gateway.metric("http_server_active_requests") == 0
        assert gateway.metric("gateway_calls_total", outcome="internal") == 0


@pytest.mark.parametrize(
    "slow", [request()[:300], framed(CHUNKED, b"1\r\n \r\n" * 300)], ids=["head", "body"]
)
def test_a_trickle_does_not_buy_time(tmp_path, slow):
    """A byte now and then stops no clock: the bounds are on the whole head and the whole body."""
    with bounded_gateway(tmp_path) as gateway, ExitStack() as held:
        start = 0 if slow.startswith(b"POST") and CHUNKED not in slow else slow.index(b"\r\n\r\n") + 4
        socks = [held.enter_context(connect(gateway)) for _ in range(100)]
        for sock in socks:
            sock.sendall(slow[:start])
        started, position, ended = time.monotonic(), start, 0
        while ended < len(socks) and time.monotonic() - started < BOUND_SECONDS + 15:
            ended = 0
            for sock in socks:
                try:
                    sock.sendall(slow[position : position + 1])
                except OSError:
                    ended += 1
            position = min(position + 1, len(slow) - 1)
            time.sleep(0.1)
        assert ended == len(socks)
        assert honest_seconds(gateway)
