"""HTTP/1.1 as a web server speaks it: persistence, order, limits, and who closes."""

import asyncio
import contextlib
import http.client

import pytest

from gateway.simulator import SimulatorOptions, serve

from .conftest import CREDENTIALS, PATH, playing, written

QUERY = written({**CREDENTIALS, "snumber": "1", "cnumber": "2"})
CALL = f"GET {PATH}?{QUERY} HTTP/1.1\r\nHost: pbx\r\n\r\n".encode("ascii")
FORM = "application/x-www-form-urlencoded"


def until_closed(client) -> bytes:
    """Everything that comes before the other side closes."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_connection_serves_many_requests(simulator):
    """Calls, pages and the ledger, of any status, over one connection."""
    client = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=20)
    client.connect()
    wire = client.sock
    for target, status in (
        (f"{PATH}?{QUERY}", 200),
        ("/", 404),
        ("/_ledger", 200),
        (f"{PATH}?{QUERY}0501", 500),
    ):
        client.request("GET", target)
        answer = client.getresponse()
        answer.read()
        assert (answer.status, client.sock) == (status, wire)
    client.close()


def test_pipelined_requests_are_answered_in_order(simulator):
    """Requests sent at once, in pieces of any size, each get their answer in turn."""
    with simulator.connect() as client:
        requests = (
            CALL
            + b"GET / HTTP/1.1\r\nHost: pbx\r\n\r\n"
            + CALL.replace(b"Host", b"Connection: close\r\nHost")
        )
        for begin in range(0, len(requests), 7):
            client.sendall(requests[begin : begin + 7])
        answers = until_closed(client)
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404", b"200"]


@pytest.mark.parametrize(
    ("request_line", "header", "expected", "closes"),
    [
        ("HTTP/1.1", "", None, False),
        ("HTTP/1.1", "Connection: keep-alive\r\n", None, False),
        ("HTTP/1.1", "Connection: close\r\n", "close", True),
        ("HTTP/1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\n", "close", True),
        ("HTTP/1.0", "", "close", True),
        ("HTTP/1.0", "Connection: keep-alive\r\n", "keep-alive", False),
    ],
)
def test_who_closes_is_said_and_done(simulator, request_line, header, expected, closes):
    """Persistence is the version's default or what the client asks for, and the answer says which."""
    with simulator.connect() as client:
        client.sendall(f"GET {PATH}?{QUERY} {request_line}\r\nHost: pbx\r\n{header}\r\n".encode("ascii"))
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.read().startswith(b'{"responses"')
        assert answer.getheader("Connection") == expected
        client.settimeout(0.2)
        if closes:
            assert client.recv(1) == b""
        else:
            with pytest.raises(TimeoutError):
                client.recv(1)


def test_a_chunked_form_is_read_whole(simulator):
    """A POST needs no Content-Length."""
    client = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=20)
    pieces = iter([QUERY[:9].encode("ascii"), QUERY[9:].encode("ascii")])
    client.request("POST", PATH, pieces, {"Content-Type": FORM}, encode_chunked=True)
    assert b'"code":"204"' in client.getresponse().read()
    client.close()


def test_head_gets_a_head_alone(simulator):
    """The length of a page that does not follow, and the next answer comes right after."""
    with simulator.connect() as client:
        client.sendall(
            b"HEAD / HTTP/1.1\r\nHost: pbx\r\n\r\n" + CALL.replace(b"Host", b"Connection: close\r\nHost")
        )
        first, second = until_closed(client).split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"404")
    assert first.endswith(b"\r\n\r\n")
    assert second.startswith(b"200")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
        (b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 2097152\r\n\r\n" + b"x" * 1_048_600, b"413"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 1_048_600, b"413"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_closed(simulator, sent, status):
    """Bytes that are no request, and requests beyond a megabyte, get a page and the end."""
    with simulator.connect() as client:
        client.sendall(sent)
        assert client.recv(12) == b"HTTP/1.1 " + status
    assert simulator.call().status == 200


def test_stopping_cuts_whoever_is_connected():
    """Idle, held and waiting connections all end, and serve returns."""
    with playing(latency_ms=60_000) as simulator:
        idle, waiting = simulator.connect(), simulator.connect()
        waiting.sendall(CALL)
        while not simulator.ledger():
            pass
    for client in (idle, waiting):
        with client, contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_taken_port_is_an_error_of_serve(simulator):
    """Two simulators cannot share a port: the second one says so and leaves no thread or file behind."""
    with pytest.raises(OSError, match="in use"):
        asyncio.run(serve(SimulatorOptions(port=simulator.port), ready=print, stop=asyncio.Event()))


def test_the_options_show_no_passwords():
    """Options end up in tracebacks and logs."""
    assert "s3cret" not in repr(SimulatorOptions(users=(("crm", "s3cret"),)))
