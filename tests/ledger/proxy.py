"""A proxy in front of a store that counts what passes and loses replies when told to; TLS if asked."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """Forwards to `target` on loopback. While `drops_replies`, what the store answers is swallowed;
    while `holds_requests`, what it is asked waits here;
    while it `refuses`, new connections are closed. Where `cuts_at` passes, it is forwarded, and the
    connection cut before any reply to it; others go on."""

    target: int
    port: int = 0
    drops_replies: bool = False
    holds_requests: bool = False
    refuses: bool = False
    cuts_at: bytes | None = None
    seen: bytearray = field(default_factory=bytearray)
    connections: int = 0
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def count(self, words: bytes) -> int:
        """How often these bytes passed on their way to the store."""
        return self.seen.count(words)

    def release(self) -> None:
        """Let what was held go on."""
        self.holds_requests = False
        self._released.set()

    def cut(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _pass(self, data: bytes) -> None:
        self.seen += data
        if self.holds_requests:
            self._released.clear()
            await self._released.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.refuses:
            writer.transport.abort()
            return
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers += [writer, onward_writer]

        async def requests() -> None:
            is_whole = True
            while is_whole and (data := await reader.read(65536)):
                await self._pass(data)
                onward_writer.write(data)
                is_whole = self.cuts_at is None or self.cuts_at not in data

        async def replies() -> None:
            while data := await onward_reader.read(65536):
                if not self.drops_replies:
                    writer.write(data)

        tasks = [asyncio.create_task(requests()), asyncio.create_task(replies())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self.holds_requests:
                # The client is gone, but what it sent is on its way.
                await asyncio.wait(tasks[:1], timeout=5)
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError):
                    await task
            onward_writer.close()
            writer.close()


@contextlib.asynccontextmanager
async def proxied(target: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """A proxy while the block runs."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=tls)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.release()
        proxy.cut()
        await asyncio.sleep(0.01)
