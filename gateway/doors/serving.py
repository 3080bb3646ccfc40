"""The requests of one connection and their answers, in the order of asking, and how long it is kept idle.

One timer serves many answers: to set and cancel one for each cost 5,000 instructions of a call's 900,000.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from gateway.doors.cycle import Cycle, surroundings_of
from gateway.doors.exchange import Direct
from gateway.doors.heads import Head
from gateway.doors.whole import WholeExchange

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the idle time of common proxies (60 s), so that they, who know, close first."""


class Serving:
    """What a connection serves. For the event loop's thread."""

    def __init__(
        self,
        config: Config,
        state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
        direct: Direct | None,
        transport: asyncio.Transport,
        ended: Callable[[], None],
    ) -> None:
        """`config`, `state` and `app_state` are uvicorn's; `ended` hears of each answer that is out."""
        self.latest: Cycle | WholeExchange | None = None
        self._loop = loop
        self._app: Any = config.loaded_app
        self.direct = direct
        self._ended = ended
        self._state = state
        self._tasks = state.tasks
        self._transport = transport
        self.flow = FlowControl(transport)
        self._scheme = "https" if is_ssl(transport) else "http"
        self._surroundings = surroundings_of(
            config, app_state, self._scheme, get_local_addr(transport), get_remote_addr(transport)
        )
        self._current: Cycle | WholeExchange | None = None
        self._ahead: deque[Cycle | WholeExchange] = deque()
        self._idle_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_answering(self) -> bool:
        """Whether an answer is due."""
        latest = self.latest
        return latest is not None and not latest.response_complete

    @property
    def ahead(self) -> int:
        """How many requests wait for the answer before theirs."""
        return len(self._ahead)

    def whole(self, head: Head, parts: list[bytes], direct: Direct) -> None:
        """A request all of which has come, for `direct`."""
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._begin(
            WholeExchange(
                head,
                body,
                self._scheme,
                self._transport,
                self.flow,
                self._state.default_headers,
                direct.serve,
                self.answered,
            )
        )

    def cycle(self, head: Head, parts: list[bytes]) -> Cycle:
        """A request that goes to the application, whose body has come as far as `parts`."""
        cycle = Cycle(
            head, self._surroundings, self._transport, self.flow, self._state.default_headers, self.answered
        )
        self._begin(cycle)
        for part in parts:
            cycle.feed(part)
        return cycle

    def _begin(self, asked: Cycle | WholeExchange) -> None:
        is_answering = self.is_answering
        self.latest = asked
        if is_answering:
            self.flow.pause_reading()
            self._ahead.append(asked)
        else:
            self._start(asked)

    def _start(self, asked: Cycle | WholeExchange) -> None:
        self._current = asked
        tasks = self._tasks
        if isinstance(asked, WholeExchange):
            tasks.add(self._loop.create_task(asked.run(tasks)))
        else:
            task = self._loop.create_task(asked.run_asgi(self._app))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    def answered(self) -> None:
        """An answer is out: the next request that waits is begun, or the connection is idle."""
        self._state.total_requests += 1
        self._ended()
        if self._transport.is_closing():
            return
        self.flow.resume_reading()
        if self._ahead:
            self._start(self._ahead.popleft())
            return
        self._idle_since = self._loop.time()
        if self._timer is None:
            self._look_again(KEEP_ALIVE_SECONDS)

    def forget(self) -> None:
        """No request that waits is begun any more."""
        self._ahead.clear()

    def hear(self) -> None:
        """Something came: the connection is not idle."""
        self._idle_since = None

    def lost(self) -> None:
        """The connection is gone; what is being answered goes on, and nobody hears it."""
        if self._current is not None:
            self._current.hang_up()
        self._current = self.latest = None
        self._ended = _nothing  # and the parts of the connection refer to each other no more
        self.forget()
        self.flow.resume_writing()
        if self._timer is not None:
            self._timer.cancel()

    def wind_down(self) -> None:
        """End with the answer that is due, at once where none is."""
        latest = self.latest
        if latest is None or latest.response_complete:
            self._transport.close()
        else:
            latest.keep_alive = False

    def _look_again(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._idle_since is None:
            return  # an answer is on its way, and sets the timer
        left_seconds = self._idle_since + KEEP_ALIVE_SECONDS - self._loop.time()
        if left_seconds > 0:
            self._look_again(left_seconds)
        elif not self._transport.is_closing():
            self._transport.close()


def _nothing() -> None:
    """Nobody asks any more."""


__all__ = ["KEEP_ALIVE_SECONDS", "Serving"]
