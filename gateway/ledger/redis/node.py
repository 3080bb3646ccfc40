"""One server of the store: its one connection, made when needed, and its circuit.

A few failures in a row open the circuit: callers are turned away at once, with nothing sent, while
one task tries to connect and to be answered a PING. So a store that hangs does not pile up callers,
and nobody's call is the probe.
"""

import asyncio
import contextlib
import ssl
from dataclasses import field
from typing import Final

from gateway.ledger.redis.connection import Connection
from gateway.ledger.redis.faults import NotSent, Unanswered
from gateway.ledger.redis.resp import ErrorReply, command
from gateway.values import value_class

FAILURES_TO_OPEN: Final = 3
PROBE_SECONDS: Final = 0.1
"""Between two probes of a server whose circuit is open."""
NOT_THE_ONE: Final = frozenset({"LOADING", "MASTERDOWN", "READONLY"})
"""Errors of a server that is not to be asked, now or any more: a demoted one, or one that starts. By
now its address may lead to another."""

_PING: Final = command(b"PING")


@value_class(frozen=True, slots=True)
class Access:
    """How servers are spoken to. `greeting` is what each connection says first: AUTH and SELECT."""

    connect_timeout_seconds: float
    command_timeout_seconds: float
    tls: ssl.SSLContext | None
    greeting: tuple[bytes, ...] = field(default=(), repr=False)


class Node:
    """One server at `host` and `port`."""

    def __init__(self, host: str, port: int, access: Access) -> None:
        """Connects when first asked."""
        self.host = host
        self.port = port
        self._access = access
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._probe: asyncio.Task[None] | None = None
        self._failures = 0
        self._why = ""

    @property
    def is_open(self) -> bool:
        """Whether callers are turned away."""
        return self._probe is not None

    async def ask(self, payload: bytes) -> object:
        """One command's reply. Raises NotSent and Unanswered."""
        connection = self._connection
        if connection is None or not connection.is_usable:
            connection = await self._connected()
        try:
            reply = await connection.send(payload)
        except Unanswered as fault:
            self._failed(str(fault))
            raise
        if isinstance(reply, ErrorReply) and reply.code in NOT_THE_ONE:
            self._turned_away(connection, reply)
            return reply
        self._failures = 0
        return reply

    async def ask_many(self, payloads: list[bytes]) -> list[object]:
        """Replies of commands that leave one right after the other. Raises NotSent and Unanswered."""
        connection = self._connection
        if connection is None or not connection.is_usable:
            connection = await self._connected()
        futures = [connection.send(payload) for payload in payloads]
        replies = await asyncio.gather(*futures, return_exceptions=True)
        for reply in replies:
            if isinstance(reply, Unanswered):
                self._failed(str(reply))
                raise reply
        for reply in replies:
            if isinstance(reply, ErrorReply) and reply.code in NOT_THE_ONE:
                self._turned_away(connection, reply)
                return list(replies)
        self._failures = 0
        return list(replies)

    def _turned_away(self, connection: Connection, reply: ErrorReply) -> None:
        """Nothing more over this connection: the next step connects anew. This command is not sent again."""
        connection.retire()
        self._failed(f"it refused: {reply.text}")

    async def _connected(self) -> Connection:
        if self._probe is not None:
            raise NotSent("circuit", f"{self._name} does not answer: {self._why}")
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
            self._connecting.add_done_callback(self._on_connected)
        return await asyncio.shield(self._connecting)

    def _on_connected(self, task: "asyncio.Task[Connection]") -> None:
        self._connecting = None
        if task.cancelled():
            return
        if (fault := task.exception()) is not None:
            self._failed(str(fault))

    async def _connect(self) -> Connection:
        """A connection that has been greeted and answered PING. Raises NotSent."""
        access = self._access
        loop = asyncio.get_running_loop()
        connection = Connection(access.connect_timeout_seconds)
        try:
            async with asyncio.timeout(access.connect_timeout_seconds):
                await loop.create_connection(
                    lambda: connection,
                    self.host,
                    self.port,
                    ssl=access.tls,
                    server_hostname=self.host if access.tls else None,
                )
                replies = [await connection.send(word) for word in (*access.greeting, _PING)]
        except (OSError, TimeoutError, Unanswered, NotSent) as fault:
            connection.close()
            # A time that ran out has no words of its own.
            why = str(fault) or f"no answer within {access.connect_timeout_seconds:g} s"
            raise NotSent("connect", f"{self._name} can't be reached: {why}") from None
        except asyncio.CancelledError:
            connection.close()
            raise
        for reply in replies:
            if isinstance(reply, ErrorReply):
                connection.close()
                kind = "auth" if reply.code in {"NOAUTH", "WRONGPASS", "NOPERM"} else "refused"
                raise NotSent(kind, f"{self._name} refused the connection: {reply.text}")
        connection.wait_at_most(access.command_timeout_seconds)
        self._connection = connection
        return connection

    def _failed(self, why: str) -> None:
        self._failures += 1
        self._why = why
        if self._failures >= FAILURES_TO_OPEN and self._probe is None:
            self._probe = asyncio.get_running_loop().create_task(self._probe_until_answered())

    async def _probe_until_answered(self) -> None:
        try:
            while True:
                await asyncio.sleep(PROBE_SECONDS)
                try:
                    await self._connect()
                except NotSent as fault:
                    self._why = str(fault)
                else:
                    return
        finally:
            self._failures = 0
            self._probe = None

    @property
    def _name(self) -> str:
        return f"the store at {self.host}:{self.port}"

    async def close(self) -> None:
        """Let go of the server."""
        for task in (self._probe, self._connecting):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, NotSent):
                    await task
        if self._connection is not None:
            self._connection.close()


__all__ = ["Access", "Node"]
