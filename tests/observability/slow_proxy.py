"""A way to the upstream that can be made slow, or silent."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on. `delay_seconds` holds each answer back; `is_silent` swallows them."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self.delay_seconds = 0.0
        self.is_silent = False
        self.url = ""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        from_target, to_target = await asyncio.open_connection("127.0.0.1", self._target_port)
        there = asyncio.create_task(self._pass(reader, to_target, is_answer=False))
        back = asyncio.create_task(self._pass(from_target, writer, is_answer=True))
        try:
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            for end in (to_target, writer):
                end.close()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                if is_answer and self.is_silent:
                    await asyncio.sleep(3600)
                if is_answer:
                    await asyncio.sleep(self.delay_seconds)
                sink.write(data)
                await sink.drain()


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """A proxy on a free port, in a thread of its own."""
    loop = asyncio.new_event_loop()
    way = Proxy(urlsplit(target).port or 80)
    server = loop.run_until_complete(asyncio.start_server(way.connected, "127.0.0.1", 0))
    way.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield way
    finally:
        server.close()
        loop.call_soon_threadsafe(_cancel_all, loop)
        thread.join()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    asyncio.gather(*tasks, return_exceptions=True).add_done_callback(lambda _: loop.stop())
