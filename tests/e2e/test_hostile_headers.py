"""Headers made to cost much, or to be just too long."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.benchmarks.process import cpu_seconds
from tests.house import MAKE_CALL, to

CHARACTERS = 14_000
"""As many as fit in the head (`limits.header_bytes`) beside the rest."""

TIMES = 3
CPU_SECONDS = 0.1
"""Many times what such a request takes, and a tenth of what one took whose quotes were each followed to the
end. The least of a few tries counts, each with another header: what was read once may be kept."""


@pytest.mark.parametrize("path", ["/v1/calls", "/graphql"])
@pytest.mark.parametrize(
    "name",
    [
        "Accept",
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "Origin",
        "Prefer",
        "traceparent",
        "tracestate",
    ],
)
@pytest.mark.parametrize("unit", ['"\\', '"', ',"', ";a=", "a,", " ", "\t", "0"])
def test_no_header_holds_up_the_others(unit, name, path, gateway):
    """Whatever it holds it is read once; all else waits meanwhile, as there is one event loop."""
    value = unit * (CHARACTERS // len(unit))
    call = to("0204", dryRun=True)
    body = {"query": MAKE_CALL, "variables": {"input": call}} if path == "/graphql" else call
    taken = []
    for number in range(TIMES):
        before = cpu_seconds(gateway.process.pid)
        headers = {**gateway.headers("acme"), name: f"{number}{value}{number}"}
        answer = gateway.client.post(path, json=body, headers=headers)
        assert answer.status_code < 500
        taken.append(cpu_seconds(gateway.process.pid) - before)
    assert min(taken) < CPU_SECONDS


def head(length: int) -> bytes:
    """A request of so many bytes, without a body."""
    begun = b"GET /v1/quota HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Padding: "
    return begun + b"x" * (length - len(begun) - 4) + b"\r\n\r\n"


@pytest.mark.parametrize(("length", "status"), [(16_384, b"401"), (16_385, b"413")])
def test_the_bound_of_the_head_counts_its_bytes(length, status, gateway):
    """All of them, from the request line to the empty line: up to 16,384 it is read."""
    place = urlsplit(gateway.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as client:
        client.sendall(head(length))
        assert client.recv(65536).split(b" ")[1] == status
