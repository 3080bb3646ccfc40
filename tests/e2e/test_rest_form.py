"""The REST door's form: dry runs, waiting, headers, CORS, rate limits as an independent parser reads them."""

import json
import re
from uuid import uuid4

import http_sf
import pytest

from tests.e2e import town
from tests.house import PASSWORD, USERNAME, configuration, number, serving, tenant, to

EXPOSED = {"Location", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-ID", "Idempotent-Replayed"}
ALLOWED = {
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Prefer",
    "traceparent",
    "tracestate",
    "X-Request-ID",
}
CALL_OBJECT = {
    *("id", "status", "reference", "requestedAt", "settledAt"),
    *("clientReference", "callerNumber", "calleeNumber", "code"),
}


def test_a_dry_run_shows_what_would_be_sent(door, gateway, simulator):
    """Method, path, query and body, credentials REDACTED; nothing dialled, spent or recorded, and the key
    is left alone, a bad or missing one too."""
    before = len(simulator.dials()), gateway.remaining("acme"), gateway.calls("acme", limit=1)
    body = {
        "caller": {"number": "1234567", "type": "LINE"},
        "callee": {"number": "+1212#"},
        "billing": {"customerId": 42},
        "waitSeconds": 5,
        "clientReference": "never sent",
        "dryRun": True,
    }
    answer = gateway.call(door, "acme", body, "not a key")
    assert answer.status == 200
    assert answer.body["upstreamRequest"] == {
        "method": "GET",
        "path": "/api/json/calls/make/",
        "query": "auth_username=REDACTED;auth_password=REDACTED;stype=phone;snumber=1234567;ctype=;"
        "cnumber=%2B1212%23;customer=42;wait=5",
        "body": None,
    }
    if door == "rest":
        assert set(answer.body) == {"upstreamRequest"}
    assert (len(simulator.dials()), gateway.remaining("acme"), gateway.calls("acme", limit=1)) == before
    assert gateway.call(door, "strict", to("0204", dryRun=True)).code is None


def test_a_dry_run_is_authorised_and_validated(door, gateway):
    """Policy and validation are the call's own; a bad input is told as such whatever the key is."""
    denied = gateway.call(door, "nobody", to("0204", dryRun=True))
    assert denied.code == "DESTINATION_NOT_ALLOWED"
    for tenant_name, key in (("strict", None), ("acme", "not a key")):
        body = {"caller": {"number": "x y"}, "callee": {"number": "1"}, "dryRun": True}
        assert gateway.call(door, tenant_name, body, key).code == "INVALID_INPUT"
    assert gateway.call(door, "asleep", to("0204", dryRun=True)).code == "TENANT_SUSPENDED"


def test_what_was_dialled_is_what_the_dry_run_showed(door, gateway, simulator):
    """The wire carries the shown query with the credentials that only the service holds."""
    body = to("7311", caller={"number": "*55#", "autoAnswer": True, "cutoffWarning": False}, waitSeconds=3)
    shown = gateway.call(door, "acme", {**body, "dryRun": True}).body["upstreamRequest"]
    answer = gateway.call(door, "acme", body)
    dial = simulator.dials("2125557311")[-1]
    assert (dial["method"], dial["path"]) == (shown["method"], shown["path"])
    assert re.sub(r"(auth_\w+)=[^;]*", r"\1=REDACTED", dial["raw"]) == shown["query"]
    assert dial["params"][:2] == [["auth_username", USERNAME], ["auth_password", PASSWORD]]
    assert dial["params"][2:] == [
        *(["stype", ""], ["snumber", "*55#"], ["ctype", ""], ["cnumber", "2125557311"]),
        *(["answer1", "1"], ["warn1", "0"], ["wait", "3"]),
    ]
    assert answer.call["reference"]["server"] == "asterisk01"


@pytest.mark.parametrize("upstream", [{"method": "POST"}, {"separator": "&"}], ids=["post", "ampersand"])
def test_other_dialects_end_to_end(upstream, door, tmp_path, simulator):
    """A POST sends a form body and no query; `&` separates where it is set; both are read back whole."""
    settings = configuration(tmp_path, simulator.url, {"acme": tenant("acme")}, upstream=upstream)
    with serving(tmp_path, settings) as gateway:
        shown = gateway.call(door, "acme", to("0200", dryRun=True)).body["upstreamRequest"]
        assert gateway.call(door, "acme", to("0200")).call["status"] == "REQUESTED"
    dial = simulator.dials()[-1]
    assert dial["method"] == shown["method"] == upstream.get("method", "GET")
    assert dial["path"] == "/api/json/calls/make/"
    assert ";" not in dial["raw"]
    filled, other = ("body", "query") if "method" in upstream else ("query", "body")
    assert re.sub(r"(auth_\w+)=[^&]*", r"\1=REDACTED", dial["raw"]) == shown[filled]
    assert shown[other] is None
    assert dict(dial["params"])["auth_password"] == PASSWORD


@pytest.mark.parametrize("asked", [None, 42])
def test_a_pinned_customer_is_always_sent(asked, door, gateway, simulator):
    """Whether or not the caller names it."""
    body = to("7312") if asked is None else to("7312", billing={"customerId": asked})
    assert gateway.call(door, "pinned", body).code is None
    assert dict(simulator.dials("2125557312")[-1]["params"])["customer"] == "42"


@pytest.mark.parametrize(
    ("prefer", "body", "wait"),
    [
        ("wait=5", {}, "5"),
        ("respond-async, wait=7", {}, "7"),
        ("WAIT=4; foo", {}, "4"),
        ("wait=5", {"waitSeconds": 3}, "3"),
        ("wait=5", {"waitSeconds": 0}, None),
        ("wait=5", {"waitSeconds": None}, "5"),
        ("wait=soon", {}, None),
        ("return=minimal", {}, None),
        ('foo="a, wait=9"', {}, None),
        ('foo="a,wait=9", wait=4', {}, "4"),
        ('foo="never closed, wait=4', {}, None),
        ("wait=0000000005", {}, "5"),
        ("wait=86401", {"waitSeconds": 3}, "3"),
    ],
)
def test_prefer_wait(prefer, body, wait, door, gateway, simulator):
    """`Prefer: wait` stands for `waitSeconds`, which wins; what can't be read is no preference."""
    answer = gateway.call(door, "acme", to("7313", **body), Prefer=prefer)
    assert dict(simulator.dials("2125557313")[-1]["params"]).get("wait") == wait
    assert answer.status == (200 if door == "graphql" else 201 if wait else 202)


@pytest.mark.parametrize("wait", ["86401", "9" * 5000])
def test_a_preferred_wait_beyond_the_bounds_is_invalid_input(wait, door, gateway, simulator):
    """As `waitSeconds` would be: a call that is wanted with a wait is not made without one."""
    answer = gateway.call(door, "acme", to("7314"), Prefer=f"wait={wait}")
    assert answer.code == "INVALID_INPUT"
    (problem,) = answer.body["problems"]
    assert problem["pointer"] == "/waitSeconds"
    assert problem["detail"] == "is asked for by `Prefer: wait` and must be a whole number from 0 to 86400"
    assert simulator.dials("2125557314") == []


@pytest.mark.parametrize("accept", ["", ",", ", ,"])
def test_an_empty_accept_asks_for_nothing(accept, door, gateway):
    """As no such header does."""
    assert gateway.call(door, "acme", to("0204"), Accept=accept).code is None


def test_the_call_object_and_its_location(gateway):
    """201 and 202 carry `Location`; what is there equals what was answered."""
    for digits, status in (("0200", 201), ("0204", 202)):
        answer = gateway.call("rest", "acme", to(digits, clientReference="order 7 \u20ac"))
        assert answer.status == status
        assert set(answer.call) == CALL_OBJECT
        assert answer.call["clientReference"] == "order 7 \u20ac"
        assert (answer.call["callerNumber"], answer.call["calleeNumber"]) == ("1234567", f"212555{digits}")
        for name in ("requestedAt", "settledAt"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", answer.call[name])
        assert answer.http.headers["Location"] == f"/v1/calls/{answer.call['id']}"
        assert gateway.get(answer.http.headers["Location"], "acme").json() == answer.call
    assert answer.call["reference"] is None


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        ("abc-123", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("a b", False),
        ("<script>", False),
        ("", False),
    ],
)
def test_the_request_id(sent, is_kept, door, gateway):
    """A sane X-Request-ID comes back, another is replaced by a new one; every answer has one."""
    answer = gateway.call(door, "acme", to("0204", dryRun=True), **{"X-Request-ID": sent})
    assert (answer.http.headers["X-Request-ID"] == sent) is is_kept
    assert len(answer.http.headers["X-Request-ID"]) >= 1


def test_cors(gateway):
    """Only listed origins, with exactly the contract's headers exposed and allowed."""
    ours = {"Origin": "https://app.example.com"}
    answer = gateway.client.get("/v1/quota", headers={**gateway.headers("acme"), **ours})
    assert answer.headers["Access-Control-Allow-Origin"] == ours["Origin"]
    assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED
    asked = {**ours, "Access-Control-Request-Method": "POST"}
    for path in ("/v1/calls", "/graphql"):
        wants = {**asked, "Access-Control-Request-Headers": ", ".join(sorted(ALLOWED)).lower()}
        preflight = gateway.client.options(path, headers=wants)
        assert preflight.status_code == 200
        allowed = {name.lower() for name in preflight.headers["Access-Control-Allow-Headers"].split(", ")}
        assert {name.lower() for name in ALLOWED} <= allowed
        assert "X-Request-ID" in preflight.headers
    refused = gateway.client.options(
        "/v1/calls", headers={**asked, "Origin": "https://evil.example", "X-Request-ID": "r-18"}
    )
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/problem+json")
    assert (refused.json()["code"], refused.json()["instance"]) == ("MALFORMED_REQUEST", "r-18")
    assert (refused.headers["Cache-Control"], refused.headers["X-Request-ID"]) == ("no-store", "r-18")
    assert "Access-Control-Allow-Origin" not in refused.headers
    theirs = gateway.client.get(
        "/v1/quota", headers={**gateway.headers("acme"), "Origin": "https://evil.example"}
    )
    assert "Access-Control-Allow-Origin" not in theirs.headers


def test_rate_limit_headers_by_an_independent_parser(door, gateway):
    """Every quota is in RateLimit-Policy and each that can be told in RateLimit, as structured fields,
    as they stand after the decision."""
    before = gateway.remaining("rated")
    answer = gateway.call(door, "rated", to("7320"))
    policy = http_sf.parse(answer.http.headers["RateLimit-Policy"].encode(), tltype="list")
    limits = http_sf.parse(answer.http.headers["RateLimit"].encode(), tltype="list")
    assert policy == [
        ("burst", {"q": 5, "w": 1}),
        ("hourly", {"q": 100, "w": 3600}),
        ("daily", {"q": 1000}),
        ("at-once", {"q": 50, "qu": "concurrent-requests"}),
        ("same-callee", {"q": 3, "w": 3600}),
    ]
    told = dict(limits)
    assert {"burst", "hourly", "daily", "at-once"} <= set(told)
    assert told["daily"]["r"] == before["daily"] - 1
    assert told["hourly"]["r"] == before["hourly"] - 1
    assert 0 < told["daily"]["t"] <= 86_400
    assert 0 < told["hourly"]["t"] <= 36
    assert 0 <= told["burst"]["r"] <= 9
    assert "t" not in told["at-once"]
    refused = gateway.call(door, "rated", to("0403"))
    assert (
        dict(http_sf.parse(refused.http.headers["RateLimit"].encode(), tltype="list"))["hourly"]["r"]
        == (told["hourly"]["r"])
    )


def test_rate_limit_headers_only_where_they_can_be_told(door, gateway):
    """None for a tenant without quotas, none where the ledger was not asked."""
    for tenant_name, body in (
        ("free", to("0204")),
        ("acme", to("0204", dryRun=True)),
        ("acme", {**number(), "waitSeconds": -1}),
    ):
        answer = gateway.call(door, tenant_name, body)
        assert "RateLimit" not in answer.http.headers
        assert "RateLimit-Policy" not in answer.http.headers
    assert "RateLimit" in gateway.get("/v1/calls", "acme").headers
    assert "RateLimit" in gateway.get("/v1/calls/none", "acme").headers


def test_a_token_is_as_good_as_a_key(door, gateway):
    """A JWT of the configured issuer makes calls and reads them; each scope opens its own door only."""
    answer = gateway.call(door, "acme", to("0200"), **town.bearer("acme", "calls:make"))
    assert answer.call["status"] == "REQUESTED"
    path = f"/v1/calls/{answer.call['id']}"
    assert gateway.get(path, "acme", **town.bearer("acme", "calls:read")).status_code == 200
    refused = gateway.get(path, "acme", **town.bearer("acme", "calls:make"))
    assert (refused.status_code, refused.json()["code"]) == (403, "INSUFFICIENT_SCOPE")
    assert gateway.get(path, "acme", **town.bearer("globex")).status_code == 404


def test_nothing_of_the_client_reaches_the_upstream(door, held, gate):
    """Its credential, its ids and its trace stay here: the upstream is a third party."""
    sent = {
        "X-Request-ID": "our-own-request-id",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "vendor=ours",
        "User-Agent": "the-clients-own/1.0",
        "Cookie": "session=ours",
    }
    body = to("7399", clientReference="our-own-reference")
    assert held.call(door, "acme", body, f"our-own-key-{door}", **sent).code is None
    dial = next(r for r in reversed(gate.upstream.requests) if b"2125557399" in r).lower()
    for word in (
        b"our-own",
        b"0af7651916cd43dd8448eb211c80319c",
        b"vendor",
        b"the-clients",
        b"cookie",
        b"gw_",
    ):
        assert word not in dial
    head = [line.partition(b":")[0] for line in dial.split(b"\r\n")[1:] if line]
    assert set(head) <= {b"host", b"accept", b"accept-encoding", b"user-agent", b"connection"}


def test_documents_are_served_without_credentials(gateway):
    """/openapi.json is OpenAPI 3.1 and needs nobody to log in."""
    answer = gateway.client.get("/openapi.json")
    assert answer.status_code == 200
    assert json.loads(answer.text)["openapi"].startswith("3.1")


COMMON = {"X-Request-ID", "RateLimit", "RateLimit-Policy"}
"""Described wherever they may come; the others below must be there, and described."""


@pytest.mark.parametrize(
    ("tenant_name", "body", "status", "due"),
    [
        ("acme", to("0200"), 201, {"Location"}),
        ("acme", to("0204"), 202, {"Location"}),
        ("acme", to("0204", dryRun=True), 200, set()),
        ("acme", {}, 422, set()),
        ("acme", to("0400"), 422, set()),
        ("acme", to("0403"), 403, set()),
        ("acme", to("0500"), 502, set()),
        ("asleep", to("0204"), 403, set()),
        ("stranger", to("0204"), 401, {"WWW-Authenticate"}),
    ],
)
def test_every_header_of_an_answer_is_described(tenant_name, body, status, due, gateway):
    """Of the headers that the contract names, an answer has those that are due, and none that the OpenAPI
    document does not know at its status; a replay says so, and that is described too."""
    responses = gateway.client.get("/openapi.json").json()["paths"]["/v1/calls"]["post"]["responses"]
    key = f"described-{uuid4().hex}"
    for _ in range(2):
        answer = gateway.call("rest", tenant_name, body, key)
        assert answer.status == status
        told = {name for name in EXPOSED | {"WWW-Authenticate"} if name in answer.http.headers}
        assert due <= told <= COMMON | due | {"Retry-After", "Idempotent-Replayed"}
        assert told <= responses[str(status)]["headers"].keys()


def test_what_to_wait_for_is_described(gateway):
    """`Retry-After` stands at the statuses that have it and nowhere else, and no read is without 413."""
    paths = gateway.client.get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                assert ("Retry-After" in answer["headers"]) is (status in {"409", "429", "503"})
            assert "413" in operation["responses"], (path, method)


def test_the_first_success_takes_a_call_too(gateway):
    """Generators that type an operation by its first success alone must not lose the call of a 201."""
    responses = gateway.client.get("/openapi.json").json()["paths"]["/v1/calls"]["post"]["responses"]
    first = responses[min(status for status in responses if status < "300")]
    taken = {
        one["$ref"].rpartition("/")[2] for one in first["content"]["application/json"]["schema"]["oneOf"]
    }
    assert taken == {"Call", "Translation"}
