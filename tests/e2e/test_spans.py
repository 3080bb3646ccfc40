"""What a collector hears of real calls: the tree, the truth of the body code, the caller's trace; and no
spelling of the credential, and no number."""

import pytest

from tests.e2e.test_faults import leaks
from tests.house import DOORS, configuration, number, serving, tenant, to
from tests.telemetry.collector import attributes, collector

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DIGITS = {
    "0200": ("200", None),
    "0403": ("403", "legacy_403"),
    "0500": ("500", "legacy_500"),
    "0591": (None, "connection_lost"),
}
ERROR = 2


@pytest.fixture(scope="module")
def told(simulator, tmp_path_factory):
    """Every span of one call of each kind through each door, all traces kept, and their raw bytes."""
    directory = tmp_path_factory.mktemp("spans")
    with collector() as heard:
        telemetry = {"otlp_endpoint": heard.endpoint, "sample_ratio": 1.0, "log_level": "debug"}
        settings = configuration(directory, simulator.url, {"acme": tenant("acme")}, telemetry=telemetry)
        with serving(directory, settings) as gateway:
            for door in DOORS:
                for digits in DIGITS:
                    gateway.call(door, "acme", to(digits), f"{door}{digits}", traceparent=PARENT)
        # The gateway has ended, and sent what it still had.
        yield heard.spans, b"".join(batch.SerializeToString() for batch in heard.batches)


def test_each_call_is_a_tree_under_the_callers_span(told):
    """A SERVER span continues the caller's trace; one CLIENT span, the upstream call, hangs below it."""
    spans, _ = told
    servers = [span for span in spans if span.kind == span.SPAN_KIND_SERVER]
    clients = [span for span in spans if span.kind == span.SPAN_KIND_CLIENT]
    assert sorted(span.name for span in servers) == ["POST /graphql"] * len(DIGITS) + [
        "POST /v1/calls"
    ] * len(DIGITS)
    assert {span.trace_id.hex() for span in spans} == {"0af7651916cd43dd8448eb211c80319c"}
    assert {span.parent_span_id.hex() for span in servers} == {"b7ad6b7169203331"}
    assert {span.name for span in clients} == {"GET /calls/make/"}
    assert sorted(span.parent_span_id for span in clients) == sorted(span.span_id for span in servers)


def test_spans_tell_the_truth_of_the_body_code(told):
    """HTTP says 200 to nearly all; status and error.type follow the code in the body."""
    spans, _ = told
    found = set()
    for span in spans:
        if span.kind != span.SPAN_KIND_CLIENT:
            continue
        said = attributes(span)
        found.add((said.get("legacy.response.code"), said.get("error.type")))
        assert (span.status.code == ERROR) == (said.get("error.type") is not None)
        assert said["gateway.sent"] is True
    assert found == set(DIGITS.values())


def test_only_outcomes_of_5xx_are_errors_of_the_server(told):
    """A rate plan's refusal is the caller's; an unknown outcome is an error on both doors alike."""
    spans, _ = told
    servers = [
        (attributes(span)["gateway.outcome"], span.status.code)
        for span in spans
        if span.kind == span.SPAN_KIND_SERVER
    ]
    assert {outcome for outcome, code in servers if code == ERROR} == {"outcome_unknown"}
    assert {outcome for outcome, code in servers if code != ERROR} == {"requested", "rate_plan_forbids"}


def test_no_span_holds_a_credential_or_a_number(told):
    """Not one byte that was exported spells the credential, or a whole number of a call."""
    _, raw = told
    text = raw.decode("latin-1")
    assert "REDACTED" in text
    assert leaks(text) == []
    assert "1234567" not in text
    assert "212555" not in text


def test_no_span_holds_a_number_that_came_in_a_path(simulator, tmp_path):
    """Where nothing is, and where a call's id belongs; the id of a call stays, to find the call by."""
    with collector() as heard:
        telemetry = {"otlp_endpoint": heard.endpoint, "sample_ratio": 1.0}
        settings = configuration(tmp_path, simulator.url, {"acme": tenant("acme")}, telemetry=telemetry)
        with serving(tmp_path, settings) as gateway:
            call = gateway.call("rest", "acme", number()).call
            assert call is not None
            for path in ("/nothing/2125551234", "/nothing/%32125551%32%2533%34", "/v1/calls/2125551234"):
                assert gateway.get(path, "acme").status_code == 404
            gateway.find("acme", call["id"])
    paths = [attributes(span).get("url.path") for span in heard.spans if span.kind == span.SPAN_KIND_SERVER]
    masked = ["/nothing/********34", "/nothing/********34", "/v1/calls/********34"]
    assert paths == ["/v1/calls", *masked, f"/v1/calls/{call['id']}"]
    raw = b"".join(batch.SerializeToString() for batch in heard.batches)
    assert b"212555" not in raw
