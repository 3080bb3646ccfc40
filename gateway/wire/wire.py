"""The direct door: one request, one answer or one fault, and never a second try."""

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Final

from gateway import __version__
from gateway.wire.answer import WireAnswer
from gateway.wire.connect import open_connection
from gateway.wire.connection import Connection
from gateway.wire.faults import ErrorType, Phases, WireFault
from gateway.wire.pool import Pool
from gateway.wire.reader import AnswerReader
from gateway.wire.request import Origin, RequestWriter

USER_AGENT: Final = f"make-call-gateway/{__version__}"


class Wire:
    """HTTP/1.1 to one origin, for one event loop. It knows nothing of proxies, cookies or redirects."""

    __slots__ = (
        "_clock",
        "_connect_timeout_seconds",
        "_max_body_bytes",
        "_max_head_bytes",
        "_origin",
        "_pool",
        "_ssl_context",
        "_writer",
    )

    def __init__(
        self,
        origin: Origin,
        *,
        connect_timeout_seconds: float,
        reuse_connections: bool,
        idle_connection_seconds: float,
        ssl_context: ssl.SSLContext | None,
        max_head_bytes: int = 16384,
        max_body_bytes: int = 65536,
        user_agent: str = USER_AGENT,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`ssl_context` is needed for https and refused for http (ValueError).

        `clock` gives seconds, for phases and idling; deadlines are kept in the loop's own time.
        `connect_timeout_seconds` bounds name resolution, TCP and TLS together.
        """
        if (ssl_context is None) == (origin.scheme == "https"):
            raise ValueError("https goes with an SSL context, http without")
        self._origin = origin
        self._connect_timeout_seconds = connect_timeout_seconds
        self._ssl_context = ssl_context
        self._max_head_bytes = max_head_bytes
        self._max_body_bytes = max_body_bytes
        self._clock = clock
        self._writer = RequestWriter(origin, user_agent)
        self._pool = Pool(idle_connection_seconds if reuse_connections else 0, clock)

    @property
    def origin(self) -> Origin:
        return self._origin

    @property
    def active_connections(self) -> int:
        """Open connections that carry a request at this moment."""
        return self._pool.busy_connections

    @property
    def idle_connections(self) -> int:
        return self._pool.idle_connections

    async def exchange(
        self,
        method: bytes,
        target: bytes,
        body: bytes | None,
        *,
        deadline_seconds: float,
        on_sending: Callable[[], None] | None = None,
    ) -> WireAnswer:
        """Writes one request to exactly one connection and reads its answer.

        `target` is path and query, `body` a form for POST and None for GET. `deadline_seconds` is the one
        budget from the start of connecting to the answer's last byte. `on_sending` is called right before
        the first byte may leave; if it raises, nothing is sent and its exception comes through.
        Raises WireFault; ValueError for a request that can't be written, before anything is done.
        Cancelled, it closes its connection.
        """
        request = self._writer.write(method, target, body)
        deadline_at = asyncio.get_running_loop().time() + deadline_seconds
        connection = self._pool.take()
        reused = connection is not None
        if connection is None:
            connection = await self._open(deadline_at)
        reader = AnswerReader(self._max_head_bytes, self._max_body_bytes)
        # no await from the check in `take` or `_open` to the write: nothing can happen in between
        phases = await self._run(connection, request, reader, deadline_at, on_sending, reused)
        if reader.fault is not None or reader.status is None:
            fault = reader.fault or ErrorType.BAD_FRAMING
            raise WireFault(fault, sent=True, status=reader.status, phases=phases)
        return WireAnswer(
            reader.status, reader.body, reader.body_is_framed, reader.content_encoded, phases, reused
        )

    async def probe(self) -> None:
        """Opens a new connection, TLS included, sends nothing, and keeps it idle where reuse is on.

        Raises WireFault(sent=False).
        """
        connection = await self._open(asyncio.get_running_loop().time() + self._connect_timeout_seconds)
        self._pool.release(connection, reusable=True)

    async def aclose(self) -> None:
        """Closes all connections; exchanges still running fault as if the upstream had hung up."""
        await self._pool.aclose()

    async def _open(self, deadline_at: float) -> Connection:
        """A fresh connection, busy, seen to be usable in this very step. Raises WireFault(sent=False)."""
        if self._pool.closed:
            raise WireFault(ErrorType.CONNECT_ERROR, sent=False, reason="this wire is closed")
        limit_at = min(deadline_at, asyncio.get_running_loop().time() + self._connect_timeout_seconds)
        connection = await open_connection(
            self._origin, self._ssl_context, limit_at=limit_at, clock=self._clock
        )
        self._pool.add(connection)
        usable = connection.usable if self._ssl_context else connection.usable_and_quiet()
        if usable and not self._pool.closed:
            return connection
        self._pool.release(connection, reusable=False)
        fault = ErrorType.BAD_FRAMING if connection.spoke_first else ErrorType.CONNECTION_LOST
        raise WireFault(fault, sent=False, phases=_phases(connection, reused=False))

    async def _run(
        self,
        connection: Connection,
        request: bytes,
        reader: AnswerReader,
        deadline_at: float,
        on_sending: Callable[[], None] | None,
        reused: bool,
    ) -> Phases:
        reusable = False
        try:
            if on_sending is not None:
                on_sending()
            sending_at = self._clock()
            await connection.send(request, reader, deadline_at)
            reusable = reader.reusable and connection.all_written
        finally:
            self._pool.release(connection, reusable=reusable)
        return _phases(connection, reused=reused, sending_at=sending_at, complete=reader.fault is None)


def _phases(
    connection: Connection, *, reused: bool, sending_at: float | None = None, complete: bool = False
) -> Phases:
    first, read_at = connection.first_byte_at, connection.read_at
    return Phases(
        None if reused else connection.connect_seconds,
        None if reused else connection.tls_seconds,
        None if sending_at is None else connection.sent_at - sending_at,
        None if first is None else first - connection.sent_at,
        None if first is None or read_at is None or not complete else read_at - first,
    )
