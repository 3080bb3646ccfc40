"""Queries: the tenant's own records and quotas, paged as Relay pages, with every error at the top."""

from dataclasses import replace

import pytest

from gateway.call import unknown
from tests.graphql.conftest import Door
from tests.graphql.stubs import record

CALLS = """query ($first: Int, $after: String, $status: CallStatus) {
  calls(first: $first, after: $after, status: $status) {
    edges { cursor node { id status } } nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


def test_a_call_is_found_by_id_and_by_key(door: Door) -> None:
    """The tenant's own call is shown; what is not there, or another tenant's, is null."""
    door.shelf.records = [
        record(call_id="a", key="k"),
        replace(record(call_id="b", key="kb"), tenant="rival"),
    ]
    query = (
        "query ($id: ID!, $key: String!) { call(id: $id) { id code } callByIdempotencyKey(key: $key) { id } }"
    )
    for call_id, key, found in (
        ("a", "k", True),
        ("b", "kb", False),
        ("x", "x", False),
        ("\u0433", "\u0433", False),
    ):
        answer = door.post(query, {"id": call_id, "key": key})
        assert answer.status_code == 200
        told = answer.json()["data"]
        assert told["call"] == ({"id": "a", "code": None} if found else None)
        assert told["callByIdempotencyKey"] == ({"id": "a"} if found else None)
        assert answer.headers["ratelimit"] == '"daily";r=992;t=51234'


def test_lone_surrogates_find_nothing(door: Door) -> None:
    """Text without a UTF-8 form reaches no store and breaks no answer."""
    query = "query ($id: ID!, $key: String!) { call(id: $id) { id } callByIdempotencyKey(key: $key) { id } }"
    answer = door.post(query, {"id": "\ud800", "key": "\ud800"})
    assert answer.json() == {"data": {"call": None, "callByIdempotencyKey": None}}


def test_pages_follow_each_other(door: Door) -> None:
    """Every call comes once, newest first; each edge's cursor goes on from its own place."""
    door.shelf.records = [record(call_id=str(n)) for n in range(7)]
    first = door.post(CALLS, {"first": 3}).json()["data"]["calls"]
    assert [edge["node"]["id"] for edge in first["edges"]] == ["0", "1", "2"]
    assert first["nodes"] == [{"id": "0"}, {"id": "1"}, {"id": "2"}]
    cursors = [edge["cursor"] for edge in first["edges"]]
    assert first["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": cursors[0],
        "endCursor": cursors[2],
    }
    middle = door.post(CALLS, {"first": 3, "after": cursors[1]}).json()["data"]["calls"]
    assert [node["id"] for node in middle["nodes"]] == ["2", "3", "4"]
    assert middle["pageInfo"]["hasPreviousPage"] is True
    last = door.post(CALLS, {"first": 100, "after": first["pageInfo"]["endCursor"]}).json()["data"]["calls"]
    assert [node["id"] for node in last["nodes"]] == ["3", "4", "5", "6"]
    assert last["pageInfo"]["hasNextPage"] is False


def test_pages_are_of_twenty_and_by_status(door: Door) -> None:
    """Without `first` (or null) a page holds 20; `status` leaves the others out."""
    door.shelf.records = [record(call_id=str(n)) for n in range(30)] + [
        record(unknown("answer_timeout"), call_id="u")
    ]
    for query in ("{ calls { nodes { id } } }", "{ calls(first: null) { nodes { id } } }"):
        assert len(door.post(query).json()["data"]["calls"]["nodes"]) == 20
    only = door.post(CALLS, {"first": 5, "status": "UNKNOWN"}).json()["data"]["calls"]
    assert [edge["node"] for edge in only["edges"]] == [{"id": "u", "status": "UNKNOWN"}]
    empty = door.post(CALLS, {"status": "REJECTED"}).json()["data"]["calls"]
    assert empty["pageInfo"] == dict.fromkeys(("startCursor", "endCursor")) | {
        "hasNextPage": False,
        "hasPreviousPage": False,
    }


@pytest.mark.parametrize(
    "variables",
    [{"first": 0}, {"first": -1}, {"first": 101}, {"after": "nonsense"}, {"after": "\u0433"}, {"after": ""}],
)
def test_a_page_that_can_t_be_is_refused(door: Door, variables: dict[str, object]) -> None:
    """A bad size or cursor is INVALID_INPUT at the top, naming the argument; data is null."""
    answer = door.post(CALLS, variables)
    assert answer.status_code == 200
    told = answer.json()
    assert told["data"] is None
    [error] = told["errors"]
    assert error["extensions"] == {"code": "INVALID_INPUT", "requestId": "req-1"}
    assert error["message"].startswith(f"`{next(iter(variables))}`")


def test_quotas_are_told_as_in_rest(door: Door) -> None:
    """The same fields, the same words."""
    query = "{ quota { name per scope limit remaining inUse resetSeconds } }"
    assert door.post(query).json()["data"]["quota"] == [
        {
            "name": "daily",
            "per": "day",
            "scope": "tenant",
            "limit": 1000,
            "remaining": 992,
            "inUse": None,
            "resetSeconds": 51234,
        }
    ]


def test_reading_needs_its_scope(door: Door) -> None:
    """A token without calls:read hears INSUFFICIENT_SCOPE at the top; the version needs none."""
    answer = door.post('{ call(id: "a") { id } gateway { version } }', token="maker")
    told = answer.json()
    assert answer.status_code == 200
    assert told["data"] == {"call": None, "gateway": {"version": "0.1.0"}}
    assert told["errors"][0]["extensions"] == {"code": "INSUFFICIENT_SCOPE", "requestId": "req-1"}
    assert told["errors"][0]["path"] == ["call"]
    assert door.auth_failed == ["scope"]


def test_a_suspended_tenant_reads_on(door: Door) -> None:
    """Suspension stops calls, not reading."""
    assert "errors" not in door.post("{ quota { name } calls { nodes { id } } }", token="suspended").json()


def test_a_store_that_is_down_is_told(door: Door) -> None:
    """STORE_UNAVAILABLE at the top with Retry-After, at most five times, and nothing of a call's state."""
    door.shelf.is_down = True
    aliases = " ".join(f'a{n}: call(id: "{n}") {{ id }}' for n in range(12))
    answer = door.post(f"{{ {aliases} }}")
    told = answer.json()
    assert (answer.status_code, answer.headers["retry-after"]) == (200, "1")
    assert len(told["errors"]) == 5
    assert {tuple(error["extensions"]) for error in told["errors"]} == {("code", "requestId")}
    assert told["errors"][0]["extensions"]["code"] == "STORE_UNAVAILABLE"
    assert set(told["data"].values()) == {None}
