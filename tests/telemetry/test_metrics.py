"""Metrics, as a scraper parses them."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from gateway.errors import Code
from gateway.telemetry import RequestAccount, Telemetry, TraceIds, table
from gateway.telemetry.table import GATEWAY_BUCKETS, LATENCY_BUCKETS
from tests.telemetry.collector import collector, silent
from tests.telemetry.samples import audit, call, request, step, upstream

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def scrape(telemetry: Telemetry, accept: str = "") -> dict[str, Metric]:
    """The families by their name in the table."""
    text, content_type = asyncio.run(telemetry.metrics.scrape.render(accept))
    is_open = content_type.startswith("application/openmetrics-text")
    families = (parse_openmetrics if is_open else parse_text)(text.decode())
    return {family.name + ("_total" if family.type == "counter" else ""): family for family in families}


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    """The one sample of that name and exactly those labels; None without one."""
    found = [
        sample.value
        for family in scrape(telemetry).values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return found[0] if found else None


def told(*accounts: RequestAccount) -> Telemetry:
    """A telemetry that was told of these requests."""
    telemetry = silent()
    for account in accounts:
        telemetry.request_started()
        telemetry.request_finished(account)
    return telemetry


def refused(code: Code, **changes: object) -> RequestAccount:
    """A call request that ended in an error before its dial."""
    outcome = call(outcome=code.lower(), status=422, upstream=None, ledger=())
    return request(status=422, error_code=str(code), call=replace(outcome, **changes))


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_every_metric_of_the_table_is_exposed_with_its_type_and_labels(accept: str) -> None:
    """Both formats parse; every row is there with its type, its buckets and no other label."""
    telemetry = told(request(), request(call=None))
    families = scrape(telemetry, accept)
    for row in table():
        family = families[row.name]
        assert (family.type, family.documentation) == (row.kind, row.help)
        assert {name for sample in family.samples for name in sample.labels} - {"le"} <= set(row.labels)
        if row.kind == "histogram":
            bounds = [sample.labels["le"] for sample in family.samples if "le" in sample.labels]
            count = len(row.buckets) + 1
            assert bounds[:count] == [*(str(bound) for bound in row.buckets), "+Inf"]
    assert any(name.startswith("process_") for name in families)
    assert any(name.startswith("python_gc_") for name in families)


def test_no_metric_is_exposed_that_no_table_has() -> None:
    """Beside the rows there are only the process's and the collector's own; no `_created` series."""
    own = {row.name for row in table()}
    others = {name for name in scrape(told(request())) if name not in own}
    assert all(name.startswith(("process_", "python_gc_")) for name in others)


def test_the_buckets_are_the_documented_ones() -> None:
    """Rules and dashboards name bucket bounds, so these are fixed."""
    assert (
        *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
        *(1, 2.5, 5, 7.5, 10, 15, 30, 60),
    ) == LATENCY_BUCKETS
    assert GATEWAY_BUCKETS == (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)


def test_every_outcome_of_both_doors_exists_at_zero() -> None:
    """`increase()` misses a first sample of 1, so nothing may appear with its first event."""
    samples = scrape(silent())["gateway_calls_total"].samples
    outcomes = {"requested", "replayed", "dry_run"} | {code.lower() for code in Code}
    assert {(each.labels["door"], each.labels["outcome"]) for each in samples} == {
        (door, outcome) for door in ("rest", "graphql") for outcome in outcomes
    }
    assert {each.value for each in samples} == {0.0}


def test_a_requested_call_is_counted_once_everywhere() -> None:
    """One call: one outcome, one tenant result, one upstream observation by its body code."""
    telemetry = told(request())
    assert value(telemetry, "gateway_calls_total", door="rest", outcome="requested") == 1
    assert value(telemetry, "gateway_tenant_calls_total", tenant="acme", result="requested") == 1
    assert value(
        telemetry,
        "http_client_request_duration_seconds_count",
        http_request_method="GET",
        server_address="pbx.example.com",
        http_response_status_code="200",
        legacy_code="204",
        error_type="",
        wait="no",
    ) == 1  # fmt: skip
    assert value(telemetry, "gateway_ledger_duration_seconds_count", operation="admit") == 1
    assert value(telemetry, "gateway_upstream_phase_seconds_count", phase="tls") == 0
    assert value(telemetry, "gateway_upstream_phase_seconds_count", phase="connect") == 1
    assert value(telemetry, "http_server_active_requests") == 0


@pytest.mark.parametrize(
    ("account", "result"),
    [
        (refused(Code.QUOTA_EXCEEDED), "quota"),
        (refused(Code.INVALID_INPUT), "refused"),
        (refused(Code.DESTINATION_NOT_ALLOWED), "refused"),
        (refused(Code.CALL_IN_PROGRESS), "refused"),
        (refused(Code.STORE_UNAVAILABLE), "failed"),
        (refused(Code.UPSTREAM_CREDENTIALS_REJECTED), "failed"),
        (refused(Code.OUTCOME_UNKNOWN), "unknown"),
        (refused(Code.INTERNAL), "failed"),
        (refused(Code.INTERNAL, upstream=upstream()), "unknown"),
        (request(call=call(outcome="replayed", is_replayed=True, upstream=None)), None),
        (request(call=call(outcome="dry_run", upstream=None)), None),
        (refused(Code.OUTCOME_UNKNOWN, is_replayed=True), None),
    ],
)
def test_a_tenants_result_follows_from_the_outcome(account: RequestAccount, result: str | None) -> None:
    """Callers' faults are refused, ours and the upstream's failed; replays and dry runs count nowhere."""
    samples = scrape(told(account))["gateway_tenant_calls_total"].samples
    assert [sample.labels["result"] for sample in samples if sample.value] == ([result] if result else [])


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"error_code": "UNAUTHENTICATED", "status": 401}, "unauthenticated"),
        ({"error_code": "NOT_FOUND", "status": 404, "route": "/v1/calls/{id}"}, None),
        ({"error_code": "UNAUTHENTICATED", "status": 401, "method": "GET"}, None),
        ({"error_code": "MALFORMED_REQUEST", "door": "graphql", "route": "/graphql"}, "malformed_request"),
        (
            {
                "error_code": "TOO_LARGE",
                "door": "graphql",
                "route": "/graphql",
                "graphql_operation_type": "query",
            },
            None,
        ),
    ],
)
def test_a_refusal_before_the_call_was_read_counts_where_only_a_call_was_meant(
    changes: dict[str, object], outcome: str | None
) -> None:
    """A POST that failed authentication is a call request that was refused; a read never is one."""
    samples = scrape(told(request(call=None, **changes)))["gateway_calls_total"].samples
    assert [each.labels["outcome"] for each in samples if each.value] == ([outcome] if outcome else [])


def test_overhead_is_what_neither_the_upstream_nor_a_remote_store_took() -> None:
    """1 s less 0.4 s of upstream and 0.2 s of a remote store; an embedded store is the gateway's own."""
    remote, local = step(duration_seconds=0.2, is_remote=True), step("settle", duration_seconds=0.1)
    telemetry = told(
        request(
            duration_seconds=1.0,
            call=call(ledger=(remote, local), upstream=upstream(duration_seconds=0.4)),
        )
    )
    assert value(telemetry, "gateway_overhead_seconds_sum", door="rest") == pytest.approx(0.4)


def test_a_held_answer_is_told_apart_and_its_excess_timed() -> None:
    """wait=5 that took 5.2 s is 0.2 s too long, under wait="yes" on both sides."""
    held = upstream(wait_seconds=5, duration_seconds=5.2)
    telemetry = told(request(duration_seconds=5.3, call=call(client_wait_seconds=5, upstream=held)))
    assert value(telemetry, "gateway_upstream_wait_excess_seconds_sum") == pytest.approx(0.2)
    server = scrape(telemetry)["http_server_request_duration_seconds"].samples
    assert [each.labels["wait"] for each in server if each.name.endswith("_count") and each.value] == ["yes"]


def test_what_a_client_invents_makes_no_label() -> None:
    """Methods, body codes and a thousand tenants each end in a bounded set of label values."""
    telemetry = silent()
    telemetry.metrics.expect_tenants({"configured": ("daily",)})
    for index in range(1000):
        odd = upstream(legacy_code=str(1000 + index))
        telemetry.request_finished(
            request(
                method=f"M{index}", tenant=f"tenant-{index}", call=call(upstream=odd, violated=(f"q{index}",))
            )
        )
    telemetry.request_finished(request(tenant="configured"))
    families = scrape(telemetry)
    tenants = {sample.labels["tenant"] for sample in families["gateway_tenant_calls_total"].samples}
    assert len(tenants) == 201
    assert {"configured", "__other__"} <= tenants
    assert len({each.labels["quota"] for each in families["gateway_quota_decisions_total"].samples}) <= 201
    other = telemetry, "gateway_tenant_calls_total"
    assert value(*other, tenant="__other__", result="requested") == 801
    server = families["http_server_request_duration_seconds"].samples
    assert {each.labels["http_request_method"] for each in server} == {"POST", "_OTHER"}
    client = families["http_client_request_duration_seconds"].samples
    assert "other" in {each.labels["legacy_code"] for each in client}
    assert len({each.labels["legacy_code"] for each in client}) < 10


def test_quota_decisions_are_counted_by_quota() -> None:
    """An allowed call was admitted by each of its quotas; a refused one by those that had nothing left."""
    telemetry = told(refused(Code.QUOTA_EXCEEDED, violated=("daily",)))
    telemetry.audit(audit())
    telemetry.audit(audit(decision="deny", code="QUOTA_EXCEEDED", rules=("daily",)))
    name = "gateway_quota_decisions_total"
    assert value(telemetry, name, tenant="acme", quota="burst", decision="admitted") == 1
    assert value(telemetry, name, tenant="acme", quota="daily", decision="admitted") == 1
    assert value(telemetry, name, tenant="acme", quota="daily", decision="refused") == 1
    assert value(telemetry, name, tenant="acme", quota="burst", decision="refused") is None


def exemplars(telemetry: Telemetry) -> set[str]:
    """The trace ids that exemplars point at."""
    samples: Iterable[Sample] = (
        sample for family in scrape(telemetry, OPENMETRICS).values() for sample in family.samples
    )
    return {sample.exemplar.labels["trace_id"] for sample in samples if sample.exemplar}


def test_exemplars_point_at_kept_traces_only() -> None:
    """Of an ordinary and a failed request only the failed one's trace exists, so only it is pointed at."""
    with collector() as server:
        telemetry = silent(otlp_endpoint=server.endpoint, sample_ratio=0.0)
        telemetry.request_finished(request(trace_id=0xAAA))
        unknown = call(upstream=upstream(is_unknown=True, error_type="bad_json", legacy_code=None))
        telemetry.request_finished(request(trace_id=0xBBB, status=502, call=unknown))
        asyncio.run(telemetry.close())
        assert exemplars(telemetry) == {format(0xBBB, "032x")}
        assert {span.trace_id.hex() for span in server.spans} == exemplars(telemetry)


def test_without_a_collector_no_trace_is_kept_and_none_pointed_at() -> None:
    """No export, no exemplar: a link to nowhere helps nobody."""
    telemetry = told(request(status=503, trace=TraceIds(1, 2)))
    assert exemplars(telemetry) == set()


def test_the_ledger_is_down_from_a_failed_step_until_a_look_finds_it_up() -> None:
    """A failed step takes it down and is counted by kind. One that goes well, which may have had nothing
    to write, does not bring it back; what tries to write does."""
    telemetry = silent()
    telemetry.metrics.set_ledger_up(is_up=True)
    telemetry.ledger_finished(step())
    assert value(telemetry, "gateway_ledger_up") == 1
    telemetry.ledger_finished(step(error_kind="timeout"))
    assert value(telemetry, "gateway_ledger_up") == 0
    assert value(telemetry, "gateway_ledger_errors_total", kind="timeout") == 1
    telemetry.ledger_finished(step())
    assert value(telemetry, "gateway_ledger_up") == 0
    telemetry.metrics.set_ledger_up(is_up=True)
    assert value(telemetry, "gateway_ledger_up") == 1


def test_watched_gauges_are_read_when_a_scrape_asks() -> None:
    """Nothing polls: each scrape reads the value of its instant, as a state set where it is a state."""
    telemetry = silent()
    now = {"calls": 3, "state": "closed"}
    watch = telemetry.metrics.scrape
    watch.watch_in_flight("now", lambda: int(now["calls"]), lambda: 512)
    watch.watch_in_flight("waiting", lambda: 0, lambda: 384)
    watch.watch_connections(lambda: 2, lambda: 1)
    watch.watch_circuits(lambda: {"transport": str(now["state"])})
    assert value(telemetry, "gateway_upstream_in_flight", lane="now") == 3
    assert value(telemetry, "gateway_upstream_in_flight_limit", lane="waiting") == 384
    assert value(telemetry, "gateway_upstream_connections", state="idle") == 1
    assert value(telemetry, "gateway_circuit_state", circuit="transport", state="closed") == 1
    now.update(calls=4, state="open")
    assert value(telemetry, "gateway_upstream_in_flight", lane="now") == 4
    assert value(telemetry, "gateway_circuit_state", circuit="transport", state="closed") == 0
    assert value(telemetry, "gateway_circuit_state", circuit="transport", state="open") == 1


def test_quota_use_is_asked_for_and_left_out_when_no_answer_comes() -> None:
    """A store that hangs costs a scrape half a second and its own gauge, nothing else."""
    telemetry = silent()
    delays = [0, 3600]

    async def ask() -> list[tuple[str, str, float]]:
        await asyncio.sleep(delays.pop(0))
        return [("acme", "daily", 0.25)]

    telemetry.metrics.scrape.watch_quotas(ask)
    assert value(telemetry, "gateway_quota_used_ratio", tenant="acme", quota="daily") == 0.25
    assert value(telemetry, "gateway_quota_used_ratio", tenant="acme", quota="daily") is None


def test_reloads_and_refusals_have_their_counters() -> None:
    """Each told event is in its metric."""
    telemetry = silent()
    telemetry.auth_failed("expired")
    telemetry.graphql_rejected("depth")
    telemetry.metrics.credentials_loaded("default", is_success=True)
    telemetry.metrics.credentials_loaded("default", is_success=False)
    telemetry.metrics.credentials_loaded("gone", is_success=True)
    telemetry.metrics.credentials_dropped("gone")
    telemetry.metrics.config_loaded(is_success=True)
    telemetry.metrics.config_loaded(is_success=False)
    telemetry.metrics.ledger_recovered(2)
    assert value(telemetry, "gateway_auth_failures_total", reason="expired") == 1
    assert value(telemetry, "gateway_graphql_rejected_total", reason="depth") == 1
    assert value(telemetry, "gateway_credentials_reloads_total", result="failure") == 1
    assert value(telemetry, "gateway_credentials_loaded_timestamp_seconds", credentials="default") > 1e9
    assert value(telemetry, "gateway_credentials_loaded_timestamp_seconds", credentials="gone") is None
    assert value(telemetry, "gateway_config_last_reload_successful") == 0
    assert value(telemetry, "gateway_config_last_reload_timestamp_seconds") > 1e9
    assert value(telemetry, "gateway_ledger_recovered_total") == 2


def test_the_event_loops_lag_is_sampled_while_it_runs() -> None:
    """A started telemetry times its own timer."""
    telemetry = silent()

    async def run() -> None:
        telemetry.start()
        await asyncio.sleep(0.7)
        await telemetry.close()

    asyncio.run(run())
    assert value(telemetry, "gateway_event_loop_lag_seconds_count") == 1
