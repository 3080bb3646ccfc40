"""Documents: what is refused before it runs, how much of one there may be, and what the cache keeps."""

import json
import time
from pathlib import Path

import pytest
from graphql import (
    build_client_schema,
    build_schema,
    get_introspection_query,
    lexicographic_sort_schema,
    print_schema,
)

from gateway.doors.graphql import REJECTED_REASONS
from gateway.doors.graphql.documents import Document, Documents
from gateway.doors.graphql.schema import executable
from tests.graphql.conftest import INPUT, MAKE, Door

SDL = build_schema((Path(__file__).parents[2] / "schema" / "schema.graphql").read_text())
CALL = 'makeCall(input: {caller: {number: "100"}, callee: {number: "200"}}) { __typename }'


def nested(depth: int) -> str:
    """A query of that depth, `__typename` being the last of it, on a field that can't nest: for limits."""
    return "{" + "a{" * (depth - 1) + "__typename" + "}" * depth


def bomb(levels: int, width: int = 2) -> str:
    """Fragments that each spread the next one twice: 2 ** levels fields once expanded."""
    spreads = [f"fragment F{n} on Gateway {{ {f'...F{n + 1} ' * width} }}" for n in range(levels)]
    return "{ gateway { ...F0 } } " + " ".join(spreads) + f" fragment F{levels} on Gateway {{ version }}"


REJECTED = [
    ("", "syntax"),
    ("{", "syntax"),
    ("{}", "syntax"),
    ("query { call(id: 1) { } }", "syntax"),
    ('{ a(b: "\ud800") }', "syntax"),
    ("\x00", "syntax"),
    ("{ nothing }", "validation"),
    ("subscription { makeCall }", "validation"),
    ("type Query { a: Int }", "validation"),
    ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "validation"),
    ("{ gateway { version } } fragment A on Gateway { version }", "validation"),
    ("{ gateway }", "validation"),
    ("{ __typename @defer }", "validation"),
    ("mutation { makeCall(input: {}) { __typename } }", "validation"),
    ("fragment A on Gateway { version }", "validation"),
    ("{ gateway { version } } { gateway { version } }", "validation"),
    ("query A { __typename } query A { __typename }", "validation"),
    ("query A { __typename } query B { __typename }", "operation"),
    ("{ __typename }" + " " * 15_000, "limits"),
    ("{ " + "__typename " * 999 + "}", "limits"),
    ("{ " + "__typename " * 201 + "}", "limits"),
    (nested(11), "limits"),
    ("{" + "a{" * 150 + "b" + "}" * 151, "limits"),
    ("{" + "a{" * 400 + "b" + "}" * 401, "syntax"),
    ("{ a(b: " + "[" * 450 + "]" * 450 + ") }", "syntax"),
    ("{ " + " ".join(f"a{n}: __typename" for n in range(16)) + " }", "limits"),
    (bomb(9), "limits"),
    (bomb(40), "limits"),
    ("{ __typename " + "@skip(if: false) " * 51 + "}", "limits"),
    (f"mutation {{ {CALL} {CALL} }}", "limits"),
    (f"mutation {{ a: {CALL} b: {CALL} }}", "limits"),
    (f"mutation {{ ...F {CALL} }} fragment F on Mutation {{ {CALL} }}", "limits"),
    (f"mutation {{ ...F ... on Mutation {{ ...F }} }} fragment F on Mutation {{ {CALL} }}", "limits"),
    (f"mutation {{ {CALL} ... @skip(if: true) {{ x: {CALL} }} }}", "limits"),
    ("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", "validation"),
    ("{ __schema " + "{ a " * 20 + "}" * 21, "limits"),
    ("{ __typename } fragment F on __Type " + "{ ofType " * 21 + "{ name " + "}" * 22, "limits"),
    ("{ __schema { __schema " + "{ a " * 19 + "}" * 21, "limits"),
    ('{ __type(name: "Call") { __schema { ' + "a " * 499 + "} } }", "limits"),
    ("{ __typename } fragment F on __Type { __schema " + "{ a " * 20 + "}" * 21, "limits"),
    ("{ __typename } fragment F on Gateway " + "{ a " * 11 + "}" * 11, "limits"),
    ("{ gateway { ...F } } fragment F on __Type " + "{ ofType " * 10 + "{ name " + "}" * 11, "limits"),
]


@pytest.mark.parametrize(("query", "reason"), REJECTED, ids=lambda value: repr(value)[:60])
def test_a_document_that_may_not_run_is_a_request_error(door: Door, query: str, reason: str) -> None:
    """400 under the new media type, 200 under the old, without data, and never a call."""
    for accept, status in (("application/graphql-response+json", 400), ("application/json", 200)):
        answer = door.post(query, accept=accept)
        assert answer.status_code == status, answer.text
        told = answer.json()
        assert "data" not in told
        assert 1 <= len(told["errors"]) <= 5
        assert {error["extensions"]["code"] for error in told["errors"]} == {"MALFORMED_REQUEST"}
    assert door.desk.asked == []
    assert door.rejected == [reason, reason]
    assert reason in REJECTED_REASONS


@pytest.mark.parametrize(
    "query",
    [
        "{ " + "__typename " * 200 + "}",
        "{ " + " ".join(f"a{n}: __typename" for n in range(15)) + " }",
        bomb(6),
        "{ __typename " + "}" + " " * (15_000 - 14),
        "query A { __typename }",
        '{ __type(name: "Call") { name fields { name type { name ofType { name ofType { name } } } } } }',
    ],
    ids=lambda query: query[:40],
)
def test_what_is_within_the_limits_runs(door: Door, query: str) -> None:
    """The limits themselves are allowed."""
    answer = door.post(query)
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json()


@pytest.mark.parametrize("options", [{}, {"descriptions": False}, {"input_value_deprecation": True}])
def test_the_standard_introspection_query_tells_the_schema(door: Door, options: dict[str, bool]) -> None:
    """What generators, IDEs and clients ask first: its fragments on introspection's types are deeper than
    an operation may be, and are held to introspection's own limits."""
    answer = door.post(get_introspection_query(**options, specified_by_url=True))
    assert answer.status_code == 200, answer.text
    told = build_client_schema(answer.json()["data"])
    shown, expected = (print_schema(lexicographic_sort_schema(schema)) for schema in (told, SDL))
    assert (shown == expected) is options.get("descriptions", True)
    assert told.get_type("MakeCallResult") is not None


def test_one_operation_of_several_runs(door: Door) -> None:
    """The operation that is named runs, and no other; each may hold a call."""
    query = f"mutation A {{ {CALL} }} mutation B {{ {CALL} }} query C {{ gateway {{ version }} }}"
    for name, calls in (("A", 1), ("B", 2), ("C", 2), ("D", 2), ("", 2)):
        answer = door.client.post(
            door.url, json={"query": query, "operationName": name}, headers={"authorization": "Bearer good"}
        )
        assert ("data" in answer.json()) == (name in {"A", "B", "C"})
        assert len(door.desk.asked) == calls


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (None, "The variable `$input` is required."),
        ({"input": None}, "`$input` must not be null."),
        ({"input": "+380441234567"}, "`$input` must be an object (MakeCallInput)."),
        (
            {"input": {"caller": {"number": 380441234567}, "callee": {}}},
            "`$input.caller.number` is not a valid String.",
        ),
        ({"input": {**INPUT, "waitSeconds": 2**31}}, "`$input.waitSeconds` is not a valid Int."),
        ({"input": {**INPUT, "waitSeconds": 5.5}}, "`$input.waitSeconds` is not a valid Int."),
        ({"input": {**INPUT, "dryRun": "yes"}}, "`$input.dryRun` is not a valid Boolean."),
        (
            {"input": {"caller": INPUT["caller"] | {"type": "PHONE"}, "callee": {"number": "1"}}},
            "`$input.caller.type` is not a valid CallerType.",
        ),
        ({"input": {"callee": {"number": "1"}}}, "`$input.caller` is required."),
        (
            {"input": {**INPUT, "waitSecond": 1}},
            "`$input` has no field `waitSecond`. Did you mean 'waitSeconds'?",
        ),
        ({"input": {**INPUT, "\ud800" * 100: 1}}, "`$input` has no field `" + "\\ud800" * 64 + "...`."),
    ],
)
def test_variables_that_do_not_fit_name_the_place(door: Door, variables: object, told: str) -> None:
    """Coercion errors say where and what would be right, and repeat no value."""
    answer = door.send(json.dumps({"query": MAKE, "variables": variables}).encode())
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == told
    assert "38044" not in answer.text
    assert door.rejected == ["variables"]


@pytest.mark.parametrize(
    "query",
    [
        "mutation { makeCall(input: {caller: {number: 380441234567}}) { __typename } }",
        'mutation { makeCall(input: {caller: "380441234567"}) { __typename } }',
        'mutation { makeCall(input: {caller: {number: "1", type: "380441234567"}}) { __typename } }',
        'mutation { makeCall(input: {caller: {number: "1"} "380441234567" }) { __typename } }',
        "mutation { makeCall(input: {callee: {number: 1.380441234567e5}}) { __typename } }",
        '{ call(id: """380441234567""" "380441234567") { id } }',
        "query ($a: String = 380441234567) { callByIdempotencyKey(key: $a) { id } }",
    ],
)
def test_errors_do_not_repeat_literals(door: Door, query: str) -> None:
    """A number written in the document comes back in no error."""
    answer = door.post(query)
    assert answer.status_code == 400
    assert "380441234567" not in answer.text
    assert all(len(error["message"]) < 320 for error in answer.json()["errors"])


def test_a_null_that_validation_lets_through_stops_before_the_call(door: Door) -> None:
    """A null for a variable with a default never ends an operation half way, after its call."""
    selection = "{ __typename @include(if: $b) }"
    switched = f"mutation ($b: Boolean = true, $i: MakeCallInput!) {{ makeCall(input: $i) {selection} }}"
    answer = door.post(switched, {"b": None, "i": INPUT})
    assert answer.status_code == 400
    parties = '{caller: {number: $n}, callee: {number: "2"}}'
    parts = f'mutation ($n: String = "1") {{ makeCall(input: {parties}) {{ __typename }} }}'
    answer = door.post(parts, {"n": None})
    assert answer.json()["data"] is None
    assert answer.json()["errors"][0]["extensions"]["code"] == "MALFORMED_REQUEST"
    assert answer.json()["errors"][0]["extensions"]["callState"] == "NOT_PLACED"
    assert door.desk.asked == []


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { queryType { name } } }",
        '{ ...A } fragment A on Query { a: __type(name: "Call") { name } }',
    ],
)
def test_introspection_can_be_switched_off(closed_door: Door, query: str) -> None:
    """Without introspection neither meta field runs; `__typename` still does."""
    answer = closed_door.post(query)
    assert (answer.status_code, closed_door.rejected) == (400, ["introspection"])
    assert closed_door.post("{ __typename }").json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ gatewa { version } }", None),
        ("{ gateway { versio } }", None),
        ("{ call(idd: 1) { id } }", None),
        ("query ($a: Strin) { __typename }", None),
        ("{ calls(status: REQUESTE) { nodes { id } } }", None),
        ('mutation { makeCall(input: {caler: {number: "1"}}) { __typename } }', None),
        ("{ gateway { version @includ(if: true) } }", None),
        ("{ ...A } fragment A on Quer { __typename }", None),
        (MAKE, {"input": {**INPUT, "waitSecond": 1}}),
        (MAKE, {"input": {"caller": {"number": "1", "type": "LIN"}, "callee": {"number": "1"}}}),
    ],
)
def test_names_are_suggested_only_where_introspection_is_on(
    door: Door, closed_door: Door, query: str, variables: object
) -> None:
    """Without introspection no error helps to guess a name."""
    assert "Did you mean" not in closed_door.post(query, variables).text
    assert closed_door.post(query, variables).status_code == 400
    assert door.post(query, variables).status_code == 400


def test_documents_are_kept_within_bounds() -> None:
    """The cache keeps good and bad documents, drops the least recently used, and never passes its bounds."""
    documents = Documents(executable(), introspection=True, max_entries=3, max_bytes=20_000)
    first = documents.read("{ __typename }")
    bad = documents.read("{ nothing }")
    assert documents.read("{ __typename }") is first
    assert documents.read("{ nothing }") is bad
    for number in range(50):
        documents.read("{ __typename " + f"#{number}" * 100 + "\n}")
        documents.read("{ __typename }")
        assert len(documents) <= 3
        assert documents.kept_bytes <= 20_000
    assert documents.read("{ __typename }") is first
    assert documents.read("{ nothing }") is not bad
    assert isinstance(first, Document)


def test_a_hostile_document_is_cheap_to_refuse() -> None:
    """A thousand tokens in their worst shapes cost less than 50 ms of CPU each: the loop stalls no longer."""
    wide = "{ " + " ".join(f"gateway {{ a{n % 14}: version }}" for n in range(190 // 2)) + " }"
    spread = "{ " + "...A " * 150 + "} fragment A on Query { gateway { version } }"
    chain = (
        "{ ...F0 } "
        + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(120))
        + " fragment F120 on Query { __typename }"
    )
    for query in (bomb(60), bomb(80, 1), wide, spread, chain, "{ a " * 200):
        documents = Documents(executable(), introspection=True)
        documents.read("{ __typename }")
        best = 1.0
        for number in range(3):
            started = time.thread_time()
            documents.read(f"{query} #{number}")
            best = min(best, time.thread_time() - started)
        assert best < 0.05, query[:60]
