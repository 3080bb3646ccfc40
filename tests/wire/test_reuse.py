"""When a connection carries a second request, and when nothing may make it."""

import asyncio
import gc
import random
import threading

import pytest

from gateway.wire import ErrorType, WireFault
from tests.wire.conftest import get, until, wire_to
from tests.wire.upstream import Gone, RawUpstream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def keep_answering(answer):
    def script(peer):
        while True:
            peer.answer(answer)

    return script


REUSED = {
    "length": OK,
    "no body": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nT: x\r\n\r\n",
    "after 103": b"HTTP/1.1 103 Early\r\nConnection: close\r\n\r\n" + OK,
    "an error status": b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}",
}
NOT_REUSED = {
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "204 with length": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
    "204 with length 0": b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    "204 in chunks": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "204 with an unframed body": b'HTTP/1.1 204 No Content\r\n\r\n{"responses":[]}',
    "304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
    "said to close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.0 to stay": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
    "surplus": OK + b"x",
    "surplus line end": OK + b"\r\n",
    "surplus answer": OK + OK,
    "surplus after chunks": REUSED["chunks"] + b"\r\n",
    "surplus answer after chunks": REUSED["chunks"] + OK,
    "surplus behind no body": REUSED["no body"] + b"\r\n",
}


@pytest.mark.parametrize("answer", REUSED.values(), ids=REUSED.keys())
def test_a_cleanly_framed_answer_leaves_its_connection_for_the_next(run, maybe_tls, answer):
    """Length or chunks, nothing behind them, HTTP/1.1 and no wish to close."""

    async def main(upstream):
        wire = wire_to(upstream, maybe_tls)
        first = await get(wire)
        assert (wire.active_connections, wire.idle_connections) == (0, 1)
        second = await get(wire)
        await wire.aclose()
        assert (first.reused, second.reused) == (False, True)
        assert (first.status, first.body) == (second.status, second.body)

    with RawUpstream(keep_answering(answer), maybe_tls and maybe_tls.server) as upstream:
        run(main(upstream))
        assert upstream.connections == 1


@pytest.mark.parametrize("answer", NOT_REUSED.values(), ids=NOT_REUSED.keys())
def test_any_other_answer_closes_its_connection(run, maybe_tls, answer):
    """Whatever could leave a byte behind is not trusted with another tenant's call."""

    async def main(upstream):
        wire = wire_to(upstream, maybe_tls)
        for _ in range(2):
            assert not (await get(wire)).reused
            assert (wire.active_connections, wire.idle_connections) == (0, 0)
        await wire.aclose()

    with RawUpstream(keep_answering(answer), maybe_tls and maybe_tls.server) as upstream:
        run(main(upstream))
        assert upstream.connections == 2


@pytest.mark.parametrize("settings", [{"reuse_connections": False}, {"idle_connection_seconds": 0}])
def test_reuse_can_be_switched_off(run, settings):
    """One connection per call, where the operator wants that."""

    async def main(upstream):
        wire = wire_to(upstream, **settings)
        assert not (await get(wire)).reused
        assert not (await get(wire)).reused
        assert wire.idle_connections == 0
        await wire.aclose()

    with RawUpstream(keep_answering(OK)) as upstream:
        run(main(upstream))


def test_an_idle_connection_is_not_used_past_its_time(run):
    """Age is judged at the moment of use, by the injected clock."""
    now = [0.0]

    async def main(upstream):
        wire = wire_to(upstream, idle_connection_seconds=2.0, clock=lambda: now[0])
        await get(wire)
        now[0] += 2.0
        assert (await get(wire)).reused
        now[0] += 2.1
        assert not (await get(wire)).reused
        await wire.aclose()

    with RawUpstream(keep_answering(OK)) as upstream:
        run(main(upstream))
        assert upstream.connections == 2


def test_idle_connections_are_closed_when_their_time_is_over(run, maybe_tls):
    """Without any further traffic, and all of them: one timer serves the pool."""

    def script(peer):
        peer.answer(OK)
        peer.wait_closed()

    async def main(upstream):
        wire = wire_to(upstream, maybe_tls, idle_connection_seconds=0.05)
        await asyncio.gather(*(get(wire) for _ in range(3)))
        assert wire.idle_connections == 3
        await until(lambda: wire.idle_connections == 0)
        await wire.aclose()

    with RawUpstream(script, maybe_tls and maybe_tls.server) as upstream:
        run(main(upstream))
        assert all(upstream.closed_by_client.acquire(timeout=5) for _ in range(3))


@pytest.mark.parametrize("surplus", [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", b"\r\n", None])
def test_what_arrives_on_an_idle_connection_closes_it(run, maybe_tls, surplus):
    """A late answer, a stray line end or the peer's end: the next request gets a connection of its own."""
    go_on = threading.Event()

    def script(peer):
        peer.answer(OK)
        if peer.number == 0:
            go_on.wait(5)
            if surplus is not None:
                peer.send(surplus)
                peer.wait_closed()

    async def main(upstream):
        wire = wire_to(upstream, maybe_tls)
        await get(wire)
        assert wire.idle_connections == 1
        go_on.set()
        await until(lambda: wire.idle_connections == 0)
        answer = await get(wire)
        assert (answer.body, answer.reused) == (b"{}", False)
        await wire.aclose()

    with RawUpstream(script, maybe_tls and maybe_tls.server) as upstream:
        run(main(upstream))


@pytest.mark.parametrize("surplus", [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", None])
def test_what_the_kernel_holds_but_the_loop_has_not_shown_spoils_too(run, maybe_tls, surplus):
    """The loop is blocked while the surplus arrives, so only a look into the kernel can tell."""
    go_on, done = threading.Event(), threading.Event()

    def script(peer):
        peer.answer(OK)
        if peer.number == 0:
            go_on.wait(5)
            if surplus is not None:
                peer.send(surplus)
                done.set()
                peer.wait_closed()
            else:
                try:
                    peer.drop()
                except Gone:
                    done.set()
                    raise

    async def main(upstream):
        wire = wire_to(upstream, maybe_tls)
        await get(wire)
        go_on.set()
        assert done.wait(5)
        answer = await get(wire)
        assert (answer.body, answer.reused) == (b"{}", False)
        await wire.aclose()

    with RawUpstream(script, maybe_tls and maybe_tls.server) as upstream:
        run(main(upstream))
        assert len(upstream.requests) == 2


def test_the_connection_used_last_is_used_next(run):
    """A stack lets the surplus of a burst age out."""

    async def main(upstream):
        wire = wire_to(upstream)
        await asyncio.gather(*(get(wire, b"/burst") for _ in range(4)))
        assert wire.idle_connections == 4
        for _ in range(3):
            await get(wire, b"/alone")
        assert wire.idle_connections == 4
        await wire.aclose()

    users = []

    def script(peer):
        while True:
            if b"/alone" in peer.read_request():
                users.append(peer.number)
            peer.send(OK)

    with RawUpstream(script) as upstream:
        run(main(upstream))
    assert len(users) == 3
    assert len(set(users)) == 1


def test_no_request_is_ever_received_twice(run):
    """The peer closes at every possible moment around its answer; what it then got, it got once."""
    rounds = 400

    def script(peer):
        for turn in range(100):
            peer.answer(OK)
            if turn >= peer.number % 3:
                peer.reset() if peer.number % 2 else peer.drop()

    async def main(upstream):
        wire = wire_to(upstream)
        unsent, answered = set(), set()
        for turn in range(rounds):
            target = b"/%d" % turn
            try:
                await get(wire, target)
                answered.add(target)
            except WireFault as fault:
                if not fault.sent:
                    unsent.add(target)
            if turn % 4 == 0:
                await asyncio.sleep(0)
        await wire.aclose()
        return unsent, answered

    with RawUpstream(script) as upstream:
        unsent, answered = run(main(upstream))
        received = [request.split(b" ")[1] for request in upstream.requests]
    assert len(received) == len(set(received)) <= rounds
    assert not unsent & set(received)
    assert answered <= set(received)
    assert len(answered) > rounds // 4


@pytest.mark.parametrize("how", ["drop", "reset"])
def test_what_a_kept_connection_swallowed_is_not_sent_again(run, how):
    """The peer reads a second request and is gone without a byte: a fresh connection would be answered, and
    none is asked."""

    def script(peer):
        if peer.number:
            peer.answer(OK)
            return
        peer.answer(OK)
        peer.read_request()
        getattr(peer, how)()

    async def main(upstream):
        wire = wire_to(upstream)
        await get(wire, b"/first")
        with pytest.raises(WireFault) as fault:
            await get(wire, b"/second")
        assert fault.value.sent
        await get(wire, b"/third")
        await wire.aclose()

    with RawUpstream(script) as upstream:
        run(main(upstream))
        received = [request.split(b" ")[1] for request in upstream.requests]
    assert received == [b"/first", b"/second", b"/third"]


def test_a_storm_of_cancellations_leaks_no_connection(run, maybe_tls):
    """Cancelled at any moment, an exchange leaves a clean idle connection or none."""
    ended = threading.Semaphore(0)

    def script(peer):
        try:
            while True:
                peer.answer(OK)
        finally:
            ended.release()

    async def main(upstream):
        wire = wire_to(upstream, maybe_tls)
        chance = random.Random(7)

        async def one():
            try:
                async with asyncio.timeout(chance.random() * 0.03):
                    assert (await get(wire)).body == b"{}"
            except TimeoutError:
                pass

        await get(wire)
        for _ in range(6):
            await asyncio.gather(*(one() for _ in range(20)))
            assert wire.active_connections == 0
        await wire.aclose()
        assert wire.idle_connections == 0
        assert len(asyncio.all_tasks()) == 1

    with RawUpstream(script, maybe_tls and maybe_tls.server) as upstream:
        run(main(upstream))
        served = upstream.connections if maybe_tls is None else 1  # a handshake cut short runs no script
        assert all(ended.acquire(timeout=5) for _ in range(served))


def test_an_exchange_leaves_nothing_for_the_garbage_collector(run):
    """No reference cycles: memory is given back at once, and no collection is paid for per call."""

    async def main(upstream):
        wire = wire_to(upstream)
        await get(wire)
        gc.collect()
        gc.disable()
        try:
            for _ in range(50):
                await get(wire)
            return gc.collect()
        finally:
            gc.enable()
            await wire.aclose()

    with RawUpstream(keep_answering(OK)) as upstream:
        assert run(main(upstream)) < 50


def test_closing_closes_idle_and_busy_connections_alike(run, maybe_tls):
    """After aclose the peer has seen every connection end, and nothing new is opened."""
    received = threading.Semaphore(0)

    def script(peer):
        if b"/hang" in peer.read_request():
            received.release()
        else:
            peer.send(OK)
        peer.wait_closed()

    async def main(upstream):
        wire = wire_to(upstream, maybe_tls)
        hanging = asyncio.create_task(get(wire, b"/hang"))
        await get(wire)
        await until(lambda: received.acquire(blocking=False))
        assert (wire.active_connections, wire.idle_connections) == (1, 1)
        await asyncio.gather(wire.aclose(), wire.aclose())
        with pytest.raises(WireFault) as caught:
            await hanging
        assert (caught.value.error_type, caught.value.sent) == ("connection_lost", True)
        assert (wire.active_connections, wire.idle_connections) == (0, 0)
        with pytest.raises(WireFault) as caught:
            await get(wire)
        assert (caught.value.error_type, caught.value.sent) == ("connect_error", False)

    with RawUpstream(script, maybe_tls and maybe_tls.server) as upstream:
        run(main(upstream))
        assert all(upstream.closed_by_client.acquire(timeout=5) for _ in range(2))


def test_closing_while_a_connection_is_opened_sends_nothing(run, tls):
    """What finishes opening after aclose is closed again, unused."""
    accepted, go_on = threading.Event(), threading.Event()

    def script(peer):
        accepted.set()
        go_on.wait(5)
        peer.start_tls(tls.server)
        peer.answer(OK)

    async def main(upstream):
        wire = wire_to(upstream, tls)
        opening = asyncio.create_task(get(wire))
        await until(accepted.is_set)
        await wire.aclose()
        go_on.set()
        with pytest.raises(WireFault) as caught:
            await opening
        assert not caught.value.sent
        assert (wire.active_connections, wire.idle_connections) == (0, 0)

    with RawUpstream(script) as upstream:
        run(main(upstream))
        assert upstream.requests == []


def test_a_deadline_ends_with_its_exchange(run):
    """A timer left running would end whichever call is on the connection next."""
    slowly = threading.Event()

    def script(peer):
        peer.answer(OK)
        peer.read_request()
        slowly.wait(0.4)
        peer.send(OK)

    async def main(upstream):
        wire = wire_to(upstream)
        await get(wire, deadline_seconds=0.2)
        assert (await get(wire)).reused
        await wire.aclose()

    with RawUpstream(script) as upstream:
        run(main(upstream))


@pytest.mark.parametrize(
    ("before_seconds", "idle_seconds"), [(30, 0), (0.2, 0), (0.2, 0.4)], ids=["longer", "shorter", "rung"]
)
def test_a_deadline_is_its_own_exchanges(run, before_seconds, idle_seconds):
    """Neither the longer nor the shorter one of the exchange before changes it, nor one that has passed."""

    def script(peer):
        peer.answer(OK)
        peer.read_request()
        peer.receive()

    async def main(upstream):
        loop = asyncio.get_running_loop()
        wire = wire_to(upstream)
        await get(wire, deadline_seconds=before_seconds)
        await asyncio.sleep(idle_seconds)
        started = loop.time()
        with pytest.raises(WireFault) as caught:
            await get(wire, deadline_seconds=0.4)
        assert 0.35 < loop.time() - started < 5
        assert (caught.value.error_type, caught.value.sent) == (ErrorType.ANSWER_TIMEOUT, True)
        assert upstream.connections == 1
        await wire.aclose()

    with RawUpstream(script) as upstream:
        run(main(upstream))


def test_an_answer_before_the_request_was_written_whole_is_taken_but_not_built_upon(run):
    """The rest of the request would run into the next one."""

    def script(peer):
        peer.receive()
        peer.send(OK)
        peer.wait_closed()

    async def main(upstream):
        wire = wire_to(upstream)
        answer = await wire.exchange(b"POST", b"/", b"x" * 30_000_000, deadline_seconds=5)
        assert answer.status == 200
        assert (wire.active_connections, wire.idle_connections) == (0, 0)
        await wire.aclose()

    with RawUpstream(script) as upstream:
        run(main(upstream))


def test_a_probe_opens_a_connection_and_sends_nothing(run, maybe_tls):
    """The transport circuit half-opens by connecting, and the connection then serves the first call."""

    async def main(upstream):
        wire = wire_to(upstream, maybe_tls)
        await wire.probe()
        assert (wire.active_connections, wire.idle_connections) == (0, 1)
        assert upstream.requests == []
        answer = await get(wire)
        assert answer.status == 200
        await wire.aclose()

    with RawUpstream(keep_answering(OK), maybe_tls and maybe_tls.server) as upstream:
        run(main(upstream))
        assert len(upstream.requests) == 1
