"""Spans on their way to the collector: a bounded queue that drops and counts, never blocks, and a
shutdown that is bounded however the collector behaves.

The SDK's batch processor is used for what it does well (batches from a thread of its own); its own
queue drops without counting and its shutdown may take 30 s, so both bounds are kept here.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final, Literal

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

SpanResult = Literal["exported", "failed", "dropped", "unsampled"]
Count = Callable[[SpanResult, int], None]

MAX_PENDING_SPANS: Final = 2048
_BATCH_SPANS: Final = 128
_BATCH_MS: Final = 100
"""Small and often: a batch is encoded by the interpreter, 60 us a span, and calls wait for that."""

_FLUSH_SECONDS: Final = 1.2
_ABORT_SECONDS: Final = 0.2
_TRACES_PATH: Final = "/v1/traces"


class _CountingExporter(SpanExporter):
    """Counts what became of every span. `done` is written by the processor's thread alone."""

    def __init__(self, exporter: SpanExporter, count: Count) -> None:
        self._exporter = exporter
        self._count = count
        self._is_shut = threading.Event()
        self.done = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self.done += len(spans)
            self._count("exported" if result is SpanExportResult.SUCCESS else "failed", len(spans))
        return result

    def shutdown(self) -> None:
        """Ends the waits between retries. Both the processor and the close come here; once is enough."""
        if not self._is_shut.is_set():
            self._is_shut.set()
            self._exporter.shutdown()


class SpanSender:
    """Hands spans to a collector at an OTLP/HTTP base URL (`/v1/traces` is appended)."""

    def __init__(self, endpoint: str, count: Count) -> None:
        base = endpoint.rstrip("/")
        url = base if base.endswith(_TRACES_PATH) else base + _TRACES_PATH
        self._count = count
        self._sent = 0
        self._exporter = _CountingExporter(OTLPSpanExporter(endpoint=url), count)
        self._processor = BatchSpanProcessor(
            self._exporter,
            # Never reached: what is pending is bounded here, where it is counted.
            max_queue_size=2 * MAX_PENDING_SPANS,
            schedule_delay_millis=_BATCH_MS,
            max_export_batch_size=_BATCH_SPANS,
        )

    def has_room(self, spans: int) -> bool:
        """Whether so many spans would be taken; if not they count as dropped. Asked before they are
        made, so that a collector that hangs makes the gateway cheaper, not dearer."""
        if self._sent - self._exporter.done + spans <= MAX_PENDING_SPANS:
            return True
        self._count("dropped", spans)
        return False

    def send(self, spans: Sequence[ReadableSpan]) -> None:
        """Queue the spans of one request. From one thread only."""
        self._sent += len(spans)
        for span in spans:
            self._processor.on_end(span)

    def close(self) -> None:
        """Send what is queued for 1.4 s at most; what is left then counts as dropped. Blocks so long."""
        flushing = threading.Thread(target=self._processor.shutdown, name="span-flush", daemon=True)
        flushing.start()
        flushing.join(_FLUSH_SECONDS)
        self._exporter.shutdown()
        flushing.join(_ABORT_SECONDS)
        left = self._sent - self._exporter.done
        if left:
            self._count("dropped", left)
