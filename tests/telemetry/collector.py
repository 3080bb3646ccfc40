"""A real OTLP/HTTP receiver in a thread, which may also misbehave; and log lines through a real pipe."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from gateway.telemetry import Telemetry
from tests.telemetry.samples import options


class Collector(ThreadingHTTPServer):
    """Keeps what it was sent. `status` is what it answers, after `delay_seconds` or never (`hangs`)."""

    daemon_threads = True

    def __init__(self, *, status: int = 200, delay_seconds: float = 0, hangs: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.status, self.delay_seconds, self.hangs = status, delay_seconds, hangs
        self.closing = threading.Event()
        self.batches: list[ResourceSpans] = []
        self.asked = threading.Event()

    @property
    def endpoint(self) -> str:
        """The base URL, as the configuration has it."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def spans(self) -> list[Span]:
        """Every span, in the order it came."""
        return [span for batch in self.batches for scope in batch.scope_spans for span in scope.spans]


class _Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Collector

    def do_POST(self) -> None:
        """Decode, keep, answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.set()
        if self.server.hangs:
            self.server.closing.wait()
            self.close_connection = True
            return
        time.sleep(self.server.delay_seconds)
        if self.path == "/v1/traces" and self.server.status == 200:
            self.server.batches.extend(ExportTraceServiceRequest.FromString(body).resource_spans)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def collector(*, status: int = 200, delay_seconds: float = 0, hangs: bool = False) -> Iterator[Collector]:
    """A collector on a free port, for as long as the block lasts."""
    with Collector(status=status, delay_seconds=delay_seconds, hangs=hangs) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def attributes(span: Span) -> dict[str, Any]:
    """A span's attributes as Python values."""
    return {item.key: _value(item.value) for item in span.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind)


def lines_of(act: Callable[[Telemetry], None], **changes: Any) -> list[dict[str, Any]]:
    """What a started telemetry writes to its descriptor while `act` uses it, a JSON object a line."""
    return [orjson.loads(line) for line in raw_of(act, **changes).split(b"\n")[:-1]]


def raw_of(act: Callable[[Telemetry], None], **changes: Any) -> bytes:
    """The same, as it was written; what fits in a pipe (64 KiB)."""
    reading, writing = os.pipe()

    async def run() -> None:
        telemetry = Telemetry(options(log_fd=writing, **changes))
        os.close(writing)
        telemetry.start()
        act(telemetry)
        await telemetry.close()

    asyncio.run(run())
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read()


def silent(**changes: Any) -> Telemetry:
    """A telemetry whose lines go nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        return Telemetry(options(log_fd=null, **changes))
    finally:
        os.close(null)
