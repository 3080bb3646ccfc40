"""Opening a connection: name, TCP, TLS, all within one limit. Nothing here writes a request."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence

from gateway.wire.connection import Connection
from gateway.wire.faults import ErrorType, Phases, WireFault
from gateway.wire.request import Origin

_TLS_SHUTDOWN_SECONDS = 1.0  # connections are aborted, not shut down; this only bounds the loop's own doing
_ENDED = "the connection ended before its TLS handshake did"
_LATE_TLS = "the TLS handshake did not end in time"
_LATE = "neither a refusal nor a connection came in time"


async def open_connection(
    origin: Origin,
    ssl_context: ssl.SSLContext | None,
    *,
    limit_at: float,
    clock: Callable[[], float],
) -> Connection:
    """Raises WireFault(sent=False): connect_timeout (TLS included), connect_error (names too) or tls_error.

    `limit_at` is in the running loop's time.
    """
    attempt = _Attempt(origin, ssl_context, clock)
    opened = False
    try:
        async with asyncio.timeout_at(limit_at):
            fault = await attempt.run(limit_at)
        opened = fault is None
    except TimeoutError:
        fault = ErrorType.CONNECT_TIMEOUT
        attempt.reason = _LATE if attempt.connection.connect_seconds is None else _LATE_TLS
    finally:
        if not opened:
            attempt.connection.abort()
    connection = attempt.connection
    if fault is not None:  # raised out here, where no other exception can become its context
        phases = Phases(connect_seconds=connection.connect_seconds)
        raise WireFault(fault, sent=False, phases=phases, reason=attempt.reason)
    return connection


class _Attempt:
    __slots__ = ("_clock", "_origin", "_ssl_context", "connection", "reason")

    def __init__(
        self, origin: Origin, ssl_context: ssl.SSLContext | None, clock: Callable[[], float]
    ) -> None:
        self._origin = origin
        self._ssl_context = ssl_context
        self._clock = clock
        self.connection = Connection(clock)
        self.reason = ""  # why it failed

    async def run(self, limit_at: float) -> ErrorType | None:
        started_at = self._clock()
        if not await self._connect(limit_at):
            return ErrorType.CONNECT_ERROR
        connected_at = self._clock()
        self.connection.connect_seconds = connected_at - started_at
        if self._ssl_context is not None:
            if not await self._handshake(self._ssl_context):
                return ErrorType.TLS_ERROR
            self.connection.tls_seconds = self._clock() - connected_at
        return None

    async def _connect(self, limit_at: float) -> bool:
        """Tries the addresses in turn, each with its share of the time left: a dead one can't eat it all."""
        loop = asyncio.get_running_loop()
        try:
            hosts = await _resolve(self._origin)
        except (OSError, UnicodeError) as error:
            self.reason = _words(error)
            return False
        for tried, host in enumerate(hosts):
            share = (limit_at - loop.time()) / (len(hosts) - tried)
            self.connection = Connection(self._clock)
            try:
                async with asyncio.timeout(share if tried < len(hosts) - 1 else None):
                    await loop.create_connection(self._give_connection, host, self._origin.port)
            except OSError as error:  # TimeoutError is one
                self.reason = _words(error)
                self.connection.abort()
            else:
                return True
        return False

    def _give_connection(self) -> Connection:
        return self.connection

    async def _handshake(self, ssl_context: ssl.SSLContext) -> bool:
        loop = asyncio.get_running_loop()
        connection = self.connection
        if connection.transport is None or not connection.usable:
            self.reason = _ENDED
            return False
        try:
            transport = await loop.start_tls(
                connection.transport,
                connection,
                ssl_context,
                server_hostname=self._origin.host,
                ssl_shutdown_timeout=_TLS_SHUTDOWN_SECONDS,
            )
        except (OSError, ValueError) as failure:  # SSLError is an OSError; no server name is a ValueError
            self.reason = _words(failure)
            return False
        if transport is None or transport.get_extra_info("ssl_object") is None:  # set once it has ended
            self.reason = _ENDED
            return False
        connection.use_tls(transport)
        return True


def _words(error: Exception) -> str:
    """What the system or the TLS library says: nothing of a request, which is not written by now."""
    return str(error) or (_LATE if isinstance(error, TimeoutError) else type(error).__name__)


async def _resolve(origin: Origin) -> Sequence[str]:
    try:
        ipaddress.ip_address(origin.host)
    except ValueError:
        infos = await asyncio.get_running_loop().getaddrinfo(
            origin.host, origin.port, type=socket.SOCK_STREAM
        )
        return tuple(dict.fromkeys(str(info[4][0]) for info in infos))
    return (origin.host,)
