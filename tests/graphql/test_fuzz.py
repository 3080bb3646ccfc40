"""Fuzzed requests: no answer is ever a 500, every answer is JSON, and at most one call is asked for."""

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.doors.exchange import Arrival, Reply
from gateway.doors.graphql import REJECTED_REASONS, GraphqlDoor
from gateway.records import Records
from gateway.telemetry.accounts import TraceIds
from tests.graphql.conftest import INPUT, MAKE
from tests.graphql.stubs import Desk, Shelf, in_force, record

DESK, SHELF, REJECTED = Desk(), Shelf(), list[str]()
SHELF.records = [record(call_id=str(n)) for n in range(5)]
DOOR = GraphqlDoor(
    in_force=in_force(DESK, ("queue",)),
    records=Records(SHELF.ledger),
    introspection=True,
    explorer_html=None,
    rejected=REJECTED.append,
    auth_failed=lambda _reason: None,
)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WORDS = st.sampled_from(
    [
        *("{", "}", "(", ")", "[", "]", ":", "!", "$", "...", "@", "=", ","),
        *("query", "mutation", "subscription", "fragment", "on", "true", "null", "A", "$input", "$b"),
        *(
            "makeCall",
            "call",
            "calls",
            "quota",
            "gateway",
            "version",
            "__typename",
            "__schema",
            "__type",
            "id",
        ),
        *("input", "caller", "callee", "number", "first", "name", "nodes", "edges", "node", "if", "types"),
        *("@skip", "@include", "@deprecated", '"1"', "1", "1e9", '"""', "#", "\n", "\\", "\ufeff", "\ud800"),
        *("MakeCallInput!", "CallError", "Query", "Mutation", "Boolean", "String"),
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.just("\ud800"),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*INPUT, "number", "type", "waitSeconds", "idempotencyKey", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
SELECTIONS = st.recursive(
    st.sampled_from(
        ["__typename", "version", "id", "message", "...A", "x: __typename", "code @skip(if: $b)"]
    ),
    lambda inner: st.tuples(
        st.sampled_from(
            [
                "makeCall(input: $input)",
                "x: makeCall(input: $input)",
                'call(id: "1")',
                "calls(first: 2)",
                "nodes",
                "edges",
                "node",
                "gateway",
                "quota",
                "...",
                "... on Mutation",
                "... on CallRequested",
                "... @include(if: $b)",
                "__schema",
                "types",
            ]
        ),
        st.lists(inner, max_size=4),
    ).map(lambda pair: f"{pair[0]} {{ {' '.join(pair[1])} }}"),
    max_leaves=12,
)
DOCUMENTS = st.tuples(
    st.sampled_from(["", "query ", "query A ", "mutation ", "mutation A($input: MakeCallInput!) "]),
    st.lists(SELECTIONS, min_size=1, max_size=4).map(" ".join),
    st.sampled_from(
        ["", " fragment A on Mutation { makeCall(input: $input) { __typename } }", " query B { __typename }"]
    ),
).map(lambda parts: f"{parts[0]}{{ {parts[1]} }}{parts[2]}")


def ask(body: bytes, *, method: str = "POST", query: bytes = b"", accept: bytes = b"*/*") -> Reply:
    """One request to the door, and what must be true of every answer."""
    DESK.asked.clear()
    REJECTED.clear()

    async def read() -> bytes:
        return body

    headers = {b"authorization": b"Bearer good", b"content-type": b"application/json", b"accept": accept}
    arrival = Arrival(method, "/graphql", query, "http", headers, frozenset(), "req-1", TraceIds(1, 2), read)
    reply = asyncio.run(DOOR(arrival))
    assert reply.status in {200, 400, 405, 406}
    told: dict[str, Any] = json.loads(reply.body.decode("utf-8"))
    assert set(told) <= {"data", "errors"}
    assert len(told.get("errors", [])) <= 5
    assert all("INTERNAL" not in json.dumps(error["extensions"]) for error in told.get("errors", []))
    assert len(DESK.asked) <= 1
    assert set(REJECTED) <= set(REJECTED_REASONS)
    assert bool(REJECTED) == ("data" not in told)
    if REJECTED:
        assert DESK.asked == []
    return reply


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """Bytes that are hardly ever JSON."""
    ask(body)


@FUZZ
@given(TREES)
def test_any_json(tree: object) -> None:
    """JSON that is hardly ever a request."""
    ask(json.dumps(tree).encode())


@FUZZ
@given(st.lists(WORDS, max_size=40).map(" ".join), TREES, LEAVES)
def test_any_words(query: str, variables: object, name: object) -> None:
    """GraphQL's own words in any order."""
    ask(json.dumps({"query": query, "variables": variables, "operationName": name}).encode())


@FUZZ
@given(DOCUMENTS, st.booleans() | st.none())
def test_documents_with_calls_in_every_place(document: str, switch: object) -> None:
    """Documents that parse, with calls in fragments, aliases and several operations: one call at most."""
    variables = {"input": INPUT, "b": switch}
    for name in (None, "A", "B"):
        ask(json.dumps({"query": document, "variables": variables, "operationName": name}).encode())


@FUZZ
@given(TREES)
def test_any_input(tree: object) -> None:
    """Inputs of any shape to a document that is right."""
    ask(json.dumps({"query": MAKE, "variables": {"input": tree}}).encode())


@FUZZ
@given(st.text(alphabet="abquery=&%{}_7Bf+;#\x00\xff", max_size=60), st.binary(max_size=30))
def test_any_url_and_accept(url: str, accept: bytes) -> None:
    """Query strings and Accept headers of any kind."""
    ask(b"", method="GET", query=url.encode("latin-1"), accept=accept)
    ask(b"", method="GET", query=b"query=%7B__typename%7D&" + url.encode("latin-1"))


def test_a_body_that_does_not_come_whole_in_time_is_400() -> None:
    """The edge's bound on slow bodies is told as GraphQL tells errors, before anything runs."""

    async def slow() -> bytes:
        raise TimeoutError

    headers = {b"authorization": b"Bearer good", b"content-type": b"application/json"}
    arrival = Arrival("POST", "/graphql", b"", "http", headers, frozenset(), "req-1", TraceIds(1, 2), slow)
    REJECTED.clear()
    reply = asyncio.run(DOOR(arrival))
    assert (reply.status, reply.error_code, REJECTED) == (400, "MALFORMED_REQUEST", ["timeout"])
