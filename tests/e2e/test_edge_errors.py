"""Requests that never become a call: their codes, that they say what that means for a call, and no dial."""

import json
import socket

import pytest

from tests.e2e.town import bearer
from tests.house import MAKE_CALL, to

JSON = {"Content-Type": "application/json"}
CALL = json.dumps(to("0204")).encode()
MUTATION = json.dumps({"query": MAKE_CALL, "variables": {"input": to("0204")}}).encode()
HUGE = b'{"caller":"' + b"x" * 70_000 + b'"}'

# (case, method, path, headers, body) -> (status, code)
REST = {
    "not JSON": ("POST", JSON, b"{", 400, "MALFORMED_REQUEST"),
    "empty": ("POST", JSON, b"", 400, "MALFORMED_REQUEST"),
    "not UTF-8": ("POST", JSON, b'{"clientReference":"\xff"}', 400, "MALFORMED_REQUEST"),
    "null": ("POST", JSON, b"null", 400, "MALFORMED_REQUEST"),
    "a list": ("POST", JSON, b"[" + CALL + b"]", 400, "MALFORMED_REQUEST"),
    "a key twice": ("POST", JSON, CALL[:-1] + b',"waitSeconds":1,"waitSeconds":2}', 400, "MALFORMED_REQUEST"),
    "NaN": ("POST", JSON, CALL[:-1] + b',"waitSeconds":NaN}', 400, "MALFORMED_REQUEST"),
    "a number of 5,000 digits": ("POST", JSON, b'{"a":' + b"1" * 5000 + b"}", 400, "MALFORMED_REQUEST"),
    "deep nesting": ("POST", JSON, b"[" * 30_000, 400, "MALFORMED_REQUEST"),
    "no content type": ("POST", {}, CALL, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "a form": ("POST", {"Content-Type": "text/plain"}, CALL, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "another charset": (
        "POST",
        {"Content-Type": "application/json; charset=utf-16"},
        CALL,
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    "compressed": ("POST", {**JSON, "Content-Encoding": "gzip"}, CALL, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "only HTML accepted": ("POST", {**JSON, "Accept": "text/html"}, CALL, 406, "NOT_ACCEPTABLE"),
    "too large": ("POST", JSON, HUGE, 413, "TOO_LARGE"),
    "PUT": ("PUT", JSON, CALL, 405, "METHOD_NOT_ALLOWED"),
    "DELETE": ("DELETE", {}, b"", 405, "METHOD_NOT_ALLOWED"),
}
GRAPHQL = {
    "not JSON": ("POST", JSON, b"{", 400, "MALFORMED_REQUEST"),
    "null": ("POST", JSON, b"null", 400, "MALFORMED_REQUEST"),
    "a batch": ("POST", JSON, b"[" + MUTATION + b"]", 400, "MALFORMED_REQUEST"),
    "not UTF-8": ("POST", JSON, b'{"query":"\xff"}', 400, "MALFORMED_REQUEST"),
    "deep nesting": ("POST", JSON, b"[" * 30_000, 400, "MALFORMED_REQUEST"),
    "no content type": ("POST", {}, MUTATION, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "multipart": ("POST", {"Content-Type": "multipart/form-data"}, MUTATION, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "only images accepted": ("POST", {**JSON, "Accept": "image/png"}, MUTATION, 406, "NOT_ACCEPTABLE"),
    "too large": ("POST", JSON, HUGE, 413, "TOO_LARGE"),
    "PUT": ("PUT", JSON, MUTATION, 405, "METHOD_NOT_ALLOWED"),
}


@pytest.mark.parametrize("case", REST)
def test_rest_refuses_what_it_can_not_read(case, gateway, simulator):
    """A problem of the right code, with `callState` where a call was asked for, and nothing is dialled."""
    method, headers, body, status, code = REST[case]
    dials = len(simulator.dials())
    sent = {**gateway.headers("acme", f"edge-{case}".replace(" ", "-")), **headers}
    answer = gateway.client.request(method, "/v1/calls", content=body, headers=sent)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["instance"] == answer.headers["X-Request-ID"]
    if method == "POST":
        assert (problem["callState"], problem["retryable"]) == ("NOT_PLACED", False)
    if status == 405:
        assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))
    assert len(simulator.dials()) == dials


@pytest.mark.parametrize("case", GRAPHQL)
def test_graphql_refuses_what_it_can_not_read(case, gateway, simulator):
    """A top-level error of the right code without data, and nothing is dialled."""
    method, headers, body, status, code = GRAPHQL[case]
    dials = len(simulator.dials())
    sent = {**gateway.headers("acme"), **headers}
    answer = gateway.client.request(method, "/graphql", content=body, headers=sent)
    told = answer.json()
    assert answer.status_code == status
    assert told["errors"][0]["extensions"]["code"] == code
    assert told["errors"][0]["extensions"]["requestId"] == answer.headers["X-Request-ID"]
    assert told.get("data") is None
    assert len(simulator.dials()) == dials


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("mutation { makeCall }", {}),
        (MAKE_CALL, {}),
        (MAKE_CALL, {"input": {"caller": {"number": 7}, "callee": {"number": "1"}}}),
        (MAKE_CALL, {"input": {**to("0204"), "calee": {}}}),
        ("mutation {", {}),
    ],
    ids=["selection", "no input", "wrong type", "unknown field", "syntax"],
)
def test_documents_are_validated_before_scope_and_suspension(document, variables, gateway):
    """What is wrong with a document is told to a suspended tenant and to a token without scope as well."""
    payload = {"query": document, "variables": variables}
    for headers in (gateway.headers("asleep"), bearer("acme", "calls:read")):
        answer = gateway.client.post("/graphql", json=payload, headers=headers)
        assert answer.json()["errors"][0]["extensions"]["code"] == "MALFORMED_REQUEST"
        assert "data" not in answer.json()


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(("path", "body"), [("/v1/calls", CALL), ("/graphql", MUTATION)])
def test_headers_that_come_twice(path, body, gateway, simulator):
    """Two keys or two credentials could mean two things and are refused; two traces concern the telemetry
    alone and touch no call."""
    headers = [*gateway.headers("acme").items(), *JSON.items()]
    for name, values in {"Idempotency-Key": ("a", "b"), "Authorization": ("Bearer x",)}.items():
        dials = len(simulator.dials())
        twice = [*headers, *((name, value) for value in values)]
        answer = gateway.client.post(path, content=body, headers=twice)
        assert answer.status_code == 400
        assert "MALFORMED_REQUEST" in answer.text
        assert len(simulator.dials()) == dials
    twice = [
        *headers,
        ("traceparent", TRACE),
        ("traceparent", TRACE),
        ("tracestate", "a=1"),
        ("tracestate", "b=2"),
    ]
    answer = gateway.client.post(path, content=body, headers=twice)
    assert answer.status_code in {200, 202}
    assert "REQUESTED" in answer.text


@pytest.mark.parametrize(("path", "body"), [("/v1/calls", CALL), ("/graphql", MUTATION)])
def test_who_asks_is_settled_before_what_comes_twice(path, body, gateway):
    """Without a credential a key that comes twice is 401, and what that means for the key is told."""
    twice = [*JSON.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = gateway.client.post(path, content=body, headers=twice)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "UNAUTHENTICATED" in answer.text
    assert "UNKNOWN" in answer.text


def test_a_read_minds_no_header_of_calls(gateway):
    """A key and a media type say nothing of a read, however often they come."""
    headers = [*gateway.headers("acme").items(), *(("Idempotency-Key", "a"), ("Content-Type", "x/y")) * 2]
    assert gateway.client.get("/v1/calls", headers=headers).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_the_key_is_judged_before_a_body_that_can_not_be_read(body, gateway):
    """The order of the contract; where the key is good the body is told of."""
    for key, code in (("a b", "IDEMPOTENCY_KEY_INVALID"), ("a-b", "MALFORMED_REQUEST")):
        answer = gateway.client.post(
            "/v1/calls", content=body, headers={**gateway.headers("acme", key), **JSON}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert answer.json()["callState"] == "NOT_PLACED"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/calls", {}),
        ("/v1/calls?limit=0", {}),
        ("/v1/calls?cursor=x", {}),
        ("/v1/calls", {"Accept": "text/html"}),
        ("/v1/quota", {"Accept": "text/html"}),
        ("/graphql?query={calls(first:0){nodes{id}}}", {}),
        ("/graphql?query={calls(after:%22%C3%A9%22){nodes{id}}}", {}),
    ],
)
def test_a_reads_scope_comes_before_its_parameters(path, headers, gateway):
    """Who may not read hears that, whatever else is wrong."""
    answer = gateway.client.get(path, headers={**bearer("acme", "calls:make"), **headers})
    assert "INSUFFICIENT_SCOPE" in answer.text
    assert answer.status_code == (200 if path.startswith("/graphql") else 403)


@pytest.mark.parametrize("name", ["status", "limit", "cursor"])
def test_a_parameter_that_comes_twice_is_named(name, gateway):
    """Of two values neither is taken; parameters that mean nothing here are passed over."""
    answer = gateway.get(f"/v1/calls?{name}=1&{name}=2", "acme")
    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json()["problems"]] == [f"/{name}"]
    assert gateway.get("/v1/calls?page=1&page=2", "acme").status_code == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Host: x\r\nX-Large: " + b"x" * 17_000, 413),
        (b"Host: x\r\nHost: y", 400),
    ],
)
def test_a_head_that_is_refused_is_told_as_all_else(head, status, gateway):
    """The caller's request id, what became of the call, and whether to try again: also where no door is
    reached. The next request on no connection inherits any of it."""
    host, port = gateway.url.removeprefix("http://").split(":")
    for line, is_call in ((b"POST /v1/calls", True), (b"GET /v1/calls", False)):
        with socket.create_connection((host, int(port)), timeout=5) as client:
            client.sendall(line + b" HTTP/1.1\r\nX-Request-ID: r-17\r\n" + head + b"\r\n\r\n")
            answer = b""
            while part := client.recv(65_536):
                answer += part
        problem = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert (problem["status"], problem["instance"]) == (status, "r-17")
        assert b"x-request-id: r-17" in answer.lower()
        told = (problem.get("callState"), problem.get("retryable"))
        assert told == (("NOT_PLACED", False) if is_call else (None, None))


def test_a_refusal_after_an_answer_has_an_id_of_its_own(gateway):
    """What follows a whole request on its connection is not told by that request's id."""
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Request-ID: first\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += client.recv(65_536)
        assert b"x-request-id: first" in answer.lower()
        client.sendall(b"\x00\x01\x02\r\n\r\n")
        answer = b""
        while part := client.recv(65_536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"x-request-id: first" not in answer.lower()


@pytest.mark.parametrize("path", ["/nowhere", "/v1", "/v1/calls/x/y", "/v1/call", "/v1%2Fcalls"])
def test_what_is_not_there_is_404(path, gateway):
    """An unknown path is NOT_FOUND as a problem."""
    answer = gateway.get(path, "acme")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert answer.headers["X-Request-ID"] == answer.json()["instance"]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST /v1/calls HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        b"POST /v1/calls HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 20_000 + b"\r\n\r\n",
    ],
    ids=["TLS", "no header", "no length", "swollen head"],
)
def test_what_is_no_http_is_told_so(raw, gateway):
    """Bytes that are no request get a problem with a request id, and the connection is closed."""
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(raw)
        answer = b""
        while part := client.recv(65_536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert int(head.split()[1]) == problem["status"]
    assert problem["code"] in {"MALFORMED_REQUEST", "TOO_LARGE"}
    assert f"x-request-id: {problem['instance']}".encode() in head.lower()
