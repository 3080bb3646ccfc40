"""Telemetry: one door for the rooms above, who tell it what happened and never ask it anything.

From one frozen account of a request come its metrics, its log line and, where the trace is kept,
its spans. Nothing here waits, and nothing that fails here touches a call.
"""

import asyncio
import logging
import threading
from dataclasses import dataclass
from typing import Final

from gateway.telemetry.accounts import (
    AuditAccount,
    CallAccount,
    ErrorType,
    LedgerAccount,
    PhaseSeconds,
    Repair,
    RequestAccount,
    TraceIds,
    UpstreamAccount,
)
from gateway.telemetry.export import SpanResult, SpanSender
from gateway.telemetry.labels import UNMATCHED, AuthFailure
from gateway.telemetry.lines import AuditNumbers, span_hex, trace_hex
from gateway.telemetry.logs import Logs
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.redaction import Redactor, Sink
from gateway.telemetry.sampling import Sampler
from gateway.telemetry.spans import SpanMaker, UpstreamNames, count_spans
from gateway.telemetry.table import MetricRow, table
from gateway.telemetry.trace_context import parse_traceparent

_LAG_SAMPLE_SECONDS: Final = 0.5
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TelemetryOptions:
    """What is told, and where to. `otlp_endpoint` None: no spans; `sample_ratio` 0 to 1; `log_fd` is
    the descriptor that log lines are written to (standard output)."""

    upstream: UpstreamNames
    upstream_method: str = "GET"
    otlp_endpoint: str | None = None
    sample_ratio: float = 0.1
    slow_call_seconds: float = 2
    log_level: str = "info"
    audit_numbers: AuditNumbers = "masked"
    log_fd: int = 1


class Telemetry:
    """Metrics, spans and log lines of one process. For the event loop's thread."""

    def __init__(self, options: TelemetryOptions) -> None:
        self.metrics = Metrics()
        self.metrics.expect_upstream(options.upstream_method, options.upstream.address)
        self._redactor = Redactor(self.metrics.redacted)
        self._logs = Logs(self._redactor, options.log_fd)
        self._lag_sampling: asyncio.Task[None] | None = None
        self._options = options
        self._sampler = Sampler(options.sample_ratio, options.slow_call_seconds)
        self._maker = self._make_maker(options)
        self._sender = self._make_sender(options)

    def start(self) -> None:
        """Take over logging, and watch the running event loop for lag."""
        self._logs.install(self._options.log_level)
        self._lag_sampling = asyncio.get_running_loop().create_task(self._sample_lag())

    def reconfigure(self, options: TelemetryOptions) -> None:
        """Use other settings from now on, all but `log_fd`. Spans that are queued for an old collector
        are still sent there, for a bounded time."""
        before, self._options = self._options, options
        self._sampler = Sampler(options.sample_ratio, options.slow_call_seconds)
        self._maker = self._make_maker(options)
        self.metrics.expect_upstream(options.upstream_method, options.upstream.address)
        if self._lag_sampling is not None:
            self._logs.install(options.log_level)
        if options.otlp_endpoint != before.otlp_endpoint:
            old, self._sender = self._sender, self._make_sender(options)
            if old is not None:
                threading.Thread(target=old.close, daemon=True).start()

    def guard(self, name: str, username: str, password: str) -> None:
        """Strike this pair of credentials out of everything that is written."""
        self._redactor.guard(name, username, password)

    def request_started(self) -> None:
        """A request reached a door; `request_finished` must follow, whatever comes of it."""
        self.metrics.request_started()

    def request_finished(self, account: RequestAccount) -> None:
        """Tell all of one request: its metrics, its line, and its spans where the trace is kept.

        The steps in `account.call.ledger` and `account.call.upstream` are told here and must not be
        told again. Never raises: promise 8.
        """
        try:
            self._tell_request(account)
        except Exception:  # the outermost handler of this room; its defects must not reach a call
            _logger.exception("a request could not be told")

    def _tell_request(self, account: RequestAccount) -> None:
        is_sampled = self._sampler.keeps(account)
        exemplar = None
        if self._send_spans(account, is_sampled=is_sampled):
            trace = account.trace
            exemplar = {"trace_id": trace_hex(trace.trace_id), "span_id": span_hex(trace.span_id)}
        self.metrics.request_finished(account, exemplar)
        self._logs.request(account, is_sampled=is_sampled)

    def _send_spans(self, account: RequestAccount, *, is_sampled: bool) -> bool:
        """Whether the trace was handed to the collector, so that an exemplar may point at it."""
        sender = self._sender
        if sender is None:
            return False
        spans = count_spans(account)
        if not is_sampled:
            self.metrics.spans("unsampled", spans)
            return False
        if not sender.has_room(spans):
            return False
        sender.send(self._maker.spans_of(account))
        return True

    def audit(self, account: AuditAccount) -> None:
        """Write the line of one decision, and count the quotas that an allowed call was charged to.

        Quotas that refused are counted from the request's account (`violated`). Never raises.
        """
        try:
            self._tell_decision(account)
        except Exception:  # as above
            _logger.exception("a decision could not be told")

    def _tell_decision(self, account: AuditAccount) -> None:
        if account.decision == "allow":
            self.metrics.quotas_admitted(account.tenant, (name for name, _, _ in account.quotas))
        self._logs.audit(account, self._options.audit_numbers)

    def ledger_finished(self, account: LedgerAccount) -> None:
        """One step of the ledger outside of any call's account: reads, recovery, late settlements."""
        self.metrics.ledger_finished(account)

    def auth_failed(self, reason: AuthFailure) -> None:
        """A request's credentials did not do."""
        self.metrics.auth_failed(reason)

    def graphql_rejected(self, reason: str) -> None:
        """A GraphQL document was refused before it ran."""
        self.metrics.graphql_rejected(reason)

    async def close(self) -> None:
        """Send and write what is left, for 2 s at most. Afterwards lines and spans are lost silently."""
        if self._lag_sampling is not None:
            self._lag_sampling.cancel()
            self._lag_sampling = None
        sender, self._sender = self._sender, None
        if sender is not None:
            await asyncio.to_thread(sender.close)
        await asyncio.to_thread(self._logs.close)

    async def _sample_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LAG_SAMPLE_SECONDS
            await asyncio.sleep(_LAG_SAMPLE_SECONDS)
            self.metrics.loop_lagged(max(0.0, loop.time() - due))

    def _make_maker(self, options: TelemetryOptions) -> SpanMaker:
        return SpanMaker(options.upstream, lambda text: self._redactor.clean_own(text, "span"))

    def _make_sender(self, options: TelemetryOptions) -> SpanSender | None:
        if options.otlp_endpoint is None:
            return None
        return SpanSender(options.otlp_endpoint, self.metrics.spans)


__all__ = [
    "UNMATCHED",
    "AuditAccount",
    "AuthFailure",
    "CallAccount",
    "ErrorType",
    "LedgerAccount",
    "MetricRow",
    "Metrics",
    "PhaseSeconds",
    "Repair",
    "RequestAccount",
    "Sink",
    "SpanResult",
    "Telemetry",
    "TelemetryOptions",
    "TraceIds",
    "UpstreamAccount",
    "UpstreamNames",
    "parse_traceparent",
    "table",
]
