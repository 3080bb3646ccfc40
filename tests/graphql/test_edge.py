"""The HTTP edge: methods, media types, credentials, and everything that is no readable request."""

import json
from urllib.parse import quote

import pytest

from tests.graphql.conftest import EXPLORER, INPUT, MAKE, Door

OLD, NEW, HTML = "application/json", "application/graphql-response+json", "text/html"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, OLD),
        ("*/*", OLD),
        ("application/*", OLD),
        (OLD, OLD),
        (NEW, NEW),
        (f"{NEW}, {OLD};q=0.9", NEW),
        (f"{NEW};q=0.5, {OLD}", OLD),
        (f"{NEW}, */*;q=0.1", NEW),
        (f"{NEW};q=0.1, */*", OLD),
        (f"{NEW}; charset=UTF-8", NEW),
        ('application/JSON;a="x,y;q=0"', OLD),
        ("text/html, */*;q=0.8", OLD),
    ],
)
def test_the_answer_s_type_is_what_the_client_prefers(door: Door, accept: str | None, expected: str) -> None:
    """Explicit types by weight, the newer one between equals, JSON where the client does not care."""
    headers = {} if accept is None else {"accept": accept}
    request = door.client.build_request("POST", door.url, json={"query": "{ __typename }"}, headers=headers)
    if accept is None:
        del request.headers["accept"]
    request.headers["authorization"] = "Bearer good"
    answer = door.client.send(request)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{expected}; charset=utf-8"


@pytest.mark.parametrize(
    "accept", ["text/plain", "application/json;q=0", "application/json;charset=latin1", "text/html"]
)
def test_no_acceptable_type_is_406(door: Door, accept: str) -> None:
    """What can't be written is refused, in JSON, and nothing is asked."""
    answer = door.post(MAKE, {"input": INPUT}, accept=accept)
    assert (answer.status_code, _code(answer)) == (406, "NOT_ACCEPTABLE")
    assert (door.desk.asked, door.rejected) == ([], ["media_type"])


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/jsonp", "application/json; charset=utf-16", "multipart/form-data", NEW],
)
def test_only_json_in_utf8_is_taken(door: Door, content_type: str) -> None:
    """Any other body is 415: multipart and forms too, which a browser may send from anywhere."""
    answer = door.send(_body(MAKE, {"input": INPUT}), content_type=content_type)
    assert (answer.status_code, _code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert door.desk.asked == []


def test_compressed_bodies_are_not_taken(door: Door) -> None:
    """A body with a content encoding is 415, so that none can swell."""
    assert door.send(b"\x1f\x8b", content_encoding="gzip").status_code == 415


def test_charset_may_be_written_any_way(door: Door) -> None:
    """UTF-8 in quotes or capitals is UTF-8."""
    assert (
        door.send(_body("{ __typename }"), content_type='Application/JSON ; charset="UTF-8"').status_code
        == 200
    )


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(door: Door, method: str) -> None:
    """Only GET and POST are taken, and the answer says so."""
    answer = door.client.request(method, door.url, headers={"authorization": "Bearer good"})
    assert (answer.status_code, _code(answer), answer.headers["allow"]) == (
        405,
        "METHOD_NOT_ALLOWED",
        "GET, POST",
    )


def test_get_serves_queries(door: Door) -> None:
    """A query with variables and a name comes through the URL."""
    two = "query A($n: Int) { calls(first: $n) { nodes { id } } } query B { __typename }"
    url = f"{door.url}?query={quote(two)}"
    answer = _get(door, f"{url}&operationName=A&variables={quote(json.dumps({'n': 1}))}&extensions=")
    assert answer.json() == {"data": {"calls": {"nodes": []}}}


@pytest.mark.parametrize("accept", [OLD, NEW])
def test_get_never_runs_a_mutation(door: Door, accept: str) -> None:
    """A mutation by GET is 405 with what would do, and asks for nothing."""
    literal = 'mutation { makeCall(input: {caller: {number: "1"}, callee: {number: "2"}}) { __typename } }'
    answer = _get(door, f"{door.url}?query={quote(literal)}", accept=accept)
    assert (answer.status_code, _code(answer), answer.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", "POST")
    assert (door.desk.asked, door.rejected) == ([], ["method"])


@pytest.mark.parametrize(
    "query",
    [
        "",
        "query=",
        "query=%ff",
        "query=a&query=b",
        "query=%7B__typename%7D&variables=[]",
        "query=x&variables=%7B",
        "&".join("abcdefghijklmnopqrstu"),
    ],
)
def test_unreadable_urls_are_400(door: Door, query: str) -> None:
    """No query, no UTF-8, parameters twice or of the wrong kind."""
    answer = _get(door, f"{door.url}?{query}", accept=NEW)
    assert (answer.status_code, _code(answer)) == (400, "MALFORMED_REQUEST")


def test_browsers_get_the_explorer(door: Door, closed_door: Door) -> None:
    """GET that prefers HTML gets the page, without a credential; where there is no page, no HTML."""
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    page = door.client.get(door.url, headers={"accept": accept})
    assert (page.status_code, page.content) == (200, EXPLORER)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert closed_door.client.get(closed_door.url, headers={"accept": accept}).status_code == 401
    assert _get(closed_door, closed_door.url + "?query={__typename}", accept="text/html").status_code == 406


UNREADABLE = [
    b"",
    b"null",
    b"[]",
    b"1",
    b'"{__typename}"',
    b"{",
    b"{}",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    '{"query":"{__typename}"}'.encode("utf-16"),
    b'{"query":"{__typename}","query":"{__typename}"}',
    b'{"query":"{__typename}","variables":{"a":{"b":1,"b":2}}}',
    b'{"query":"{__typename}","variables":{"a":NaN}}',
    b'{"query":"{__typename}","variables":{"a":-Infinity}}',
    b'{"query":"{__typename}","variables":{"a":' + b"9" * 5000 + b"}}",
    b'{"query":"{__typename}","variables":' + b"[" * 60000 + b"}",
    b'{"query":"{__typename}","variables":' + b'{"a":' * 10000 + b"}",
    b'{"query":null}',
    b'{"query":1}',
    b'{"query":["{__typename}"]}',
    b'{"query":"{__typename}","variables":"{}"}',
    b'{"query":"{__typename}","variables":[]}',
    b'{"query":"{__typename}","operationName":{}}',
    b'{"query":"{__typename}","operationName":false}',
    b'{"query":"{__typename}","extensions":[1]}',
    b'[{"query":"{__typename}"},{"query":"{__typename}"}]',
]


@pytest.mark.parametrize("accept", [OLD, NEW])
@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: repr(body[:48]))
def test_what_is_no_request_is_400(door: Door, body: bytes, accept: str) -> None:
    """Bodies that hold no GraphQL request are 400 under both media types, with errors and no data."""
    answer = door.send(body, accept=accept)
    assert (answer.status_code, _code(answer)) == (400, "MALFORMED_REQUEST")
    assert "data" not in answer.json()
    assert len(door.rejected) == 1


def test_a_body_over_the_limit_is_413(door: Door) -> None:
    """The edge's limit is told as GraphQL tells errors."""
    answer = door.send(_body("#" * 70_000))
    assert (answer.status_code, _code(answer)) == (413, "TOO_LARGE")


def test_deep_but_readable_variables_are_harmless(door: Door) -> None:
    """Nesting that JSON can hold never exhausts what reads it: a request error, and the next works."""
    deep: object = "x"
    for _ in range(400):
        deep = {"caller": deep}
    answer = door.post(MAKE, {"input": deep})
    assert (answer.status_code, _code(answer)) == (400, "MALFORMED_REQUEST")
    assert door.post("{ __typename }").status_code == 200


@pytest.mark.parametrize(
    ("body", "headers", "extra"),
    [
        (b'{"query":"mutation { makeCall }"}', {}, ("NOT_PLACED", False)),
        (b'{"query":"mutation { makeCall }"}', {"idempotency_key": "k"}, ("UNKNOWN", False)),
        (b'{"query":"makeCall","variables":{"idempotencyKey":"k"}}', {}, ("UNKNOWN", False)),
        (b'{"query":"mutation { m\\u0061keCall }"}', {}, ("UNKNOWN", False)),
        (b'{"query":"{ quota { name } }"}', {}, None),
    ],
)
def test_without_a_credential_is_401(
    door: Door, body: bytes, headers: dict[str, str], extra: tuple[str, bool] | None
) -> None:
    """401 with the challenge; for calls the state, which a key leaves open. The body is not parsed."""
    answer = door.send(body, authorization="", **headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    extensions = answer.json()["errors"][0]["extensions"]
    assert extensions["code"] == "UNAUTHENTICATED"
    assert ((extensions.get("callState"), extensions.get("retryable")) if extra else None) == extra
    assert ("callState" in extensions) == (extra is not None)
    assert (door.auth_failed, door.rejected) == (["missing"], [])


def test_who_asks_is_judged_before_the_body(door: Door) -> None:
    """An unknown credential hears nothing of its body, however broken."""
    assert door.send(b"\xff", authorization="Bearer wrong").status_code == 401
    assert door.send(b"x" * 70_000, authorization="Bearer wrong").status_code == 401


@pytest.mark.parametrize("name", ["authorization", "idempotency-key", "content-type"])
def test_headers_that_come_twice_are_refused(door: Door, name: str) -> None:
    """A second credential, key or content type could mean another request: 400, and nothing is asked."""
    pairs = [("authorization", "Bearer good"), ("content-type", OLD), ("idempotency-key", "a")]
    pairs.append((name, "Bearer suspended"))
    answer = door.client.post(door.url, content=_body(MAKE, {"input": INPUT}), headers=pairs)
    assert (answer.status_code, _code(answer)) == (400, "MALFORMED_REQUEST")
    assert door.desk.asked == []


def _body(query: str, variables: object = None) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


def _get(door: Door, url: str, accept: str = OLD):
    return door.client.get(url, headers={"authorization": "Bearer good", "accept": accept})


def _code(answer) -> str:
    return answer.json()["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize("name", ["q", "m"])
def test_a_hash_of_a_persisted_query_is_told_to_be_unknown(door: Door, name: str) -> None:
    """In the words that Apollo's and urql's clients wait for; with the document it is no matter."""
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": "ab"}}
    asked = {"operationName": name, "extensions": extensions}
    headers = {"authorization": "Bearer good"}
    url = {"extensions": json.dumps(extensions)}
    for answer in (
        door.client.post(door.url, json=asked, headers=headers),
        door.client.get(door.url, params=url, headers=headers),
    ):
        assert answer.status_code == 400
        assert [error["message"] for error in answer.json()["errors"]] == ["PersistedQueryNotSupported"]
    whole = {**asked, "query": f"query {name} {{ __typename }}"}
    assert door.client.post(door.url, json=whole, headers=headers).json() == {"data": {"__typename": "Query"}}
    assert not door.desk.asked
