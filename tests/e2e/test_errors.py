"""Section 5 of the contract, row by row, through both doors, against the simulator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.errors import CATALOGUE, Code
from tests.e2e.town import bearer
from tests.house import to

NOT_PLACED, UNKNOWN = "NOT_PLACED", "UNKNOWN"
PERMITTED, INPUT, REFUSED = "CallNotPermitted", "InvalidCallInput", "CallUpstreamRefused"
CONFLICT, EXCEEDED, LOST = "CallIdempotencyConflict", "CallQuotaExceeded", "CallOutcomeUnknown"
TOP = None  # a top-level error


@dataclass(frozen=True)
class Row:
    """One request and what must come of it: `dials` calls on the wire, a record of that status (None:
    no record), and `spent` units of the daily quota."""

    tenant: str
    body: Mapping[str, Any]
    status: int
    code: str | None
    member: str | None
    state: str | None = NOT_PLACED
    retryable: bool | None = False
    dials: int = 0
    record: str | None = None
    spent: int = 0
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    before: tuple[tuple[Mapping[str, Any], str | None], ...] = ()


def bad_number(number: str) -> dict[str, Any]:
    return {"caller": {"number": "1234567"}, "callee": {"number": number}}


OTHER_KEY = "k-reused"
STRANGER = {"Authorization": "Bearer gw_stranger"}
READER = bearer("acme", "calls:read")
LOST_TENANT = bearer("no-such-tenant")
WISHES = {
    "caller": {"number": "1234567", "presentedCallerId": "1", "autoAnswer": True},
    "callee": {"number": "9005550200"},
    "recordingGroupId": 3,
}

# fmt: off
ROWS = {
    "requested with reference": Row(
        "acme", to("0200"), 201, None, "CallRequested", None, None, 1, "REQUESTED", 1),
    "requested without reference": Row(
        "acme", to("0204"), 202, None, "CallRequested", None, None, 1, "REQUESTED", 1),
    "key told by an upper-case digest": Row(
        "shouted", to("0204"), 202, None, "CallRequested", None, None, 1, "REQUESTED", 1),
    "dry run": Row("acme", to("0204", dryRun=True), 200, None, "CallTranslated", None, None),
    "no such key": Row("acme", to("0204"), 401, "UNAUTHENTICATED", TOP, headers=STRANGER),
    "no such key, keyed": Row(
        "acme", to("0204"), 401, "UNAUTHENTICATED", TOP, UNKNOWN, key="k1", headers=STRANGER),
    "token of no tenant": Row("acme", to("0204"), 401, "UNAUTHENTICATED", TOP, headers=LOST_TENANT),
    "token may only read": Row("acme", to("0204"), 403, "INSUFFICIENT_SCOPE", PERMITTED, headers=READER),
    "token may only read, keyed": Row(
        "acme", to("0204"), 403, "INSUFFICIENT_SCOPE", PERMITTED, UNKNOWN, key="k2", headers=READER),
    "suspended": Row("asleep", to("0204"), 403, "TENANT_SUSPENDED", PERMITTED),
    "suspended, keyed": Row("asleep", to("0204"), 403, "TENANT_SUSPENDED", PERMITTED, UNKNOWN, key="k3"),
    "suspended before the input is read": Row("asleep", bad_number("x"), 403, "TENANT_SUSPENDED", PERMITTED),
    "invalid input": Row(
        "acme", bad_number("12-34"), 422, "INVALID_INPUT", INPUT, problems=("/callee/number",)),
    "invalid input, keyed": Row(
        "acme", bad_number("12-34"), 422, "INVALID_INPUT", INPUT, key="k4", problems=("/callee/number",)),
    "unlisted callee type": Row(
        "acme", {**to("0204"), "callee": {"number": "1", "type": "fax"}}, 422, "INVALID_INPUT", INPUT,
        problems=("/callee/type",)),
    "invalid by the upstream": Row(
        "acme", to("0400"), 422, "INVALID_INPUT", INPUT, dials=1, record="REJECTED",
        problems=("/callee/number",)),
    "destination": Row(
        "narrow", bad_number("9005550200"), 403, "DESTINATION_NOT_ALLOWED", PERMITTED,
        problems=("/callee/number",)),
    "everything denied": Row(
        "nobody", to("0204"), 403, "DESTINATION_NOT_ALLOWED", PERMITTED,
        problems=("/caller/number", "/callee/number")),
    "line": Row(
        "nobody", {**to("0204"), "caller": {"number": "desk-1", "type": "LINE"}}, 403,
        "DESTINATION_NOT_ALLOWED", PERMITTED, problems=("/caller/number", "/callee/number")),
    "caller ID": Row(
        "narrow", {**to("0204"), "caller": {"number": "12", "presentedCallerId": "1"}}, 403,
        "CALLER_ID_NOT_ALLOWED", PERMITTED, problems=("/caller/presentedCallerId",)),
    "option": Row(
        "narrow", to("0204", waitSeconds=31), 403, "OPTION_NOT_ALLOWED", PERMITTED,
        problems=("/waitSeconds",)),
    "callee type without the option": Row(
        "narrow", {**to("0204"), "callee": {"number": "2", "type": "phone"}}, 403, "OPTION_NOT_ALLOWED",
        PERMITTED,
        problems=("/callee/type",)),
    "all the policy at once": Row(
        "narrow", WISHES, 403, "DESTINATION_NOT_ALLOWED", PERMITTED,
        problems=("/callee/number", "/caller/presentedCallerId", "/caller/autoAnswer", "/recordingGroupId")),
    "another customer than the pinned": Row(
        "pinned", to("0204", billing={"customerId": 7}), 403, "OPTION_NOT_ALLOWED", PERMITTED,
        problems=("/billing/customerId",)),
    "policy, keyed": Row(
        "narrow", bad_number("9005550200"), 403, "DESTINATION_NOT_ALLOWED", PERMITTED, key="k5",
        problems=("/callee/number",)),
    "rate plan": Row("acme", to("0403"), 403, "RATE_PLAN_FORBIDS", PERMITTED, dials=1, record="REJECTED"),
    "key missing": Row("strict", to("0204"), 400, "IDEMPOTENCY_KEY_MISSING", INPUT),
    "key invalid": Row("acme", to("0204"), 400, "IDEMPOTENCY_KEY_INVALID", INPUT, key="a b"),
    "key too long": Row("acme", to("0204"), 400, "IDEMPOTENCY_KEY_INVALID", INPUT, key="k" * 256),
    "key before body": Row("strict", bad_number("x"), 400, "IDEMPOTENCY_KEY_MISSING", INPUT),
    "key reused": Row(
        "acme", to("0200"), 422, "IDEMPOTENCY_KEY_REUSED", CONFLICT, key=OTHER_KEY,
        before=((to("0204"), OTHER_KEY),)),
    "quota": Row(
        "spent", to("0204"), 429, "QUOTA_EXCEEDED", EXCEEDED, retryable=True, before=((to("0204"), None),)),
    "credentials rejected": Row(
        "acme", to("0401"), 502, "UPSTREAM_CREDENTIALS_REJECTED", REFUSED, dials=1, record="NOT_PLACED"),
    "role forbids": Row(
        "acme", to("0402"), 502, "UPSTREAM_ROLE_FORBIDS", REFUSED, dials=1, record="NOT_PLACED"),
    "no answer": Row(
        "acme", to("0592"), 504, "OUTCOME_UNKNOWN", LOST, UNKNOWN, dials=1, record="UNKNOWN", spent=1),
    "no sense": Row(
        "acme", to("0500"), 502, "OUTCOME_UNKNOWN", LOST, UNKNOWN, dials=1, record="UNKNOWN", spent=1),
}
# fmt: on


def spent_daily(gateway, row: Row) -> int:
    remaining = gateway.remaining(row.tenant)["daily"]
    assert remaining is not None
    return 1000 - remaining


@pytest.mark.parametrize("case", ROWS)
def test_every_row_through_both_doors(case, door, gateway, simulator):
    """Status, code, member, call state, retryable, dials, record, charge and headers are the contract's."""
    row = ROWS[case]
    key = None if row.key is None else f"{row.key}{'' if row.before else door}"[:256]
    for body, its_key in row.before:
        gateway.call("rest", row.tenant, body, its_key)
    dials, records = len(simulator.dials()), gateway.calls(row.tenant, limit=100)
    spent = spent_daily(gateway, row)
    answer = gateway.call(door, row.tenant, row.body, key, **row.headers)

    assert answer.code == row.code
    assert (answer.call_state, answer.retryable) == (row.state, row.retryable)
    is_top = row.member is TOP
    assert answer.status == (row.status if door == "rest" or is_top else 200)
    assert answer.member == (None if door == "rest" else row.member)
    assert len(simulator.dials()) - dials == row.dials
    assert spent_daily(gateway, row) - spent == row.spent
    known = {record["id"] for record in records}
    new = [record for record in gateway.calls(row.tenant, limit=100) if record["id"] not in known]
    assert [record["status"] for record in new] == ([row.record] if row.record else [])
    assert ("Retry-After" in answer.http.headers) is (row.status in {409, 429, 503})
    assert ("WWW-Authenticate" in answer.http.headers) is (row.status == 401)
    if row.code is not None:
        check_form(answer, row, new)


def check_form(answer, row: Row, new: list[dict[str, Any]]) -> None:
    """The members of the problem or of the GraphQL error, no more and no fewer."""
    request_id = answer.http.headers["X-Request-ID"]
    if answer.door == "graphql":
        if row.member is TOP:
            assert answer.body.get("data") is None
            extensions = answer.body["errors"][0]["extensions"]
            assert set(extensions) == {"code", "requestId", "retryable", "callState"}
            assert extensions["requestId"] == request_id
        else:
            assert answer.body["requestId"] == request_id
            assert tuple(p["pointer"] for p in answer.body.get("problems", ())) == row.problems
        return
    assert answer.http.headers["Content-Type"] == "application/problem+json"
    members = {"type", "title", "status", "detail", "instance", "code", "callState", "retryable"}
    members |= {"problems"} if row.problems else set()
    members |= {"violated-policies"} if row.status == 429 else set()
    members |= {"callId"} if new else set()
    assert set(answer.body) == members
    assert answer.body["instance"] == request_id
    assert answer.body["status"] == row.status
    assert answer.body["title"] == CATALOGUE[Code(row.code)].title
    assert tuple(p["pointer"] for p in answer.body.get("problems", ())) == row.problems
    if row.status == 429:
        assert answer.body["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
        assert answer.body["violated-policies"] == ["once"]
    if new:
        assert answer.body["callId"] == new[0]["id"]
        assert new[0]["code"] == row.code
