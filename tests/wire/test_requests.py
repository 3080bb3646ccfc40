"""What is written: exactly these bytes, once."""

import pytest

from gateway import __version__
from gateway.wire import Origin, Wire
from gateway.wire.request import RequestWriter
from tests.wire.conftest import only, wire_to
from tests.wire.upstream import RawUpstream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
TARGET = b"/api/json/calls/make/?auth_username=u;auth_password=s%3Bcret;snumber=1"


def test_a_get_is_these_bytes_and_nothing_else(run):
    """No cookie, no trace, no Connection field: what the upstream receives is constant but for the target."""
    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        answer = run(only(wire_to(upstream), b"GET", TARGET, None))
    assert (answer.status, answer.body) == (200, b"{}")
    assert upstream.requests == [
        b"GET " + TARGET + b" HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n"
        b"User-Agent: make-call-gateway/%s\r\n\r\n" % (upstream.port, __version__.encode())
    ]


def test_a_post_carries_its_form_body_and_length(run):
    """The form stays out of the target, and its length is told."""
    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        run(only(wire_to(upstream), b"POST", b"/calls/make/", b"a=1&b=2"))
    head, _, body = upstream.requests[0].partition(b"\r\n\r\n")
    assert body == b"a=1&b=2"
    assert head.startswith(b"POST /calls/make/ HTTP/1.1\r\n")
    assert head.endswith(b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7")


def test_a_large_post_arrives_whole(run):
    """A body beyond the socket's buffers is written to its end."""
    body = b"x" * 3_000_000
    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        answer = run(only(wire_to(upstream), b"POST", b"/", body))
    assert answer.status == 200
    assert upstream.requests[0].endswith(body)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (Origin("http", "pbx.example.com", 80), b"pbx.example.com"),
        (Origin("https", "pbx.example.com", 443), b"pbx.example.com"),
        (Origin("https", "pbx.example.com", 80), b"pbx.example.com:80"),
        (Origin("http", "::1", 8081), b"[::1]:8081"),
    ],
)
def test_the_host_field_names_the_origin(origin, host):
    """The default port is left out, an IPv6 address is bracketed."""
    assert b"\r\nHost: %b\r\n" % host in RequestWriter(origin, "x/1").write(b"GET", b"/", None)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        (b"GET", b"/s3cret HTTP/1.1\r\nX: y", None),
        (b"GET", b"/s3cret\xff", None),
        (b"GET", b"/s3cret#f", None),
        (b"GET", b"s3cret", None),
        (b"GET", b"/s3cret\n", None),
        (b"GET", b"/s3cret", b""),
        (b"POST", b"/s3cret", None),
        (b"DELETE", b"/s3cret", None),
    ],
)
def test_what_could_split_a_head_is_refused_without_being_quoted(run, method, target, body):
    """A target that could end its line, or a method of another kind, never reaches a socket."""
    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        with pytest.raises(ValueError, match=r"GET without|target starts") as caught:
            run(only(wire_to(upstream), method, target, body))
        assert upstream.connections == 0
    assert "s3cret" not in repr(caught.value)


def test_the_environments_proxies_are_not_read(run, monkeypatch):
    """A proxy in the environment would see, and might repeat, every call."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        assert run(only(wire_to(upstream), b"GET", b"/", None)).status == 200


def test_plaintext_and_tls_are_never_mixed_up(tls):
    """https without a context, or http with one, is a fault of the builder."""
    for scheme, context in (("https", None), ("http", tls.client)):
        with pytest.raises(ValueError, match="SSL context"):
            Wire(
                Origin(scheme, "127.0.0.1", 1),
                connect_timeout_seconds=1,
                reuse_connections=True,
                idle_connection_seconds=1,
                ssl_context=context,
            )
