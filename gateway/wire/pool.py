"""Which connections there are, and which may carry another request. Every step is O(1)."""

import asyncio
from collections.abc import Callable

from gateway.wire.connection import Connection


class Pool:
    """Idle connections form a stack: the one used last is the one least likely to be closed by the peer."""

    __slots__ = ("_busy", "_clock", "_dying", "_empty", "_idle", "_idle_seconds", "_sweep_timer", "closed")

    def __init__(self, idle_seconds: float, clock: Callable[[], float]) -> None:
        """`idle_seconds` 0 keeps none."""
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._busy: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # in the order they became idle
        self._dying: set[Connection] = set()  # aborted, their sockets not yet closed by the loop
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._empty: asyncio.Future[None] | None = None
        self.closed = False

    @property
    def busy_connections(self) -> int:
        return len(self._busy)

    @property
    def idle_connections(self) -> int:
        return len(self._idle)

    def take(self) -> Connection | None:
        """An idle connection against which nothing is known at this moment, now busy."""
        while self._idle:
            connection, _ = self._idle.popitem()
            expired = self._clock() - connection.idle_since > self._idle_seconds
            if not expired and connection.usable_and_quiet():
                self._busy.add(connection)
                return connection
            self._drop(connection)
        return None

    def add(self, connection: Connection) -> None:
        """A connection just opened, busy from the start."""
        connection.on_lost = self._forget
        self._busy.add(connection)

    def release(self, connection: Connection, *, reusable: bool) -> None:
        """Gives a busy connection back."""
        self._busy.discard(connection)
        if reusable and connection.usable and self._idle_seconds > 0 and not self.closed:
            connection.idle_since = self._clock()
            self._idle[connection] = None
            if self._sweep_timer is None:
                self._arm_sweep(self._idle_seconds)
        else:
            self._drop(connection)

    async def aclose(self) -> None:
        """Closes every connection, busy ones too, and waits until their sockets are closed."""
        self.closed = True
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        for connection in (*self._idle, *self._busy):
            self._drop(connection)
        self._idle.clear()
        if self._dying and self._empty is None:
            self._empty = asyncio.get_running_loop().create_future()
        if self._empty is not None:
            await asyncio.shield(self._empty)

    def _drop(self, connection: Connection) -> None:
        if not connection.lost:
            self._dying.add(connection)
            connection.abort()

    def _forget(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        self._dying.discard(connection)
        if self._empty is not None and not self._dying and not self._empty.done():
            self._empty.set_result(None)

    def _arm_sweep(self, delay_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._sweep_timer = loop.call_later(delay_seconds, self._sweep)

    def _sweep(self) -> None:
        """Closes what has idled too long; one timer serves the whole pool."""
        self._sweep_timer = None
        now = self._clock()
        while self._idle:
            oldest = next(iter(self._idle))
            left_seconds = oldest.idle_since + self._idle_seconds - now
            if left_seconds > 0:
                self._arm_sweep(left_seconds + 0.01)  # a little later: the loop's clock is coarse
                return
            del self._idle[oldest]
            self._drop(oldest)
