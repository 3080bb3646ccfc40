"""An upstream that holds answers cheaply: a call with `wait` is answered late, any other at once.

    python -m tests.benchmarks.holder PORT EXTRA_SECONDS

A call that waits is held for what it asked and EXTRA_SECONDS more. GET /held tells how many are held.
"""

import asyncio
import re
import sys
from typing import Final, cast

import uvloop

_WAIT: Final = re.compile(rb"[;&?]wait=(\d+)")


def _answer(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


_REQUESTED: Final = _answer(b'{"responses":[{"code":"204","key":"","message":"OK"}]}')


class Holder(asyncio.Protocol):
    """One connection; requests on it come one after the other, each in one read."""

    held = 0

    def __init__(self, extra_seconds: float) -> None:
        self._extra_seconds = extra_seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer now or later."""
        line = data.partition(b"\r\n")[0]
        found = _WAIT.search(line)
        if line.startswith(b"GET /held"):
            self._transport.write(_answer(b"%d" % Holder.held))
        elif found is None:
            self._transport.write(_REQUESTED)
        else:
            Holder.held += 1
            seconds = int(found[1]) + self._extra_seconds
            asyncio.get_running_loop().call_later(seconds, self._release)

    def _release(self) -> None:
        Holder.held -= 1
        self._transport.write(_REQUESTED)


async def main() -> None:
    """Serve for ever."""
    port, extra_seconds = int(sys.argv[1]), float(sys.argv[2])
    server = await asyncio.get_running_loop().create_server(
        lambda: Holder(extra_seconds), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
