"""The client misbehaving: every letter of the catalogue against a real gateway. Nothing answers 500,
holds the loop, dials or spends; every refusal is a problem of the catalogue."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.benchmarks.process import cpu_seconds
from tests.conformance.problems import faults_of_problem
from tests.hardening.cases import CASES, Case
from tests.hardening.letters import (
    BODY,
    CALL,
    CHUNKED,
    LETTERS,
    chunks,
    document,
    framed,
    head,
    request,
    target,
)
from tests.hardening.wire_client import Conversation, Heard, converse
from tests.house import Gateway, Simulator, configuration, serving, simulated, tenant

LIMIT = 1_000
HOLD_SECONDS = 0.05
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
CLIENT_CASES = tuple(case for case in CASES if case.name.startswith("client: "))
SLOW = ("client: framing: slow head", "client: framing: slow body", "client: framing: slow chunks")


@pytest.fixture(scope="module")
def simulator(tmp_path_factory) -> Iterator[Simulator]:
    with simulated(tmp_path_factory.mktemp("simulator") / "ledger.jsonl") as running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, simulator) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("gateway")
    settings = configuration(
        directory,
        simulator.url,
        {"acme": tenant("acme", quotas=[{"name": "daily", "limit": LIMIT, "per": "day"}])},
        limits={"header_seconds": 1, "body_seconds": 1},
        graphql={"introspection": False},
    )
    with serving(directory, settings) as running:
        yield running


def port_of(gateway: Gateway) -> int:
    return int(gateway.url.rpartition(":")[2])


def remaining(gateway: Gateway) -> int:
    quota = gateway.client.get("/v1/quota", headers=gateway.headers("acme")).json()
    return quota["quotas"][0]["remaining"]


def fault_of(case: Case, heard: Conversation) -> str | None:
    """What is wrong with the answer to one letter."""
    if len(heard.answers) != 1:
        return f"{len(heard.answers)} answers"
    answer = heard.answers[0]
    if b"request-id" not in b",".join(name.encode() for name in answer.headers):
        return "no X-Request-ID"
    body = answer.body
    is_graphql = case.name.startswith("client: graphql: ")
    code = body["errors"][0]["extensions"]["code"] if is_graphql else body["code"]
    if (answer.status, code) != (case.status, case.code):
        return f"{answer.status} {code}: {answer.content[:300]!r}"
    found = [] if is_graphql else faults_of_problem(answer.status, answer.headers, body)
    if is_graphql and "data" in body:
        found = ["data beside a refusal"]
    return ", ".join(found) or None


def test_every_row_has_its_letter_and_every_letter_its_row():
    """The catalogue is whole."""
    assert {case.name for case in CLIENT_CASES} == set(LETTERS)
    assert {(case.quota, case.dials, case.record) for case in CLIENT_CASES} == {("untouched", 0, "none")}


def test_no_letter_is_answered_dialled_or_paid_for(gateway, simulator):
    """Each of them is refused with the code that the catalogue says, in the form that RFC 9457 says."""
    port, before = port_of(gateway), remaining(gateway)
    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(lambda case: converse(port, LETTERS[case.name]), CLIENT_CASES))
    found = [
        f"{case.name}: {fault}"
        for case, one in zip(CLIENT_CASES, heard, strict=True)
        if (fault := fault_of(case, one))
    ]
    assert not found, "\n".join(found)
    assert simulator.dials() == []
    assert remaining(gateway) == before
    listed = gateway.client.get("/v1/calls", headers=gateway.headers("acme")).json()
    assert listed["calls"] == []
    assert gateway.metric("gateway_calls_total", outcome="internal") == 0
    assert gateway.metric("http_server_active_requests") == 0


def test_no_letter_holds_the_loop(gateway):
    """None costs the process more than 50 ms of work, so that none can make others wait longer."""
    found = []
    for case in CLIENT_CASES:
        if case.name in SLOW:
            continue
        before = cpu_seconds(gateway.process.pid)
        converse(port_of(gateway), LETTERS[case.name])
        spent = cpu_seconds(gateway.process.pid) - before
        if spent > HOLD_SECONDS + 2 * TICK_SECONDS:
            found.append(f"{case.name}: {spent:.3f} s")
    assert not found, "\n".join(found)


def test_what_is_right_about_the_letters_is_right(gateway, simulator):
    """The refusals above are due to each case's own fault: without it, the same bytes make a call."""
    simulator.clear()
    good = [
        request(),
        framed(CHUNKED, chunks()),
        request(line=b"POST http://gateway.example/v1/calls HTTP/1.1"),
        request(line=b"POST /v1/calls HTTP/1.0", host=b""),
        request(BODY, b"Idempotency-Key: one\r\n"),
        request(BODY, b"traceparent: 00-aa-bb-01\r\n" * 2),
        request(BODY[:-1] + b', "waitSeconds": 5.0, "delaySeconds": -0e1}'),
        request(kind=b"Content-Type: Application/JSON; charset=UTF-8\r\n"),
    ]
    for letter in good:
        (answer,) = converse(port_of(gateway), letter).answers
        assert answer.status == 201, answer.content
    assert len(simulator.dials()) == len(good)
    simulator.clear()


def test_trailers_are_no_header_fields(gateway, simulator):
    """What comes behind the body can't speak for the request: neither its id nor its key."""
    simulator.clear()
    trailers = b"0\r\nX-Request-ID: trailer\r\nIdempotency-Key: a b\r\nAuthorization: Basic x\r\n\r\n"
    (answer,) = converse(port_of(gateway), framed(CHUNKED, chunks(end=trailers))).answers
    assert answer.status == 201
    assert answer.headers["x-request-id"] != "trailer"
    assert len(simulator.dials()) == 1
    simulator.clear()


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_an_upgrade_is_ignored_without_losing_the_body(gateway, simulator, protocol, framing):
    """The body behind `Upgrade` is the body, in the same packet or a later one, and never a request."""
    simulator.clear()
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: %b\r\nHTTP2-Settings: AAMAAABk\r\n" % protocol
    inner = request()
    bodies = {
        "length": (b"Content-Length: %d\r\n" % len(inner), inner),
        "chunks": (CHUNKED, chunks(inner)),
    }
    fields, body = bodies[framing]
    smuggling = head(b"POST /v1/calls HTTP/1.1", fields, upgrade)
    for parts in ((smuggling, body), (smuggling + body,)):
        heard = converse(port_of(gateway), *parts)
        assert [answer.body["code"] for answer in heard.answers] == ["MALFORMED_REQUEST"]
    assert simulator.dials() == []
    honest = (b"Content-Length: %d\r\n" % len(BODY), BODY) if framing == "length" else (CHUNKED, chunks())
    first = head(b"POST /v1/calls HTTP/1.1", honest[0], upgrade) + honest[1]
    heard = converse(port_of(gateway), first + request(), wanted=2)
    assert [answer.status for answer in heard.answers] == [201, 201]
    assert len(simulator.dials()) == 2
    simulator.clear()


def test_pipelined_requests_are_answered_in_their_order(gateway, simulator):
    """Each gets its own answer, on the one connection."""
    simulator.clear()
    letters = b"".join(request(BODY, b"X-Request-ID: n%d\r\n" % number) for number in range(5))
    heard = converse(port_of(gateway), letters, wanted=5)
    assert [answer.headers["x-request-id"] for answer in heard.answers] == [f"n{n}" for n in range(5)]
    assert len(simulator.dials()) == 5
    simulator.clear()


def test_a_flood_of_pipelined_requests_is_not_even_parsed(gateway, simulator):
    """Sixteen may wait for their answers; the thousands behind them cost nothing, and the connection ends."""
    simulator.clear()
    few = converse(port_of(gateway), target(b"GET /v1/quota") * 17, wanted=17)
    assert [answer.status for answer in few.answers] == [200] * 17
    before = cpu_seconds(gateway.process.pid)
    flood = converse(port_of(gateway), b"GET / HTTP/1.1\r\nHost:\r\n\r\n" * 20_000, wanted=20_000)
    assert cpu_seconds(gateway.process.pid) - before <= HOLD_SECONDS + 2 * TICK_SECONDS
    assert flood.is_closed
    assert len(flood.answers) <= 17


def test_nothing_is_served_behind_a_close(gateway, simulator):
    """A request behind one that ends the connection is never begun (uvicorn's parser is lenient here)."""
    simulator.clear()
    heard = converse(port_of(gateway), request(BODY, b"Connection: close\r\n") + request(), wanted=2)
    assert [answer.status for answer in heard.answers] == [201]
    assert heard.is_closed
    assert len(simulator.dials()) == 1
    simulator.clear()


@pytest.mark.parametrize(
    "junk", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n"]
)
def test_what_follows_a_request_can_not_take_its_answer_away(gateway, simulator, junk):
    """A call that was made is answered, whatever its client sends behind it; then the connection ends."""
    simulator.clear()
    heard = converse(port_of(gateway), request() + junk + request(), wanted=3)
    assert [answer.status for answer in heard.answers] == [201]
    assert heard.is_closed
    assert len(simulator.dials()) == 1
    simulator.clear()


@pytest.mark.parametrize(
    "letter",
    [b"\r\n", b"\r\n" * 100, request(key=b"")[: -len(BODY)], b""],
    ids=["blank line", "blank lines", "answered before its body", "silence"],
)
def test_no_connection_is_held_by_saying_nothing_more(gateway, letter):
    """Bytes that are no request yet do not stop the clock: such connections are ended."""
    heard = converse(port_of(gateway), letter, wanted=2, patience_seconds=8)
    assert heard.is_closed
    assert heard.seconds < 7


def test_a_browser_of_another_origin_can_not_make_a_call(gateway, simulator):
    """CSRF: what a page may send without asking first is refused, and asking first is not granted."""
    simulator.clear()
    origin = b"Origin: https://evil.example\r\n"
    preflight = target(
        b"OPTIONS /v1/calls\r\nX: y".partition(b"\r\n")[0],
        key=origin + b"Access-Control-Request-Method: POST\r\n",
    )
    simple = request(BODY, origin, kind=b"Content-Type: text/plain\r\n")
    for letter in (preflight, simple):
        (answer,) = converse(port_of(gateway), letter).answers
        assert answer.status in {405, 415}
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert simulator.dials() == []


def test_hidden_names_are_not_suggested(gateway):
    """With introspection off, an error tells no name that the client did not send."""
    for text in ("mutation { makeCal }", "{ quotas { id } }", "{ gateway { versio } }"):
        (answer,) = converse(port_of(gateway), document(text)).answers
        assert b"Did you mean" not in answer.content
        assert not {b"makeCall", b"quota ", b"version"} & set(answer.content.replace(b'"', b" ").split())


@pytest.mark.parametrize("text", ["\ud800", "\x00", "a" * 5000, "' OR 1=1 --", "../../etc/passwd", ""])
def test_no_id_or_key_or_cursor_is_a_defect(gateway, text):
    """Whatever text stands for an id, a key or a cursor: null or a refusal, never a 500."""
    asked = {
        "query ($t: ID!) { call(id: $t) { id } }": {"call": None},
        "query ($t: String!) { callByIdempotencyKey(key: $t) { id } }": {"callByIdempotencyKey": None},
    }
    for query, nothing in asked.items():
        (answer,) = converse(port_of(gateway), document(query, {"t": text})).answers
        assert answer.status == 200, answer.content
        assert answer.body["data"] == nothing
    query = "query ($t: String) { calls(after: $t) { nodes { id } } }"
    (answer,) = converse(port_of(gateway), document(query, {"t": text})).answers
    assert answer.body["errors"][0]["extensions"]["code"] == "INVALID_INPUT", answer.content


def heard_ids(answers: tuple[Heard, ...]) -> list[str]:
    return [answer.headers["x-request-id"] for answer in answers]


@pytest.mark.parametrize("given", [b"a" * 129, b"a b", b"a\tb", b"\xc3\xa9", b"<script>", b'"quoted"', b""])
def test_an_insane_request_id_is_not_echoed(gateway, given):
    """An id that could break a line, a header or a page is replaced by one of our own."""
    (answer,) = converse(port_of(gateway), request(b"{}", b"X-Request-ID: " + given + b"\r\n")).answers
    assert answer.headers["x-request-id"] != given.decode("latin-1")
    assert answer.body["instance"] == answer.headers["x-request-id"]


def test_the_call_of_these_tests_is_one_that_would_be_made():
    """The letters' body is whole and honest."""
    assert CALL["callee"]["number"].endswith("0200")


LOOK_ALIKES = (
    *(
        b"null",
        b"http://app.example.com",
        b"https://app.example.com.evil.example",
        b"https://app.example.com:8443",
    ),
    *(
        b"https://evil.example/https://app.example.com",
        b"https://APP.example.com",
        b"https://app.example.com/",
    ),
    *(
        b"https://app.example.com, https://evil.example",
        b"https://xapp.example.com",
        b"https://app.example.co",
    ),
)


def test_an_origin_that_only_looks_like_a_listed_one_is_foreign(tmp_path, simulator):
    """CORS answers the listed origin, and no other text, neither before a request nor after it."""
    settings = configuration(
        tmp_path,
        simulator.url,
        {"acme": tenant("acme")},
        cors={"allowed_origins": ["https://app.example.com"]},
    )
    with serving(tmp_path, settings) as gateway:
        for origin in (b"https://app.example.com", *LOOK_ALIKES):
            asks = b"Origin: %b\r\nAccess-Control-Request-Method: POST\r\n" % origin
            asks += b"Access-Control-Request-Headers: authorization\r\n"
            sent = b"Origin: %b\r\n" % origin
            for letter in (target(b"OPTIONS /v1/calls", key=asks), request(b"{}", sent)):
                (answer,) = converse(port_of(gateway), letter).answers
                allowed = answer.headers.get("access-control-allow-origin")
                expected = "https://app.example.com" if origin == b"https://app.example.com" else None
                assert allowed == expected, (origin, answer.headers)
                assert "x-request-id" in answer.headers
                assert "access-control-allow-credentials" not in answer.headers
