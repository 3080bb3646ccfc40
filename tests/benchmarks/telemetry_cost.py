"""What telemetry costs a call: CPU of the whole process per finished request, exporter included.

    python -m tests.benchmarks.telemetry_cost

Medians in microseconds, less what making the accounts takes. Log lines go to /dev/null, spans to a
collector on loopback that runs in a process of its own.
"""

import asyncio
import http.server
import multiprocessing
import os
import statistics
import time
from multiprocessing.connection import Connection

from gateway.telemetry import RequestAccount, Telemetry
from tests.telemetry.samples import audit, options, request

_REQUESTS = 5_000
_ROUNDS = 9


class _Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


def _collect(ready: Connection) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Collector) as server:
        ready.send(server.server_port)
        server.serve_forever()


def _nothing(_: Telemetry, account: RequestAccount) -> None:
    del account


def _metrics(telemetry: Telemetry, account: RequestAccount) -> None:
    telemetry.request_started()
    telemetry.metrics.request_finished(account, None)


def _request(telemetry: Telemetry, account: RequestAccount) -> None:
    telemetry.request_started()
    telemetry.request_finished(account)


def _all(telemetry: Telemetry, account: RequestAccount) -> None:
    _request(telemetry, account)
    telemetry.audit(_DECISION)


_DECISION = audit()
_CASES = (
    ("metrics", _metrics, False, 0.0),
    ("metrics, request line", _request, False, 0.0),
    ("metrics, request line, 10 % of spans", _request, True, 0.1),
    ("metrics, request and audit line, 10 % of spans", _all, True, 0.1),
    ("metrics, request and audit line, all spans", _all, True, 1.0),
)


async def _cpu_us(tell: object, endpoint: str | None, ratio: float) -> float:
    null = os.open(os.devnull, os.O_WRONLY)
    telemetry = Telemetry(options(otlp_endpoint=endpoint, sample_ratio=ratio, log_fd=null))
    os.close(null)
    telemetry.guard("default", "gateway-user", "correct horse battery")
    step = 2**64 // _REQUESTS
    before = time.process_time()
    for index in range(_REQUESTS):
        tell(telemetry, request(trace_id=(1 << 64) + index * step))  # type: ignore[operator]
        if index % 100 == 99:
            await asyncio.sleep(0.02)
    await telemetry.close()
    return (time.process_time() - before) / _REQUESTS * 1e6


def _median(tell: object, endpoint: str | None, ratio: float) -> float:
    return statistics.median(asyncio.run(_cpu_us(tell, endpoint, ratio)) for _ in range(_ROUNDS))


def main() -> None:
    """Print the table."""
    here, there = multiprocessing.Pipe()
    collector = multiprocessing.Process(target=_collect, args=(there,), daemon=True)
    collector.start()
    endpoint = f"http://127.0.0.1:{here.recv()}"
    accounts = _median(_nothing, None, 0.0)
    for name, tell, exports, ratio in _CASES:
        cost = _median(tell, endpoint if exports else None, ratio) - accounts
        print(f"{name:48} {cost:7.1f} us")  # noqa: T201 - a report
    collector.terminate()
    collector.join()


if __name__ == "__main__":
    main()
