"""Spans, as a real OTLP receiver decodes them."""

import asyncio
import time

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway import __version__
from gateway.telemetry import RequestAccount, Telemetry, parse_traceparent
from tests.telemetry.collector import attributes, collector, silent
from tests.telemetry.samples import NOW_NS, UPSTREAM, call, options, request, step, upstream

ERROR, UNSET = Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET


def exported(*accounts: RequestAccount, **changes: float) -> list[Span]:
    """The spans that arrive for these requests."""
    with collector() as server:

        async def run() -> None:
            telemetry = silent(otlp_endpoint=server.endpoint, **{"sample_ratio": 1.0} | changes)
            for account in accounts:
                telemetry.request_finished(account)
            await telemetry.close()

        asyncio.run(run())
        return server.spans


def count_of(telemetry: Telemetry, result: str) -> float:
    """`gateway_spans_total` of one result, as scraped."""
    text, _ = asyncio.run(telemetry.metrics.scrape.render(""))
    start = f'gateway_spans_total{{result="{result}"}} '
    return next(float(row[len(start) :]) for row in text.decode().splitlines() if row.startswith(start))


def test_a_call_is_one_tree_with_the_attributes_of_the_table() -> None:
    """A call through a remote store makes the SERVER span, its ledger steps and one upstream CLIENT
    span, with exactly the attributes that are documented."""
    ledger = (step("admit", is_remote=True), step("settle", is_remote=True))
    server, admit, settle, client = exported(request(call=call(ledger=ledger)))
    assert [span.name for span in (server, admit, settle, client)] == [
        "POST /v1/calls",
        "ledger admit",
        "ledger settle",
        "GET /calls/make/",
    ]
    assert server.kind == Span.SPAN_KIND_SERVER
    assert not server.parent_span_id
    for child in (admit, settle, client):
        assert child.kind == Span.SPAN_KIND_CLIENT
        assert child.parent_span_id == server.span_id
        assert child.trace_id == server.trace_id
    assert len({span.span_id for span in (server, admit, settle, client)}) == 4
    assert attributes(server) == {
        "http.request.method": "POST",
        "http.route": "/v1/calls",
        "url.scheme": "http",
        "url.path": "/v1/calls",
        "http.response.status_code": 202,
        "gateway.tenant": "acme",
        "gateway.door": "rest",
        "gateway.outcome": "requested",
        "gateway.call.id": "01J0000000000000000000CALL",
        "gateway.request.id": "req-1",
        "gateway.replayed": False,
    }
    assert attributes(client) == {
        "http.request.method": "GET",
        "server.address": "pbx.example.com",
        "server.port": 443,
        "url.template": "/calls/make/",
        "url.full": UPSTREAM.url_full,
        "http.response.status_code": 200,
        "legacy.response.code": "204",
        "gateway.sent": True,
        "gateway.wait_seconds": 0,
        "gateway.delay_seconds": 0,
    }
    assert (server.start_time_unix_nano, server.end_time_unix_nano) == (NOW_NS, NOW_NS + 22_500_000)
    assert {span.status.code for span in (server, admit, settle, client)} == {UNSET}


def test_an_embedded_store_and_a_request_that_never_dialled_make_no_client_spans() -> None:
    """Only what went over the network is a CLIENT span."""
    refused = call(outcome="quota_exceeded", status=429, violated=("burst", "daily"), upstream=None)
    (server,) = exported(request(status=429, error_code="QUOTA_EXCEEDED", call=refused))
    assert attributes(server)["gateway.quota.violated"] == ["burst", "daily"]
    assert attributes(server)["gateway.outcome"] == "quota_exceeded"
    assert server.status.code == UNSET


def test_graphql_spans_name_the_operation_and_never_the_document() -> None:
    """The operation's type and its name, cut at 64 characters, are all that is told of a document."""
    account = request(
        door="graphql",
        route="/graphql",
        path="/graphql",
        status=200,
        graphql_operation_type="mutation",
        graphql_operation_name="N" * 80,
    )
    server, _ = exported(account)
    assert server.name == "POST /graphql"
    told = attributes(server)
    assert told["graphql.operation.type"] == "mutation"
    assert told["graphql.operation.name"] == "N" * 64


@pytest.mark.parametrize(
    ("code", "status", "door_status", "expected"),
    [
        ("OUTCOME_UNKNOWN", 504, 504, ERROR),
        ("OUTCOME_UNKNOWN", 504, 200, ERROR),
        ("STORE_UNAVAILABLE", 503, 503, ERROR),
        ("INVALID_INPUT", 422, 422, UNSET),
        ("RATE_PLAN_FORBIDS", 403, 200, UNSET),
    ],
)
def test_the_server_span_fails_by_the_catalogue_alone(
    code: str, status: int, door_status: int, expected: int
) -> None:
    """GraphQL answers 200 to an unknown outcome; its span is an error all the same, and a caller's
    fault is none."""
    account = request(
        status=door_status, error_code=code, call=call(outcome=code.lower(), status=status, upstream=None)
    )
    (server,) = exported(account)
    assert server.status.code == expected


@pytest.mark.parametrize(
    ("told", "code", "fault", "expected"),
    [
        (upstream(legacy_code="401", error_type="legacy_401"), "401", "legacy_401", ERROR),
        (upstream(legacy_code="400", error_type="legacy_400"), "400", "legacy_400", ERROR),
        (upstream(legacy_code=None, is_unknown=True, error_type="bad_json"), None, "bad_json", ERROR),
        (upstream(legacy_code="200"), "200", None, UNSET),
    ],
)
def test_the_upstream_span_tells_the_truth_of_the_body(
    told: object, code: str | None, fault: str | None, expected: int
) -> None:
    """HTTP said 200 every time; the span's status follows the code in the body."""
    client = exported(request(call=call(upstream=told)))[-1]
    assert attributes(client)["http.response.status_code"] == 200
    assert attributes(client).get("legacy.response.code") == code
    assert attributes(client).get("error.type") == fault
    assert client.status.code == expected
    assert not client.events


def test_a_callers_trace_is_continued() -> None:
    """The caller's span is the SERVER span's parent, and its trace id and state are ours."""
    header = b"00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-00"
    ids = parse_traceparent(header, b"congo=t61rcWkgMzE, rojo=1")
    server, client = exported(request(trace=ids))
    assert server.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert server.parent_span_id.hex() == "00f067aa0ba902b7"
    assert server.trace_state == "congo=t61rcWkgMzE,rojo=1"
    assert client.parent_span_id == server.span_id != server.parent_span_id


def test_the_resource_names_the_service() -> None:
    """Every batch says which service, version and instance it is from."""
    with collector() as server:

        async def run() -> None:
            telemetry = silent(otlp_endpoint=server.endpoint, sample_ratio=1.0)
            telemetry.request_finished(request())
            await telemetry.close()

        asyncio.run(run())
        (batch,) = server.batches
    told = attributes(batch.resource)
    assert told["service.name"] == "gateway"
    assert told["service.version"] == __version__
    assert len(told["service.instance.id"]) == 36


def test_a_hostile_path_costs_no_span() -> None:
    """A path with a lone surrogate is mended and cut; its span and its batch arrive."""
    account = request(call=None, route="__unmatched__", method="BREW", path="/\udcff" + "x" * 999, status=404)
    (server,) = exported(account)
    assert server.name == "_OTHER"
    assert attributes(server)["url.path"].startswith("/?x")
    assert len(attributes(server)["url.path"]) == 256


UNMATCHED, CALL = "__unmatched__", "/v1/calls/{id}"
CALL_ID = "019d2f3a4b5c0123456789abcdef0123"


@pytest.mark.parametrize(
    ("route", "path", "shown"),
    [
        ("/v1/calls", "/v1/calls", "/v1/calls"),
        ("/v1/quota", "/v1/quota", "/v1/quota"),
        (CALL, f"/v1/calls/{CALL_ID}", f"/v1/calls/{CALL_ID}"),
        (CALL, "/v1/calls/2125551234", "/v1/calls/********34"),
        (CALL, "/v1/calls/" + "4" * 33, "/v1/calls/" + "*" * 31 + "44"),
        ("/assets/{name}", "/assets/base.css", "/assets/base.css"),
        ("/assets/{name}", "/assets/x2125551234.css", "/assets/x********34.css"),
        (UNMATCHED, "/nothing/2125551234", "/nothing/********34"),
        (UNMATCHED, "/nothing/+1 (212) 555-1234", "/nothing/+*********34"),
        (UNMATCHED, "/212/555_1234/to/7", "/********34/to/*"),
        (UNMATCHED, "/nothing/%32125551%2534", "/nothing/******14"),
        (UNMATCHED, "/nothing/%32%31%32%35%35%35%31%32%33%34", "/nothing/********34"),
        (UNMATCHED, "/nothing/%252532125551%2533%34", "/nothing/*******34"),
        (UNMATCHED, "/nothing/212%20555%20%31234", "/nothing/********34"),
        (UNMATCHED, "/nothing/\u0662\u0661\u0662\u0665", "/nothing/**\u0662\u0665"),
        (UNMATCHED, "/v1/quota/12", "/v1/quota/**"),
        (UNMATCHED, "/v1.php?a%41", "/v*.php?aA"),
        (UNMATCHED, "/caf%C3%A9", "/caf%C3%A9"),
    ],
)
def test_a_number_in_a_path_is_masked(route: str, path: str, shown: str) -> None:
    """What a route says literally stands as it is, and so does a call's id; elsewhere every run of digits may
    be a number, however it is grouped or encoded, and shows two digits at most."""
    (server,) = exported(request(call=None, method="GET", route=route, path=path, status=404))
    assert attributes(server)["url.path"] == shown


def test_what_the_sampler_leaves_out_is_counted_and_not_sent() -> None:
    """At ratio 0 an ordinary call sends nothing and counts its spans as unsampled."""
    with collector() as server:
        telemetry = silent(otlp_endpoint=server.endpoint, sample_ratio=0.0)
        telemetry.request_finished(request())
        asyncio.run(telemetry.close())
        assert server.spans == []
        assert count_of(telemetry, "unsampled") == 2


def test_delivered_spans_count_as_exported() -> None:
    """A collector that answers 200 has them."""
    with collector() as server:
        telemetry = silent(otlp_endpoint=server.endpoint, sample_ratio=1.0)
        telemetry.request_finished(request())
        asyncio.run(telemetry.close())
        assert count_of(telemetry, "exported") == len(server.spans) == 2


@pytest.mark.parametrize("behaviour", ["hangs", "slow", "refuses", "down"])
def test_a_collector_costs_no_call_and_at_most_two_seconds_at_exit(behaviour: str) -> None:
    """However the collector behaves, telling of 3,000 requests takes no time and closing is bounded."""
    with collector(
        hangs=behaviour == "hangs",
        delay_seconds=5 if behaviour == "slow" else 0,
        status=503 if behaviour == "refuses" else 200,
    ) as server:
        endpoint = "http://127.0.0.1:9" if behaviour == "down" else server.endpoint
        telemetry = silent(otlp_endpoint=endpoint, sample_ratio=1.0)
        took: list[float] = []
        for index in range(3_000):
            before = time.perf_counter()
            telemetry.request_finished(request(trace_id=index + 1))
            took.append(time.perf_counter() - before)
        before = time.perf_counter()
        asyncio.run(telemetry.close())
        assert time.perf_counter() - before < 2
        # A call that waited for the exporter would stall at each batch; a busy machine, once or twice.
        assert max(took) < 4
        assert sum(seconds > 0.5 for seconds in took) < 3
        lost = count_of(telemetry, "dropped") + count_of(telemetry, "failed")
        assert lost == 6_000


def test_other_settings_serve_from_the_next_request() -> None:
    """A reload may move the collector: what came before goes to the old one, the rest to the new."""
    with collector() as old, collector() as new:

        async def run() -> None:
            telemetry = silent(otlp_endpoint=old.endpoint, sample_ratio=1.0)
            telemetry.request_finished(request())
            telemetry.reconfigure(options(otlp_endpoint=new.endpoint, sample_ratio=1.0))
            telemetry.request_finished(request())
            await telemetry.close()
            for _ in range(200):
                if old.spans:
                    break
                await asyncio.sleep(0.01)

        asyncio.run(run())
        assert (len(old.spans), len(new.spans)) == (2, 2)
