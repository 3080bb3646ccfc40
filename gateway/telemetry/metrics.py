"""What is counted and timed, told in the words of the rooms above.

Everything about one request is recorded at its end, from its account, so that exemplars can point
at traces that were kept and at no others.
"""

import platform
import time
from collections.abc import Iterable, Mapping
from typing import Final

from gateway import __version__
from gateway.telemetry import labels as words
from gateway.telemetry.accounts import LedgerAccount, RequestAccount, UpstreamAccount
from gateway.telemetry.histograms import Series
from gateway.telemetry.instruments import BoundedLabel, Instruments
from gateway.telemetry.scrape import Scrape
from gateway.telemetry.shapes import AnswerShape, RequestSeries, RequestShape, kept, shape_of
from gateway.telemetry.tallies import Tally

Exemplar = Mapping[str, str] | None

_SERVER: Final = "http_server_request_duration_seconds"
_CLIENT: Final = "http_client_request_duration_seconds"
_TENANT_CALLS: Final = "gateway_tenant_calls_total"
_QUOTA: Final = "gateway_quota_decisions_total"
_CREDENTIALS_LOADED: Final = "gateway_credentials_loaded_timestamp_seconds"


class Metrics:
    """The gateway's metrics; `scrape` is where gauges are watched and the exposition is rendered."""

    def __init__(self) -> None:
        self._instruments = Instruments()
        self._series = self._instruments.histograms.series
        self._tally = self._instruments.tallies.tally
        self._upstream_address = ""
        self._tenants = BoundedLabel(words.TENANT_LIMIT)
        self._quotas = BoundedLabel(words.TENANT_LIMIT)
        self.scrape = Scrape(self._instruments.registry, self._tenants, self._quotas)
        self._operations = BoundedLabel(20, words.LEDGER_OPERATIONS)
        self._kinds = BoundedLabel(40)
        self._reasons = BoundedLabel(30)
        self._active = 0
        self.scrape.watch("http_server_active_requests", lambda: [((), self._active)])
        self._requests: dict[RequestShape, RequestSeries] = {}
        self._answers: dict[AnswerShape, Series] = {}
        self._spans = {result: self._tally("gateway_spans_total", (result,)) for result in words.SPAN_RESULTS}
        self._admitted: dict[tuple[str, ...], tuple[Tally, ...]] = {}
        self._ledger_up = self._instruments.gauge("gateway_ledger_up")
        build = self._instruments.gauge("gateway_build_info", (__version__, platform.python_version()))
        build.set(1)
        self._phases = [self._series("gateway_upstream_phase_seconds", (phase,)) for phase in words.PHASES]
        self._expect()

    def _expect(self) -> None:
        """Make the series exist whose first increase matters: `increase()` misses a first sample."""
        inc, expect = self._instruments.inc, self._series
        for door in words.DOORS:
            expect("gateway_overhead_seconds", (door,))
            for outcome in words.OUTCOMES:
                self._tally("gateway_calls_total", (door, outcome))
        for name, values in (
            ("gateway_upstream_answer_repairs_total", words.REPAIRS),
            ("gateway_auth_failures_total", words.AUTH_FAILURES),
            ("gateway_redactions_total", ("log", "span")),
            ("gateway_credentials_reloads_total", ("success", "failure")),
        ):
            for value in values:
                inc(name, (value,), 0)
        for operation in ("admit", "settle"):
            expect("gateway_ledger_duration_seconds", (operation,))
        for route, status in (("/v1/calls", "201"), ("/v1/calls", "202"), ("/graphql", "200")):
            expect(_SERVER, ("POST", route, status, "no"))

    def expect_words(self, name: str, words_of_label: Iterable[str]) -> None:
        """Make the series of a counter with one label exist, so that its first increase is seen."""
        for word in words_of_label:
            self._instruments.inc(name, (word,), 0)

    def expect_upstream(self, method: str, address: str) -> None:
        """Calls go out by this HTTP method to this host from now on."""
        self._upstream_address = address
        answers = [("200", "200", ""), ("200", "204", ""), ("200", "401", "legacy_401")]
        answers += [("200", "402", "legacy_402")] + [("", "none", fault) for fault in words.TRANSPORT_FAULTS]
        for status, code, fault in answers:
            self._series(_CLIENT, (method, self._upstream_address, status, code, fault, "no"))

    def expect_tenants(self, quotas_of: Mapping[str, Iterable[str]]) -> None:
        """Give the configured tenants (name to quota names) their own label values, before any other."""
        for tenant, quotas in quotas_of.items():
            label = self._tenants.of(tenant)
            for result in words.TENANT_RESULTS:
                self._tally(_TENANT_CALLS, (label, result))
            for quota in quotas:
                for decision in ("admitted", "refused"):
                    self._tally(_QUOTA, (label, self._quotas.of(quota), decision))

    def request_started(self) -> None:
        """A request reached a door."""
        self._active += 1

    def request_finished(self, account: RequestAccount, exemplar: Exemplar) -> None:
        """Everything a finished request tells, the upstream call and the ledger's steps included."""
        self._active -= 1
        call = account.call
        shape = shape_of(account)
        series = self._requests.get(shape)
        if series is None:
            series = kept(self._requests, shape, self._series_of(account))
        series.duration.observe(account.duration_seconds, exemplar)
        for tally in series.tallies:
            tally.count += 1
        if call is None or series.overhead is None:
            return
        for step in call.ledger:
            self.ledger_finished(step)
        if call.upstream is not None:
            self._upstream_finished(call.upstream, exemplar)
        for quota in call.violated if account.tenant is not None else ():
            self._quota_tally(account.tenant or "", quota, "refused").count += 1
        series.overhead.observe(overhead_seconds(account))

    def _series_of(self, account: RequestAccount) -> RequestSeries:
        """What requests of this one's shape count on."""
        call = account.call
        wait = "yes" if call is not None and call.client_wait_seconds > 0 else "no"
        labels = (words.method_of(account.method), account.route, str(account.status), wait)
        duration = self._series(_SERVER, labels)
        outcome = words.outcome_of(account)
        if outcome is None:
            return RequestSeries(duration, (), None)
        door = account.door or "rest"
        tallies = [self._tally("gateway_calls_total", (door, outcome))]
        is_sent = call is not None and call.upstream is not None and call.upstream.is_sent
        result = words.tenant_result_of(outcome, is_sent=is_sent)
        is_replay = call is not None and call.is_replayed
        if account.tenant is not None and result is not None and not is_replay:
            tallies.append(self._tally(_TENANT_CALLS, (self._tenants.of(account.tenant), result)))
        return RequestSeries(duration, tuple(tallies), self._series("gateway_overhead_seconds", (door,)))

    def _upstream_finished(self, upstream: UpstreamAccount, exemplar: Exemplar) -> None:
        waits = upstream.wait_seconds > 0
        status, code, fault = upstream.http_status, upstream.legacy_code, upstream.error_type
        shape = (upstream.method, self._upstream_address, status, code, fault, waits)
        answer = self._answers.get(shape)
        if answer is None:
            labels = (
                *(upstream.method, self._upstream_address, "" if status is None else str(status)),
                *(words.legacy_code_of(upstream), fault or "", "yes" if waits else "no"),
            )
            answer = kept(self._answers, shape, self._series(_CLIENT, labels))
        answer.observe(upstream.duration_seconds, exemplar)
        if waits:
            excess = max(0.0, upstream.duration_seconds - upstream.wait_seconds)
            self._series("gateway_upstream_wait_excess_seconds").observe(excess)
        for phase, seconds in zip(self._phases, words.in_order(upstream.phases), strict=True):
            if seconds is not None:
                phase.observe(seconds)
        for kind in upstream.repairs:
            self._instruments.inc("gateway_upstream_answer_repairs_total", (kind,))

    def ledger_finished(self, step: LedgerAccount) -> None:
        """One step of the ledger; those in a call's account are told by `request_finished`."""
        operation = (self._operations.of(step.operation),)
        self._series("gateway_ledger_duration_seconds", operation).observe(step.duration_seconds)
        if step.error_kind is not None:
            self.ledger_failed(step.error_kind)

    def ledger_failed(self, kind: str) -> None:
        """A step of the ledger failed, or a probe outside of any step."""
        self._instruments.inc("gateway_ledger_errors_total", (self._kinds.of(kind),))
        self.set_ledger_up(is_up=False)

    def set_ledger_up(self, *, is_up: bool) -> None:
        """Whether steps can be taken, as a probe outside of any found it. A step that goes well tells less:
        it may have needed to write nothing."""
        self._ledger_up.set(is_up)

    def ledger_recovered(self, records: int) -> None:
        """Records found in progress past their deadline, now unknown."""
        self._instruments.inc("gateway_ledger_recovered_total", (), records)

    def quotas_admitted(self, tenant: str, quotas: Iterable[str]) -> None:
        """Quotas that were charged for a call."""
        shape = (tenant, *quotas)
        tallies = self._admitted.get(shape)
        if tallies is None:
            made = tuple(self._quota_tally(tenant, quota, "admitted") for quota in shape[1:])
            tallies = kept(self._admitted, shape, made)
        for tally in tallies:
            tally.count += 1

    def _quota_tally(self, tenant: str, quota: str, decision: str) -> Tally:
        return self._tally(_QUOTA, (self._tenants.of(tenant), self._quotas.of(quota), decision))

    def auth_failed(self, reason: words.AuthFailure) -> None:
        """Credentials that did not do."""
        self._instruments.inc("gateway_auth_failures_total", (reason,))

    def graphql_rejected(self, reason: str) -> None:
        """A document refused before it ran; `reason` is a word of the GraphQL edge's own."""
        self._instruments.inc("gateway_graphql_rejected_total", (self._reasons.of(reason),))

    def credentials_loaded(self, name: str, *, is_success: bool, is_new: bool = True) -> None:
        """A named pair of upstream credentials was read, or could not be. Not `is_new`: it ages on."""
        result = "success" if is_success else "failure"
        self._instruments.inc("gateway_credentials_reloads_total", (result,))
        if is_success and is_new:
            self._instruments.gauge(_CREDENTIALS_LOADED, (name,)).set(time.time())

    def credentials_dropped(self, name: str) -> None:
        """The configuration has that pair no longer: it can't grow old."""
        self._instruments.drop_gauge(_CREDENTIALS_LOADED, (name,))

    def config_loaded(self, *, is_success: bool) -> None:
        """A configuration was taken into use, or refused while the old one goes on."""
        self._instruments.gauge("gateway_config_last_reload_successful").set(is_success)
        if is_success:
            gauge = self._instruments.gauge("gateway_config_last_reload_timestamp_seconds")
            gauge.set(time.time())

    def redacted(self, sink: str, count: int) -> None:
        """Credentials struck out on their way to `sink` (log, span). May come from any thread."""
        self._instruments.inc("gateway_redactions_total", (sink,), count)

    def spans(self, result: str, count: int) -> None:
        """Spans by what became of them. May come from the exporter's thread: nothing else runs between the
        reading of a number and the adding to it."""
        self._spans[result].count += count

    def loop_lagged(self, seconds: float) -> None:
        """How late a timer ran."""
        self._series("gateway_event_loop_lag_seconds").observe(seconds)


def overhead_seconds(account: RequestAccount) -> float:
    """What the gateway itself took: the request less the upstream and the remote store."""
    call = account.call
    if call is None:
        return account.duration_seconds
    elsewhere = call.upstream.duration_seconds if call.upstream is not None else 0.0
    for step in call.ledger:
        if step.is_remote:
            elsewhere += step.duration_seconds
    return max(0.0, account.duration_seconds - elsewhere)
