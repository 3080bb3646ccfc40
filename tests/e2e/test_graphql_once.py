"""However a document is put together, one GraphQL request makes at most one call."""

import pytest

from tests.house import to

INPUT = "mutation($i: MakeCallInput!)"
CALL = "makeCall(input: $i) { __typename ... on CallRequested { call { id } } ... on CallError { code } }"
ONE = f"{INPUT} {{ {CALL} }}"
F, G = "fragment f on Mutation", "fragment g on Mutation"
A, B = (f"mutation {name}($i: MakeCallInput!) {{ {CALL} }}" for name in "AB")
FIFTY = " ".join(f"a{n}: {CALL}" for n in range(50))

# case -> document, operation name, dials (None: at most one, whichever way it is read)
DOCUMENTS = {
    "plain": (ONE, None, 1),
    "aliased": (f"{INPUT} {{ ring: {CALL} }}", None, 1),
    "in a fragment": (f"{INPUT} {{ ...f }} {F} {{ {CALL} }}", None, 1),
    "a fragment spread twice, merged": (f"{INPUT} {{ ...f ...f }} {F} {{ {CALL} }}", None, None),
    "the same field twice, merged": (f"{INPUT} {{ {CALL} {CALL} }}", None, None),
    "two aliases": (f"{INPUT} {{ a: {CALL} b: {CALL} }}", None, 0),
    "fifty aliases": (f"{INPUT} {{ {FIFTY} }}", None, 0),
    "two fragments": (f"{INPUT} {{ ...f ...g }} {F} {{ a: {CALL} }} {G} {{ b: {CALL} }}", None, 0),
    "fragments nested": (f"{INPUT} {{ a: {CALL} ...f }} {F} {{ ...g }} {G} {{ b: {CALL} }}", None, 0),
    "inline fragments": (f"{INPUT} {{ ... {{ a: {CALL} }} ... on Mutation {{ b: {CALL} }} }}", None, 0),
    "one of two skipped": (
        f"{INPUT} {{ a: {CALL} b: makeCall(input: $i) @skip(if: true) {{ __typename }} }}",
        None,
        None,
    ),
    "two operations, none named": (f"{A} {B}", None, 0),
    "two operations, one named": (f"{A} {B}", "B", 1),
    "two anonymous operations": (f"{ONE} {ONE}", None, 0),
    "an operation that is not there": (ONE, "C", 0),
    "a subscription": (ONE.replace("mutation", "subscription"), None, 0),
    "a query of the mutation": (ONE.replace("mutation", "query"), None, 0),
}


@pytest.mark.parametrize("case", DOCUMENTS)
@pytest.mark.parametrize("media_type", ["application/json", "application/graphql-response+json"])
def test_one_request_dials_at_most_once(case, media_type, gateway, simulator):
    """The call that the document asks for, or MALFORMED_REQUEST and none; never two."""
    document, operation, expected = DOCUMENTS[case]
    dials = len(simulator.dials())
    payload = {"query": document, "variables": {"i": to("0204")}, "operationName": operation}
    headers = {**gateway.headers("acme"), "Accept": media_type}
    answer = gateway.client.post("/graphql", json=payload, headers=headers)
    made = len(simulator.dials()) - dials
    assert made <= 1
    if expected is not None:
        assert made == expected
    if made == 0:
        told = answer.json()
        assert "data" not in told
        assert answer.status_code == (200 if media_type == "application/json" else 400)
        extensions = told["errors"][0]["extensions"]
        assert extensions["code"] == "MALFORMED_REQUEST"
    else:
        assert answer.status_code == 200
        assert "errors" not in answer.json()


def test_a_get_never_makes_a_call(gateway, simulator):
    """A mutation in a URL is 405 and dials nothing."""
    dials = len(simulator.dials())
    literal = 'mutation { makeCall(input: {caller: {number: "1"}, callee: {number: "2"}}) { __typename } }'
    answer = gateway.client.get("/graphql", params={"query": literal}, headers=gateway.headers("acme"))
    assert answer.status_code == 405
    assert answer.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"
    assert len(simulator.dials()) == dials


def test_variables_make_no_second_call(gateway, simulator):
    """A list where one input is asked for is refused, not run once for each."""
    dials = len(simulator.dials())
    payload = {"query": ONE, "variables": {"i": [to("0204"), to("0204")]}}
    answer = gateway.client.post("/graphql", json=payload, headers=gateway.headers("acme"))
    assert answer.json()["errors"][0]["extensions"]["code"] == "MALFORMED_REQUEST"
    assert len(simulator.dials()) == dials
