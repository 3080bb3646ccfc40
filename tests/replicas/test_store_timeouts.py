"""How long a gateway waits for its store: no longer than it may, and not for its own slowness."""

import asyncio
import signal
import socket
import time
from collections.abc import Callable

import pytest
import uvloop

from gateway.ledger.redis.faults import Unanswered
from gateway.ledger.redis.node import Access, Node
from gateway.ledger.redis.resp import command

TIMEOUT_SECONDS = 0.1
PING = command(b"PING")


class Burst(asyncio.Protocol):
    """Work that comes with bytes, as requests do, and keeps the loop from reading anything else."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work

    def data_received(self, _: bytes) -> None:
        self._work()


def test_a_reply_that_waits_to_be_read_is_not_late(valkey):
    """A burst of requests may keep the event loop from reading; the store that answered is not at fault."""

    def keep_busy() -> None:
        valkey.process.send_signal(signal.SIGCONT)  # the reply comes while nobody reads
        time.sleep(TIMEOUT_SECONDS * 3)

    async def play() -> object:
        node = Node("127.0.0.1", valkey.port, Access(2.0, TIMEOUT_SECONDS, None))
        requests, sender = socket.socketpair()
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: Burst(keep_busy), sock=requests
        )
        try:
            assert await node.ask(PING) == b"PONG"
            valkey.process.send_signal(signal.SIGSTOP)
            asking = asyncio.create_task(node.ask(PING))
            await asyncio.sleep(TIMEOUT_SECONDS / 10)
            sender.send(b"!")
            return await asking
        finally:
            valkey.process.send_signal(signal.SIGCONT)
            transport.close()
            sender.close()
            await node.close()

    assert uvloop.run(play()) == b"PONG"


def test_a_fresh_connection_waits_no_longer_than_a_command_may_take(valkey):
    """A store that hangs right after connecting is noticed by the command's bound, not the connection's."""

    async def play() -> float:
        node = Node("127.0.0.1", valkey.port, Access(30.0, TIMEOUT_SECONDS, None))
        try:
            assert await node.ask(PING) == b"PONG"
            with valkey.paused():
                begun = time.monotonic()
                with pytest.raises(Unanswered):
                    await node.ask(PING)
                return time.monotonic() - begun
        finally:
            await node.close()

    assert uvloop.run(play()) < 10 * TIMEOUT_SECONDS
