"""Each fault at its phase: what it is called, and whether a byte can have left."""

import asyncio
import contextlib
import logging
import socket
import ssl
import sys
import threading
import time
import traceback

import pytest
import trustme

from gateway.wire import Origin, Wire, WireFault, client_ssl_context
from tests.wire.conftest import get, only, until, wire_to
from tests.wire.upstream import RawUpstream

CANARY = "c4n4ry-p4ssw0rd"
IS_COMPILED = not str(sys.modules[Wire.__module__].__file__).endswith(".py")
"""Whether it is the form of `gateway.native` that is tested."""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def fault_of(run, wire: Wire, **more) -> WireFault:
    with pytest.raises(WireFault) as caught:
        run(only(wire, b"GET", b"/", None, **more))
    return caught.value


def say(fault: WireFault) -> tuple[str, bool, int | None]:
    return (str(fault.error_type), fault.sent, fault.status)


@contextlib.contextmanager
def deaf_port():
    """A listener whose queue is full: further SYNs get no answer."""
    with socket.socket() as listener, contextlib.ExitStack() as queued:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = queued.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_refused_connection_sent_nothing(run, maybe_tls):
    """Nobody listens: not placed."""
    assert say(fault_of(run, wire_to(closed_port(), maybe_tls))) == ("connect_error", False, None)


def test_a_name_that_does_not_resolve_sent_nothing(run):
    """Faults of the name are faults to connect."""
    wire = Wire(
        Origin("http", "x" * 64 + ".invalid", 80),  # no resolver is asked: no label is that long
        connect_timeout_seconds=5,
        reuse_connections=True,
        idle_connection_seconds=1,
        ssl_context=None,
    )
    assert say(fault_of(run, wire)) == ("connect_error", False, None)


def test_a_name_is_resolved_and_every_address_tried(run):
    """localhost is ::1 and 127.0.0.1 on many machines; the upstream listens on one of them."""
    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        wire = Wire(
            Origin("http", "localhost", upstream.port),
            connect_timeout_seconds=5,
            reuse_connections=True,
            idle_connection_seconds=1,
            ssl_context=None,
        )
        assert run(only(wire, b"GET", b"/", None)).status == 200
    assert b"\r\nHost: localhost:" in upstream.requests[0]


@pytest.mark.parametrize("limits", [{"connect": 0.1, "deadline": 5.0}, {"connect": 5.0, "deadline": 0.1}])
def test_connecting_ends_at_whichever_limit_comes_first(run, maybe_tls, limits):
    """The connect timeout, and the total deadline that runs from the start of connecting."""
    with deaf_port() as port:
        wire = wire_to(port, maybe_tls, connect_timeout_seconds=limits["connect"])
        started = time.monotonic()
        fault = fault_of(run, wire, deadline_seconds=limits["deadline"])
        assert time.monotonic() - started < 2
    assert say(fault) == ("connect_timeout", False, None)


def test_a_handshake_that_hangs_is_a_connect_timeout(run, tls):
    """TCP is up, TLS never comes: still connecting, still nothing sent."""
    with RawUpstream(lambda peer: peer.wait_closed()) as upstream:
        fault = fault_of(run, wire_to(upstream, tls, connect_timeout_seconds=0.1))
        assert upstream.closed_by_client.acquire(timeout=5)
    assert say(fault) == ("connect_timeout", False, None)
    assert fault.phases.connect_seconds is not None
    assert fault.reason == "the TLS handshake did not end in time"


@pytest.mark.parametrize(
    "script",
    [
        lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        lambda peer: (peer.receive(), peer.drop()),
        lambda peer: (peer.receive(), peer.reset()),
    ],
    ids=["plaintext", "end", "reset"],
)
def test_a_handshake_that_fails_is_a_tls_error(run, tls, script):
    """Whatever breaks between TCP and the end of the handshake."""
    with RawUpstream(script) as upstream:
        fault = fault_of(run, wire_to(upstream, tls))
        assert say(fault) == ("tls_error", False, None)
        assert fault.reason
        assert upstream.requests == []


def test_a_certificate_of_another_authority_is_a_tls_error(run, tls):
    """Only the given authorities are trusted; without any, the system's."""
    other = trustme.CA().cert_pem.bytes().decode()
    for context in (client_ssl_context(other), client_ssl_context(None)):
        with RawUpstream(lambda peer: peer.answer(OK), tls.server) as upstream:
            fault = fault_of(run, wire_to(upstream, tls, ssl_context=context))
            assert upstream.requests == []
        assert say(fault) == ("tls_error", False, None)
        assert "CERTIFICATE_VERIFY_FAILED" in fault.reason


@pytest.mark.parametrize("text", ["", "\n", "no certificate"])
def test_authorities_that_are_none_are_refused(text):
    """They never become the system's."""
    with pytest.raises((ssl.SSLError, ValueError)):
        client_ssl_context(text)


def test_a_certificate_for_another_host_is_a_tls_error(run):
    """The certificate must name the origin's host."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(server)
    with RawUpstream(lambda peer: peer.answer(OK), server) as upstream:
        wire = Wire(
            Origin("https", "127.0.0.1", upstream.port),
            connect_timeout_seconds=5,
            reuse_connections=True,
            idle_connection_seconds=1,
            ssl_context=client_ssl_context(authority.cert_pem.bytes().decode()),
        )
        assert say(fault_of(run, wire)) == ("tls_error", False, None)


def test_old_tls_is_refused():
    """TLS 1.2 is the least, and host names are always checked."""
    context = client_ssl_context(None)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_a_client_certificate_asked_for_too_late_is_ambiguous_or_unsent(run, tls):
    """TLS 1.3 lets the client write before the server objects: sent unless the objection came first."""
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(strict)
    authority.configure_trust(strict)
    strict.verify_mode = ssl.CERT_REQUIRED
    client = client_ssl_context(None)
    authority.configure_trust(client)
    with RawUpstream(lambda peer: peer.answer(OK), strict) as upstream:
        fault = fault_of(run, wire_to(upstream, tls, ssl_context=client))
        assert upstream.requests == []
    assert say(fault) in {("connection_lost", True, None), ("connection_lost", False, None)}


AFTER_SENDING = {
    "no answer": (lambda peer: peer.wait_closed(), "answer_timeout", None),
    "ended": (lambda peer: peer.drop(), "connection_lost", None),
    "reset": (lambda peer: peer.reset(), "connection_lost", None),
    "half a head": (lambda peer: peer.send(b"HTTP/1.1 20"), "connection_lost", None),
    "half a body": (
        lambda peer: peer.send(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf"),
        "connection_lost",
        500,
    ),
    "reset in the body": (
        lambda peer: (peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), peer.reset()),
        "connection_lost",
        200,
    ),
    "reset where a close would end it": (
        lambda peer: (peer.send(b"HTTP/1.1 200 OK\r\n\r\nhalf"), peer.reset()),
        "connection_lost",
        200,
    ),
    "body never ends": (
        lambda peer: (peer.send(b"HTTP/1.1 200 OK\r\n\r\nhalf"), peer.wait_closed()),
        "answer_timeout",
        200,
    ),
    "garbage": (lambda peer: peer.send(b"\x16\x03\x01" * 9), "bad_framing", None),
    "bare line feeds, held open": (
        lambda peer: (peer.send(b"HTTP/1.1 200 OK\n\n"), peer.wait_closed()),
        "bad_framing",
        None,
    ),
    "bad chunk": (
        lambda peer: peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        "bad_framing",
        200,
    ),
    "told too large": (
        lambda peer: (peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n"), peer.wait_closed()),
        "too_large",
        200,
    ),
    "endless body": (
        lambda peer: [peer.send(b"HTTP/1.1 200 OK\r\n\r\n"), *iter(lambda: peer.send(b"x" * 9999), 0)],
        "too_large",
        200,
    ),
    "endless chunks of nothing but extensions": (
        lambda peer: [
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"),
            *iter(lambda: peer.send(b"x" * 9999), 0),
        ],
        "too_large",
        200,
    ),
    "endless head": (
        lambda peer: [peer.send(b"HTTP/1.1 200 OK\r\nX: "), *iter(lambda: peer.send(b"x" * 999), 0)],
        "too_large",
        None,
    ),
    "endless interim answers": (
        lambda peer: [*iter(lambda: peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 9), 0)],
        "bad_framing",
        None,
    ),
}


@pytest.mark.parametrize(("script", "error_type", "status"), AFTER_SENDING.values(), ids=AFTER_SENDING.keys())
def test_every_fault_after_the_first_byte_is_sent(run, maybe_tls, script, error_type, status):
    """The upstream has the request whole, so none of these may ever read as not placed."""

    def read_then(peer):
        peer.read_request()
        script(peer)

    with RawUpstream(read_then, maybe_tls and maybe_tls.server) as upstream:
        deadline_seconds = 0.4 if error_type == "answer_timeout" else 5.0
        fault = fault_of(run, wire_to(upstream, maybe_tls), deadline_seconds=deadline_seconds)
        assert len(upstream.requests) == 1
    assert say(fault) == (error_type, True, status)


def test_a_tls_end_without_close_notify_does_not_end_a_body(run, tls):
    """Anyone on the path can cut a connection; only close_notify says that the body was whole."""

    def script(peer):
        peer.answer(b'HTTP/1.1 200 OK\r\n\r\n{"responses":[]}')
        if cut:
            peer.drop()

    for cut in (True, False):
        with RawUpstream(script, tls.server) as upstream:
            if cut:
                fault = fault_of(run, wire_to(upstream, tls))
                assert say(fault) == ("connection_lost", True, 200)
            else:
                answer = run(only(wire_to(upstream, tls), b"GET", b"/", None))
                assert (answer.body, answer.body_is_framed) == (b'{"responses":[]}', False)


@pytest.mark.parametrize("banner", [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", None])
def test_a_peer_that_acts_before_it_is_asked_gets_no_request(run, banner):
    """An answer, or an end, that was there before the request belongs to nothing we asked."""
    acted = threading.Event()

    def script(peer):
        if banner is not None:
            peer.send(banner)
        else:
            peer.end()
        acted.set()

    async def main(upstream):
        wire = wire_to(upstream)
        opening = asyncio.create_task(get(wire))
        while not acted.wait(0.05):  # noqa: ASYNC110  the loop is to stand still until the peer has acted
            await asyncio.sleep(0)
        with pytest.raises(WireFault) as caught:
            await opening
        await wire.aclose()
        return caught.value

    with RawUpstream(script) as upstream:
        fault = run(main(upstream))
        assert say(fault) in {("connection_lost", False, None), ("bad_framing", False, None)}
        assert upstream.requests == []


@pytest.mark.parametrize("piece", [b"x", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["trickle", "interim"])
def test_one_deadline_bounds_a_slow_answer(run, maybe_tls, piece):
    """No single read is slow, so no timeout per read would ever end this."""

    def script(peer):
        peer.read_request()
        if piece == b"x":
            peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        pause = threading.Event()
        while True:
            peer.send(piece)
            pause.wait(0.06)

    async def main(upstream):
        loop = asyncio.get_running_loop()
        wire = wire_to(upstream, maybe_tls)
        started = loop.time()
        with pytest.raises(WireFault) as caught:
            await get(wire, deadline_seconds=0.4)
        assert 0.35 < loop.time() - started < 2
        await wire.aclose()
        return caught.value

    with RawUpstream(script, maybe_tls and maybe_tls.server) as upstream:
        assert say(run(main(upstream)))[:2] == ("answer_timeout", True)


@pytest.mark.parametrize("phase", ["tls", "answer", "body"])
def test_cancelling_closes_the_connection_and_leaks_nothing(run, tls, phase):
    """Wherever it was: the peer sees the end, the counts are back at zero."""
    reached = threading.Semaphore(0)

    def script(peer):
        if phase != "tls":
            peer.start_tls(tls.server)
            peer.read_request()
        if phase == "body":
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nsome")
        reached.release()
        peer.wait_closed()

    async def main(upstream):
        wire = wire_to(upstream, tls)
        for _ in range(3):
            task = asyncio.create_task(get(wire))
            await until(lambda: reached.acquire(blocking=False))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (wire.active_connections, wire.idle_connections) == (0, 0)
        await wire.aclose()
        assert len(asyncio.all_tasks()) == 1

    with RawUpstream(script) as upstream:
        run(main(upstream))
        assert all(upstream.closed_by_client.acquire(timeout=5) for _ in range(3))


def test_cancelling_while_connecting_leaks_nothing(run):
    """No slot, no task, no socket (an unclosed one fails the suite)."""

    async def main(port):
        wire = wire_to(port)
        task = asyncio.create_task(get(wire))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (wire.active_connections, wire.idle_connections) == (0, 0)
        await wire.aclose()
        assert len(asyncio.all_tasks()) == 1

    with deaf_port() as port:
        run(main(port))


def test_what_stops_before_sending_sends_nothing(run):
    """`on_sending` is asked right before the first byte: where it raises, its exception comes through."""

    def refuse():
        raise LookupError("not now")

    async def main(upstream):
        wire = wire_to(upstream)
        with pytest.raises(LookupError, match="not now"):
            await get(wire, on_sending=refuse)
        assert (wire.active_connections, wire.idle_connections) == (0, 0)
        told = []
        await get(wire, on_sending=lambda: told.append(len(upstream.requests)))
        assert told == [0]
        await wire.aclose()

    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        run(main(upstream))
        assert len(upstream.requests) == 1


def test_phases_are_told_where_they_were_reached(run, maybe_tls):
    """A fresh connection has connect (and TLS), a reused one has neither, a fault has what it got to."""

    def script(peer):
        peer.answer(OK)
        peer.answer(OK)
        peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")

    async def main(upstream):
        wire = wire_to(upstream, maybe_tls)
        fresh, reused = await get(wire), await get(wire)
        with pytest.raises(WireFault) as caught:
            await get(wire)
        await wire.aclose()
        return fresh.phases, reused.phases, caught.value.phases

    with RawUpstream(script, maybe_tls and maybe_tls.server) as upstream:
        fresh, reused, faulted = run(main(upstream))
    assert fresh.connect_seconds > 0
    assert (fresh.tls_seconds is not None) == (maybe_tls is not None)
    assert (reused.connect_seconds, reused.tls_seconds) == (None, None)
    for phases in (fresh, reused):
        assert min(phases.send_seconds, phases.first_byte_seconds, phases.read_seconds) >= 0
    assert faulted.first_byte_seconds > 0
    assert faulted.read_seconds is None


def test_no_fault_carries_the_credential(run, tls, caplog):
    """Neither in its text, attributes, chain or traceback, nor in what the loop logs in debug mode."""
    caplog.set_level(logging.DEBUG)

    async def main(wire):
        asyncio.get_running_loop().set_debug(enabled=True)
        faults = []
        for method, body in ((b"GET", None), (b"POST", CANARY.encode())):
            with pytest.raises(WireFault) as caught:
                await wire.exchange(method, f"/?p={CANARY}".encode(), body, deadline_seconds=0.3)
            faults.append(caught.value)
        await wire.aclose()
        return faults

    def echo(peer):
        peer.send(b"HTTP/1.1 oops " + peer.read_request())

    faults = []
    for script, _, _ in (*list(AFTER_SENDING.values())[:8], (echo, None, None)):
        with RawUpstream(script) as upstream:
            faults += run(main(wire_to(upstream)))
    faults += run(main(wire_to(closed_port(), tls)))
    with deaf_port() as port:
        faults += run(main(wire_to(port)))
    assert len(faults) == 22
    for fault in faults:
        if IS_COMPILED:  # the failure or the cutting off of connecting stays, which knows the address alone
            assert isinstance(fault.__context__, OSError | asyncio.CancelledError | None)
            assert CANARY not in repr(fault.__context__)
        else:
            assert fault.__context__ is None
        assert fault.__cause__ is None
        seen = (
            repr(fault),
            str(fault),
            repr(fault.args),
            repr(vars(fault)),
            *traceback.format_exception(fault),
        )
        assert CANARY not in "".join(seen)
    assert CANARY not in caplog.text


def test_an_answers_repr_does_not_show_its_body(run):
    """The upstream may echo what it was sent."""
    with RawUpstream(lambda peer: peer.answer(OK)) as upstream:
        answer = run(only(wire_to(upstream), b"GET", b"/", None))
    assert "{}" not in repr(answer)
