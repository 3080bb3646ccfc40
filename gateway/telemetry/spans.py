"""The spans of one request, made after it from its account, and only when its trace is kept.

SERVER  "POST /v1/calls" | "POST /graphql"
 |- CLIENT  "ledger admit" / "ledger settle"   only when the store is remote
 `- CLIENT  "GET /calls/make/"                 one per upstream call
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from gateway import __version__
from gateway.telemetry.accounts import LedgerAccount, RequestAccount, TraceIds, UpstreamAccount
from gateway.telemetry.labels import UNMATCHED, is_server_fault, method_of, outcome_of
from gateway.telemetry.paths import shown_path
from gateway.telemetry.trace_context import new_span_id

Attributes = dict[str, str | int | bool | tuple[str, ...]]

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_UNSET: Final = Status(StatusCode.UNSET)
_ERROR: Final = Status(StatusCode.ERROR)
_NANOSECONDS: Final = 1_000_000_000
_NAME_LIMIT: Final = 64


@dataclass(frozen=True, slots=True)
class UpstreamNames:
    """What spans say of the upstream: `url_full` is a constant whose values read REDACTED, and
    `url_template` the path that names the span, `/calls/make/`."""

    address: str
    port: int
    url_template: str
    url_full: str


class SpanMaker:
    """Makes the spans of accounts. `clean` strikes credentials out of their texts."""

    def __init__(self, upstream: UpstreamNames, clean: Callable[[str], str]) -> None:
        self._upstream = upstream
        self._clean = clean
        self._resource = Resource({"service.instance.id": str(uuid4())}).merge(
            # Reads OTEL_RESOURCE_ATTRIBUTES, which may name the instance better.
            Resource.create({"service.name": "gateway", "service.version": __version__})
        )
        self._scope = InstrumentationScope("gateway", __version__)

    def spans_of(self, account: RequestAccount) -> list[ReadableSpan]:
        """The whole tree of one request, the SERVER span first."""
        state = TraceState.from_header([account.trace.trace_state] if account.trace.trace_state else [])
        trace_id = account.trace.trace_id
        own = SpanContext(trace_id, account.trace.span_id, False, _SAMPLED, state)
        spans = [self._server(account, own, _parent(account.trace, state))]
        call = account.call
        if call is not None:
            spans += [self._ledger(step, own) for step in call.ledger if step.is_remote]
            if call.upstream is not None:
                spans.append(self._client(call.upstream, own))
        return spans

    def _server(self, account: RequestAccount, own: SpanContext, parent: SpanContext | None) -> ReadableSpan:
        attributes: Attributes = {
            "http.request.method": method_of(account.method),
            "url.scheme": account.scheme,
            "url.path": shown_path(account.path, account.route),
            "http.response.status_code": account.status,
            "gateway.request.id": account.request_id,
        }
        is_routed = account.route != UNMATCHED
        outcome = outcome_of(account) or (account.error_code or "").lower()
        operation_name = account.graphql_operation_name
        for name, value in (
            ("http.route", account.route if is_routed else None),
            ("gateway.tenant", account.tenant),
            ("gateway.door", account.door),
            ("gateway.outcome", outcome or None),
            ("graphql.operation.type", account.graphql_operation_type),
            ("graphql.operation.name", operation_name[:_NAME_LIMIT] if operation_name else None),
        ):
            if value is not None:
                attributes[name] = value
        call = account.call
        if call is not None:
            attributes["gateway.replayed"] = call.is_replayed
            if call.call_id is not None:
                attributes["gateway.call.id"] = call.call_id
            if call.violated:
                attributes["gateway.quota.violated"] = call.violated
        method = method_of(account.method)
        name = f"{method} {account.route}" if is_routed else method
        status = _ERROR if is_server_fault(account) else _UNSET
        started, seconds = account.started_at_ns, account.duration_seconds
        return self._span(name, SpanKind.SERVER, own, parent, attributes, status, started, seconds)

    def _client(self, upstream: UpstreamAccount, parent: SpanContext) -> ReadableSpan:
        attributes: Attributes = {
            "http.request.method": upstream.method,
            "server.address": self._upstream.address,
            "server.port": self._upstream.port,
            "url.template": self._upstream.url_template,
            "url.full": self._upstream.url_full,
            "gateway.sent": upstream.is_sent,
            "gateway.wait_seconds": upstream.wait_seconds,
            "gateway.delay_seconds": upstream.delay_seconds,
        }
        for name, value in (
            ("http.response.status_code", upstream.http_status),
            ("legacy.response.code", upstream.legacy_code),
            ("legacy.response.key", upstream.legacy_key),
            ("error.type", upstream.error_type),
        ):
            if value is not None:
                attributes[name] = value
        is_error = upstream.is_unknown or upstream.error_type is not None or _is_refusal(upstream.legacy_code)
        name = f"{upstream.method} {self._upstream.url_template}"
        status = _ERROR if is_error else _UNSET
        started, seconds = upstream.started_at_ns, upstream.duration_seconds
        context = _child_of(parent)
        return self._span(name, SpanKind.CLIENT, context, parent, attributes, status, started, seconds)

    def _ledger(self, step: LedgerAccount, parent: SpanContext) -> ReadableSpan:
        status = _ERROR if step.error_kind is not None else _UNSET
        name, context = f"ledger {step.operation}", _child_of(parent)
        started, seconds = step.started_at_ns, step.duration_seconds
        return self._span(name, SpanKind.CLIENT, context, parent, {}, status, started, seconds)

    def _span(
        self,
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: Attributes,
        status: Status,
        started_at_ns: int,
        duration_seconds: float,
    ) -> ReadableSpan:
        clean = {key: self._clean_value(value) for key, value in attributes.items()}
        return ReadableSpan(
            name=name,
            context=context,
            parent=parent,
            resource=self._resource,
            attributes=clean,
            kind=kind,
            status=status,
            start_time=started_at_ns,
            end_time=started_at_ns + round(duration_seconds * _NANOSECONDS),
            instrumentation_scope=self._scope,
        )

    def _clean_value(self, value: str | int | bool | tuple[str, ...]) -> str | int | bool | tuple[str, ...]:
        if not isinstance(value, str):
            return value
        # A lone surrogate from a client's path would cost the whole batch its encoding.
        return self._clean(value if value.isascii() else value.encode("utf-8", "replace").decode())


def count_spans(account: RequestAccount) -> int:
    """How many spans `spans_of` would make."""
    call = account.call
    if call is None:
        return 1
    return 1 + (call.upstream is not None) + sum(step.is_remote for step in call.ledger)


def _parent(trace: TraceIds, state: TraceState) -> SpanContext | None:
    if trace.parent_span_id is None:
        return None
    flags = TraceFlags(TraceFlags.SAMPLED if trace.parent_is_sampled else TraceFlags.DEFAULT)
    return SpanContext(trace.trace_id, trace.parent_span_id, True, flags, state)


def _child_of(parent: SpanContext) -> SpanContext:
    return SpanContext(parent.trace_id, new_span_id(), False, _SAMPLED, parent.trace_state)


def _is_refusal(legacy_code: str | None) -> bool:
    return legacy_code is not None and legacy_code.isdecimal() and int(legacy_code) >= 400
