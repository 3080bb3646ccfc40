"""An idle connection is kept for its time after the last answer, and no longer."""

import gc
import heapq
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from gateway.doors.bounds import Bounds, Terms
from gateway.doors.protocol import Connection
from gateway.doors.serving import KEEP_ALIVE_SECONDS, Serving
from tests.hardening.test_whole import Pipe

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Timer:
    def __init__(self, what: Callable[[], None]) -> None:
        self.what = what
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """As much of an event loop as a connection asks for; its time goes by when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, int, Timer]] = []
        self.numbers = itertools.count()
        self.ready: list[Coroutine[Any, Any, None]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, what: Callable[[], None]) -> Timer:
        timer = Timer(what)
        heapq.heappush(self.timers, (self.now + seconds, next(self.numbers), timer))
        return timer

    def create_task(self, work: Coroutine[Any, Any, None], **_: Any) -> "Loop":
        self.ready.append(work)
        return self

    def add_done_callback(self, _what: Callable[[Any], None]) -> None:
        """Nobody asks."""

    def turn(self) -> None:
        while self.ready:
            with pytest.raises(StopIteration):
                self.ready.pop().send(None)

    @property
    def waiting(self) -> int:
        return sum(not timer.is_cancelled for _, _, timer in self.timers)

    def advance(self, seconds: float) -> None:
        self.turn()
        end = self.now + seconds
        while self.timers and self.timers[0][0] <= end:
            self.now, _, timer = heapq.heappop(self.timers)
            if not timer.is_cancelled:
                timer.what()
        self.now = end


def connected() -> tuple[Connection, Pipe, Loop]:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(
        app, interface="asgi3", ws="none", lifespan="off", log_config=None, proxy_headers=False
    )
    config.load()
    pipe, loop = Pipe(), Loop()
    terms = Terms(Bounds(16_384, 10, 10))
    stand_in: Any = loop
    connection = Connection(config, ServerState(), {}, stand_in, terms=terms)
    connection.connection_made(pipe)
    return connection, pipe, loop


@settings(max_examples=50)
@given(gaps=st.lists(st.floats(0, KEEP_ALIVE_SECONDS - 0.001), max_size=8))
def test_the_time_runs_from_the_last_answer(gaps: list[float]) -> None:
    """However the requests before it came, with one timer for all of them."""
    connection, pipe, loop = connected()
    connection.data_received(REQUEST)
    for gap in gaps:
        loop.advance(gap)
        assert not pipe.is_closing()
        connection.data_received(REQUEST)
        loop.turn()
        assert loop.waiting == 1
    loop.advance(KEEP_ALIVE_SECONDS - 0.001)
    assert not pipe.is_closing()
    loop.advance(0.002)
    assert pipe.is_closing()
    assert pipe.answers == len(gaps) + 1


def test_a_request_under_way_is_not_cut_off() -> None:
    """A head that begins shortly before the end has its own time."""
    connection, pipe, loop = connected()
    connection.data_received(REQUEST)
    loop.advance(KEEP_ALIVE_SECONDS - 1)
    connection.data_received(REQUEST[:10])
    loop.advance(5)
    assert not pipe.is_closing()
    connection.data_received(REQUEST[10:])
    loop.turn()
    assert pipe.answers == 2
    loop.advance(KEEP_ALIVE_SECONDS - 0.001)
    assert not pipe.is_closing()
    loop.advance(0.002)
    assert pipe.is_closing(), "the timer that rang meanwhile was set again"


@pytest.mark.parametrize("fault", [None, ConnectionResetError()])
def test_nothing_waits_for_a_connection_that_is_gone(fault: Exception | None) -> None:
    """Whichever way it went."""
    connection, _, loop = connected()
    connection.data_received(REQUEST)
    loop.turn()
    connection.connection_lost(fault)
    assert loop.waiting == 0


def parts() -> int:
    return sum(type(thing) in {Connection, Serving} for thing in gc.get_objects())


@pytest.mark.parametrize("requests", [1, 3])
def test_a_connection_that_is_gone_is_freed_at_once(requests: int) -> None:
    """Its parts refer to each other; were it left to the collector, each would be held for minutes."""
    connection, _, loop = connected()
    connection.data_received(REQUEST * requests)
    gc.disable()
    try:
        connection.connection_lost(None)
        loop.turn()
        loop.timers.clear()
        before = parts()
        del connection
        assert parts() == before - 2
    finally:
        gc.enable()
