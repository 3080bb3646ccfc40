"""CPU microseconds per exchange of the wire, at several numbers of concurrent connections.

    python -m tests.benchmarks.wire_cost [--uvloop] [--transport]

A server process of its own answers at once; only this process's CPU is counted, event loop included.
`--transport` measures the same through an httpx client. Loopback only.
"""

import argparse
import asyncio
import multiprocessing
import multiprocessing.connection
import statistics
import time

import httpx
import uvloop

from gateway.wire import Origin, Wire, WireTransport

_BODY = b'{"responses":[{"code":"204","key":"","message":"OK"}]}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)
_TARGET = b"/api/json/calls/make/?auth_username=user;auth_password=password;stype=;snumber=2125551234"
_ROUNDS = 7


class _Answering(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(_ANSWER * data.count(b"\r\n\r\n"))


def _serve(pipe: multiprocessing.connection.Connection) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


def _new_wire(port: int) -> Wire:
    return Wire(
        Origin("http", "127.0.0.1", port),
        connect_timeout_seconds=5,
        reuse_connections=True,
        idle_connection_seconds=60,
        ssl_context=None,
    )


async def _measure(port: int, connections: int, exchanges: int, through_httpx: bool) -> float:
    wire = _new_wire(port)
    client = httpx.AsyncClient(transport=WireTransport(wire), trust_env=False)
    request = client.build_request("GET", f"http://127.0.0.1:{port}{_TARGET.decode()}")

    async def one(count: int) -> None:
        for _ in range(count):
            if through_httpx:
                await client.send(request)
            else:
                await wire.exchange(b"GET", _TARGET, None, deadline_seconds=10)

    await asyncio.gather(*(one(5) for _ in range(connections)))
    costs = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        await asyncio.gather(*(one(exchanges // connections) for _ in range(connections)))
        costs.append((time.process_time() - started) / (exchanges // connections * connections) * 1e6)
    await client.aclose()
    return statistics.median(costs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--transport", action="store_true")
    parser.add_argument("--exchanges", type=int, default=8192)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    run = uvloop.run if options.uvloop else asyncio.run
    for connections in (8, 64, 256):
        cost_us = run(_measure(port, connections, options.exchanges, options.transport))
        print(f"{connections:4d} connections: {cost_us:6.1f} us per exchange (median of {_ROUNDS})")  # noqa: T201
    server.terminate()
    server.join()


if __name__ == "__main__":
    main()
