"""makeCall: what reaches the use case, and which member, headers and account answer."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from gateway.call import CallRequest, unknown
from gateway.doors.graphql import sdl
from gateway.errors import CATALOGUE, CallState, Code, Entry, Member, Problem, refuse
from gateway.legacy import UpstreamRequest
from gateway.place_call import Requested, Translated
from tests.graphql.conftest import INPUT, MAKE, Door
from tests.graphql.stubs import record, refusing

EVERY_ERROR = """
mutation ($input: MakeCallInput!) { makeCall(input: $input) { __typename
  ... on CallError { code message retryable callState requestId }
  ... on InvalidCallInput { problems { pointer code detail } }
  ... on CallNotPermitted { problems { pointer code detail } }
  ... on CallQuotaExceeded { violatedPolicies after: retryAfterSeconds }
  ... on CallUpstreamUnavailable { retryAfterSeconds }
  ... on CallIdempotencyConflict { retryAfterSeconds }
  ... on CallOutcomeUnknown { call { id status } }
} }"""


def made(door: Door, **headers: str) -> dict[str, Any]:
    """The answer of the plain call."""
    answer = door.post(EVERY_ERROR, {"input": INPUT}, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["makeCall"]


def test_every_field_of_the_input_reaches_the_use_case(door: Door) -> None:
    """The input is the REST body's, field by field, and what is left out has its default."""
    caller = {"number": "line-1", "type": "LINE", "autoAnswer": True, "screening": True}
    caller |= {"cutoffWarning": False, "presentedCallerId": "300"}
    callee = {"number": "200", "type": "queue", "dialPlan": "AUTO", "cutoffWarning": None}
    whole = {
        "caller": caller,
        "callee": callee,
        "billing": {"card": "c1", "customerId": 7},
        "recordingGroupId": 9,
        "suppressForwarding": True,
        "delaySeconds": 1,
        "waitSeconds": 2,
        "clientReference": "\N{SNOWMAN}",
    }
    assert door.post(MAKE, {"input": whole}).status_code == 200
    [asked] = door.desk.asked
    assert asked.call == CallRequest(
        caller_number="line-1",
        callee_number="200",
        caller_type="LINE",
        callee_type="queue",
        callee_dial_plan="AUTO",
        billing_card="c1",
        billing_customer_id=7,
        caller_auto_answer=True,
        caller_presented_caller_id="300",
        recording_group_id=9,
        caller_screening=True,
        caller_cutoff_warning=False,
        delay_seconds=1,
        wait_seconds=2,
        suppress_forwarding=True,
        client_reference="\N{SNOWMAN}",
    )
    assert (asked.door, asked.request_id, asked.key) == ("graphql", "req-1", None)


def test_literals_and_variables_make_the_same_call(door: Door) -> None:
    """Whichever way the input is written, its fingerprint is the same, and so is a REST body's."""
    parties = '{caller: {number: "100", type: NUMBER}, callee: {number: "200"}}'
    literal = f"mutation {{ makeCall(input: {parties}) {{ __typename }} }}"
    parts = (
        'mutation ($n: String!, $t: CallerType = NUMBER) { makeCall(input: {caller: {number: $n, type: $t}, \
callee: {number: "200"}}) { __typename } }'
    )
    door.post(literal)
    door.post(parts, {"n": "100"})
    door.post(MAKE, {"input": INPUT})
    calls = [asked.call for asked in door.desk.asked]
    assert len(calls) == 3
    assert len({call.fingerprint() for call in calls if isinstance(call, CallRequest)}) == 1
    assert type(calls[0].caller_type) is str  # type: ignore[union-attr]


def test_a_requested_call_is_shown_whole(door: Door) -> None:
    """CallRequested has the call object of REST, and says whether it is a replay, as does the header."""
    query = "mutation ($input: MakeCallInput!) { makeCall(input: $input) { ... on CallRequested { replayed \
call { id status reference { machine server callId } requestedAt settledAt clientReference callerNumber \
calleeNumber code } } } }"
    first = door.post(query, {"input": INPUT})
    assert first.json() == {
        "data": {
            "makeCall": {
                "replayed": False,
                "call": {
                    "id": "01hcall",
                    "status": "REQUESTED",
                    "reference": {"machine": 1, "server": "asterisk01", "callId": "1234567890.123456"},
                    "requestedAt": "2023-11-14T22:13:20.123Z",
                    "settledAt": "2023-11-14T22:13:20.124Z",
                    "clientReference": None,
                    "callerNumber": "100",
                    "calleeNumber": "200",
                    "code": None,
                },
            }
        }
    }
    assert "idempotent-replayed" not in first.headers
    assert first.headers["ratelimit"] == '"daily";r=992;t=51234'
    assert first.headers["ratelimit-policy"] == '"daily";q=1000'
    door.desk.answers = lambda _call: Requested(record(), is_replayed=True)
    again = door.post(query, {"input": INPUT})
    assert again.json()["data"]["makeCall"]["replayed"] is True
    assert again.headers["idempotent-replayed"] == "true"


def test_a_dry_run_shows_the_request(door: Door) -> None:
    """CallTranslated carries what would have been sent."""
    door.desk.answers = lambda _call: Translated(UpstreamRequest("GET", "/calls/make/", "stype=", None))
    query = "mutation ($input: MakeCallInput!) { makeCall(input: $input) { ... on CallTranslated \
{ upstreamRequest { method path query body } } } }"
    answer = door.post(query, {"input": {**INPUT, "dryRun": True}})
    shown = answer.json()["data"]["makeCall"]["upstreamRequest"]
    assert shown == {"method": "GET", "path": "/calls/make/", "query": "stype=", "body": None}
    assert door.desk.asked[0].call.dry_run is True  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "entry", [e for e in CATALOGUE.values() if e.member is not Member.TOP_LEVEL], ids=lambda e: e.code
)
def test_each_code_answers_as_its_member(door: Door, entry: Entry) -> None:
    """Every code of the catalogue comes as its own member with its state, and Retry-After where due."""
    problem = Problem("/callee/number", entry.code, "is wrong")
    refusal = refuse(
        entry.code, "Why.", problems=(problem,), violated_policies=("daily",), retry_after_seconds=7
    )
    found = record(unknown("answer_timeout", 504))
    door.desk.answers = refusing(refusal, found)
    answer = door.post(EVERY_ERROR, {"input": INPUT})
    told = answer.json()["data"]["makeCall"]
    assert told.pop("__typename") == entry.member.value
    assert {name: told.pop(name) for name in ("code", "message", "retryable", "callState", "requestId")} == {
        "code": entry.code.value,
        "message": "Why.",
        "retryable": entry.retryable,
        "callState": entry.call_state.value,
        "requestId": "req-1",
    }
    own = {
        Member.INVALID_CALL_INPUT: {
            "problems": [{"pointer": "/callee/number", "code": entry.code.value, "detail": "is wrong"}]
        },
        Member.CALL_QUOTA_EXCEEDED: {"violatedPolicies": ["daily"], "after": 7},
        Member.CALL_UPSTREAM_UNAVAILABLE: {"retryAfterSeconds": 7},
        Member.CALL_IDEMPOTENCY_CONFLICT: {"retryAfterSeconds": 7},
        Member.CALL_OUTCOME_UNKNOWN: {"call": {"id": "01hcall", "status": "UNKNOWN"}},
    }
    own[Member.CALL_NOT_PERMITTED] = own[Member.INVALID_CALL_INPUT]
    assert told == own.get(entry.member, {})
    assert answer.headers.get("retry-after") == ("7" if entry.status in {409, 429, 503} else None)
    assert (answer.status_code, door.replies[-1].error_code) == (200, entry.code.value)


def test_the_schema_tells_the_same_homes_as_the_catalogue() -> None:
    """Every member the catalogue names stands in the union, and every code in the enumeration."""
    [union] = re.findall(r"union MakeCallResult = (.*)", sdl())
    assert set(union.split(" | ")) == {m.value for m in Member if m is not Member.TOP_LEVEL} | {
        "CallRequested",
        "CallTranslated",
    }
    [codes] = re.findall(r"enum CallErrorCode \{([^}]*)\}", sdl())
    assert codes.split() == [code.value for code in Code]


def test_problems_of_the_input_are_told_together(door: Door) -> None:
    """What types can't say is judged by the shared validation, all of it at once."""
    wrong = {
        "caller": {"number": "12-34"},
        "callee": {"number": "\ud800"},
        "waitSeconds": 5,
        "delaySeconds": 9,
    }
    body = b'{"query": %b, "variables": {"input": %b}}' % (_json(EVERY_ERROR), _json(wrong))
    told = door.send(body).json()["data"]["makeCall"]
    assert told["__typename"] == "InvalidCallInput"
    assert [p["pointer"] for p in told["problems"]] == ["/callee/number", "/caller/number", "/waitSeconds"]


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        ('"a\\"b\\\\c"', 'a"b\\c'),
        ("", ""),
        ('"abc', ""),
        ('"a";x=1', ""),
        ("a b", "a b"),
    ],
)
def test_the_key_header_is_read_bare_or_quoted(door: Door, sent: str, key: str) -> None:
    """Quoted and bare are one key; what is no structured-field string is no valid key."""
    made(door, idempotency_key=sent)
    assert [asked.key for asked in door.desk.asked] == [key]


def test_the_input_s_key_wins_over_the_header(door: Door) -> None:
    """`idempotencyKey` is the key where it is given; null and absent leave the header's."""
    for given, key in (("mine", "mine"), (None, "theirs"), ("", "")):
        door.post(MAKE, {"input": {**INPUT, "idempotencyKey": given}}, idempotency_key="theirs")
        assert door.desk.asked[-1].key == key


@pytest.mark.parametrize(
    ("token", "code", "reason"),
    [("reader", "INSUFFICIENT_SCOPE", "scope"), ("suspended", "TENANT_SUSPENDED", "suspended")],
)
@pytest.mark.parametrize("by", ["nothing", "header", "input"])
def test_who_may_not_call_is_told_without_asking(
    door: Door, token: str, code: str, reason: str, by: str
) -> None:
    """Scope and suspension refuse before the use case; a key leaves an earlier try open."""
    given = {**INPUT, "idempotencyKey": "k"} if by == "input" else INPUT
    sent = {"idempotency_key": "k"} if by == "header" else {}
    told = door.post(EVERY_ERROR, {"input": given}, token=token, **sent).json()["data"]["makeCall"]
    assert (told["__typename"], told["code"], told["problems"]) == ("CallNotPermitted", code, [])
    assert told["callState"] == ("NOT_PLACED" if by == "nothing" else "UNKNOWN")
    assert ("same key only" in told["message"]) == (by != "nothing")
    assert (door.desk.asked, door.auth_failed) == ([], [reason])
    assert door.desk.barred == [code]
    account = door.replies[-1].call
    assert account is not None
    assert account.outcome == code.lower()


def test_a_document_is_judged_before_the_scope(door: Door) -> None:
    """A token without the scope still hears that its document is wrong."""
    answer = door.post("mutation { makeCall }", token="reader")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "MALFORMED_REQUEST"
    assert door.auth_failed == []


@pytest.mark.parametrize("state", list(CallState))
def test_a_defect_of_the_use_case_is_told_at_the_top(door: Door, state: CallState) -> None:
    """INTERNAL is a top-level error with the state the use case knows, and the only 500."""
    door.desk.answers = refusing(replace(refuse(Code.INTERNAL, "A defect."), call_state=state))
    answer = door.post(MAKE, {"input": INPUT})
    assert answer.status_code == 500
    [error] = answer.json()["errors"]
    assert answer.json()["data"] is None
    assert error["extensions"] == {
        "code": "INTERNAL",
        "requestId": "req-1",
        "retryable": False,
        "callState": state.value,
    }
    assert error["path"] == ["makeCall"]


def test_an_unforeseen_failure_never_says_not_placed(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Once the use case was asked, an exception leaves the state open, and its text is told nowhere."""
    door.desk.failure = RuntimeError("+380441234567")
    answer = door.post(MAKE, {"input": INPUT})
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["extensions"]["callState"] == "UNKNOWN"
    assert "+38044" not in answer.text
    assert "+38044" not in caplog.text


def test_the_account_names_the_operation(door: Door) -> None:
    """The request's account has the operation's type and its name, cut to 64, and who asked."""
    door.post(f"query {'N' * 100} {{ gateway {{ version }} }}")
    reply = door.replies[-1]
    assert (reply.graphql_operation_type, reply.graphql_operation_name) == ("query", "N" * 64)
    assert reply.principal is not None
    assert reply.principal.subject == "key:crm"
