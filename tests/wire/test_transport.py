"""The wire behind an httpx client."""

import httpx
import pytest

from gateway.wire import WireTransport, WireTransportError
from tests.wire.conftest import wire_to
from tests.wire.test_faults import closed_port, deaf_port
from tests.wire.upstream import RawUpstream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def ask(run, port, tls=None, method="GET", path="/", extensions=None, **more):
    async def main():
        transport = WireTransport(wire_to(port, tls, connect_timeout_seconds=0.3))
        async with httpx.AsyncClient(transport=transport, timeout=0.3) as client:
            url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}"
            return await client.request(method, url, extensions=extensions, **more)

    return run(main())


def test_an_answer_becomes_a_response(run):
    """Status and body; the query goes out as it was written, semicolons and all."""
    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        response = ask(run, upstream.port, path="/calls/make/?a=1;b=%2A2")
    assert (response.status_code, response.content) == (200, b"{}")
    assert response.extensions["wire_answer"].status == 200
    assert upstream.requests[0].startswith(b"GET /calls/make/?a=1;b=%2A2 HTTP/1.1\r\n")


def test_a_form_is_posted_and_the_clients_own_fields_stay_at_home(run):
    """Cookies, authorization and tracing a client may add are not for a third party."""
    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        ask(run, upstream.port, method="POST", data={"a": "1"}, headers={"traceparent": "x", "Cookie": "y"})
    head, _, body = upstream.requests[0].partition(b"\r\n\r\n")
    assert body == b"a=1"
    assert not {b"traceparent", b"cookie"} & {line.split(b":")[0].lower() for line in head.split(b"\r\n")}


FAULTS = {
    "no answer": (lambda peer: peer.wait_closed(), httpx.ReadTimeout, "answer_timeout"),
    "ended": (lambda peer: peer.answer(), httpx.ReadError, "connection_lost"),
    "garbage": (lambda peer: peer.answer(b"garbage"), httpx.RemoteProtocolError, "bad_framing"),
    "too large": (
        lambda peer: peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"),
        httpx.RemoteProtocolError,
        "too_large",
    ),
    "encoded": (
        lambda peer: peer.answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx"),
        httpx.RemoteProtocolError,
        "bad_framing",
    ),
}


@pytest.mark.parametrize(("script", "kind", "error_type"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_becomes_httpxs_exception_and_says_sent(run, script, kind, error_type):
    """Code written for httpx catches it; code that must not dial twice asks `sent`."""
    with RawUpstream(script) as upstream, pytest.raises(kind) as caught:
        ask(run, upstream.port)
    assert isinstance(caught.value, WireTransportError)
    assert (caught.value.error_type, caught.value.sent) == (error_type, True)


def test_faults_to_connect_say_that_nothing_was_sent(run, tls):
    """Refused, deaf, and not TLS."""
    with deaf_port() as deaf, RawUpstream(lambda peer: peer.send(b"plain")) as plain:
        for port, context, kind, error_type in (
            (closed_port(), None, httpx.ConnectError, "connect_error"),
            (deaf, None, httpx.ConnectTimeout, "connect_timeout"),
            (plain.port, tls, httpx.ConnectError, "tls_error"),
        ):
            with pytest.raises(kind) as caught:
                ask(run, port, context)
            assert (caught.value.error_type, caught.value.sent) == (error_type, False)


def test_the_deadline_of_the_request_wins(run):
    """`deadline_seconds` bounds the whole exchange, whatever the client's own timeouts say."""
    with (
        RawUpstream(lambda peer: peer.wait_closed()) as upstream,
        pytest.raises(httpx.ReadTimeout) as caught,
    ):
        ask(run, upstream.port, extensions={"deadline_seconds": 0.05}, timeout=60)
    assert caught.value.sent


@pytest.mark.parametrize(
    ("method", "url", "more"),
    [
        ("GET", "http://127.0.0.1:1/", {}),
        ("GET", "https://127.0.0.1/", {}),
        ("DELETE", None, {}),
        ("POST", None, {"json": {}}),
    ],
)
def test_what_the_wire_does_not_send_is_refused(run, method, url, more):
    """Another origin, another method, another body."""

    async def main(upstream):
        async with httpx.AsyncClient(transport=WireTransport(wire_to(upstream))) as client:
            with pytest.raises(httpx.LocalProtocolError):
                await client.request(method, url or f"http://127.0.0.1:{upstream.port}/", **more)

    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        run(main(upstream))
        assert upstream.connections == 0
