"""What telemetry costs a call: CPU of the whole process per finished request, exporter included.

    python -m tests.benchmarks.telemetry_cost

Reports medians in microseconds. Log lines go to /dev/null, spans to a collector on loopback that
runs in a process of its own.
"""

import asyncio
import gc
import http.server
import multiprocessing
import os
import statistics
import time
from multiprocessing.connection import Connection

from gateway.telemetry import Telemetry
from tests.telemetry.samples import audit, options, request

_REQUESTS = 5_000
_ROUNDS = 7


class _Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing."""


def _collect(ready: Connection) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Collector) as server:
        ready.send(server.server_port)
        server.serve_forever()


async def _cpu_us(endpoint: str | None, ratio: float, *, lines: bool) -> float:
    """CPU per request, of which the accounts' own making is not part."""
    null = os.open(os.devnull, os.O_WRONLY)
    telemetry = Telemetry(options(otlp_endpoint=endpoint, sample_ratio=ratio, log_fd=null))
    os.close(null)
    telemetry.guard("default", "gateway-user", "correct horse battery")
    accounts = [
        request(trace_id=(index << 64) | int(index / _REQUESTS * 2**64)) for index in range(_REQUESTS)
    ]
    decision = audit()
    gc.collect()
    gc.freeze()  # the accounts wait here in thousands, as they never do in a gateway
    before = time.process_time()
    for index, account in enumerate(accounts):
        telemetry.request_started()
        if lines:
            telemetry.request_finished(account)
            telemetry.audit(decision)
        else:
            telemetry.metrics.request_finished(account, None)
        if index % 100 == 99:
            await asyncio.sleep(0.02)
    await telemetry.close()
    return (time.process_time() - before) / _REQUESTS * 1e6


def main() -> None:
    """Print the table."""
    here, there = multiprocessing.Pipe()
    collector = multiprocessing.Process(target=_collect, args=(there,), daemon=True)
    collector.start()
    endpoint = f"http://127.0.0.1:{here.recv()}"
    for name, at, ratio, lines in (
        ("metrics only", None, 0.0, False),
        ("metrics, both log lines", None, 0.0, True),
        ("metrics, both log lines, 10 % of spans", endpoint, 0.1, True),
        ("metrics, both log lines, 100 % of spans", endpoint, 1.0, True),
    ):
        rounds = [asyncio.run(_cpu_us(at, ratio, lines=lines)) for _ in range(_ROUNDS)]
        print(f"{name:42} {statistics.median(rounds):7.1f} us")  # noqa: T201  a report
    collector.terminate()
    collector.join()


if __name__ == "__main__":
    main()
