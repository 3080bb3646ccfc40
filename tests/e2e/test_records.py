"""Records: read through both doors and the commands, never across tenants, and corrected by operators."""

import json
import re
import subprocess
import sys

import pytest

from tests.e2e.town import DAILY, bearer
from tests.house import DOORS, configuration, open_policy, serving, tenant, to

FIELDS = """id status requestedAt settledAt clientReference callerNumber calleeNumber code
  reference { machine server callId }"""
CALL = f"query($id: ID!) {{ call(id: $id) {{ {FIELDS} }} }}"
BY_KEY = f"query($k: String!) {{ callByIdempotencyKey(key: $k) {{ {FIELDS} }} }}"
PAGE = f"""query($first: Int, $after: String, $status: CallStatus) {{
  calls(first: $first, after: $after, status: $status) {{
    nodes {{ {FIELDS} }} edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""


def commands(gateway, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A `gateway calls` command beside the gateway that serves."""
    line = [sys.executable, "-m", "gateway", "calls", *arguments, "--config", str(gateway.config)]
    return subprocess.run(line, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture(scope="module")
def archive(simulator, tmp_path_factory):
    """A gateway of its own, whose lists hold nothing but what the tests of this file made."""
    directory = tmp_path_factory.mktemp("archive")
    names = ("acme", "globex", "pager", "judge")
    tenants = {name: tenant(name, policy=open_policy(), quotas=[DAILY]) for name in names}
    settings = configuration(directory, simulator.url, tenants, upstream={"answer_margin_seconds": 1})
    with serving(directory, settings) as gateway:
        yield gateway


def test_a_record_reads_the_same_everywhere(archive):
    """GET by id, the list, GraphQL's call, callByIdempotencyKey and calls: one call object."""
    made = archive.call("rest", "acme", to("0200", clientReference="r\n1"), "one").call
    assert archive.find("acme", made["id"]) == made
    assert archive.calls("acme", limit=1) == [made]
    assert archive.query("acme", CALL, id=made["id"])["call"] == made
    assert archive.query("acme", BY_KEY, k="one")["callByIdempotencyKey"] == made
    assert archive.query("acme", PAGE, first=1)["calls"]["nodes"] == [made]


@pytest.mark.parametrize(
    ("digits", "status", "code"),
    [
        ("0400", "REJECTED", "INVALID_INPUT"),
        ("0403", "REJECTED", "RATE_PLAN_FORBIDS"),
        ("0401", "NOT_PLACED", "UPSTREAM_CREDENTIALS_REJECTED"),
        ("0500", "UNKNOWN", "OUTCOME_UNKNOWN"),
    ],
)
def test_refusals_by_the_upstream_are_recorded_too(digits, status, code, archive):
    """The problem names the record, which tells status and code."""
    problem = archive.call("rest", "acme", to(digits)).body
    record = archive.find("acme", problem["callId"])
    assert (record["status"], record["code"], record["reference"]) == (status, code, None)
    assert record in archive.calls("acme", status=status)
    assert archive.query("acme", CALL, id=record["id"])["call"] == record


def test_tenants_never_see_each_other(archive):
    """Another tenant's id is 404 or null, its key is unknown, its calls are in no list."""
    made = archive.call("rest", "acme", to("0200"), "mine").call
    answer = archive.get(f"/v1/calls/{made['id']}", "globex")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert archive.query("globex", CALL, id=made["id"])["call"] is None
    assert archive.query("globex", BY_KEY, k="mine")["callByIdempotencyKey"] is None
    theirs = [archive.calls("globex", limit=100), archive.query("globex", PAGE, first=100)["calls"]["nodes"]]
    assert all(made["id"] != call["id"] for calls in theirs for call in calls)
    cursor = archive.get("/v1/calls?limit=1", "acme").json()["nextCursor"]
    if cursor:
        page = archive.get(f"/v1/calls?cursor={cursor}", "globex")
        assert page.status_code in {200, 422}
        assert "acme" not in page.text
        assert all(call["id"] != made["id"] for call in page.json().get("calls", ()))


def test_paging_through_both_doors(archive):
    """Newest first, every call once, the cursor of one page leads to the next, null at the end."""
    made = [
        archive.call(DOORS[i % 2], "pager", to("0204" if i % 3 else "0403"), f"p{i}").http for i in range(7)
    ]
    assert len(made) == 7
    whole = archive.calls("pager", limit=100)
    assert len(whole) == 7
    assert [c["requestedAt"] for c in whole] == sorted((c["requestedAt"] for c in whole), reverse=True)
    read: list = []
    cursor = None
    while True:
        query = {"limit": 3} if cursor is None else {"limit": 3, "cursor": cursor}
        page = archive.client.get("/v1/calls", params=query, headers=archive.headers("pager")).json()
        assert set(page) == {"calls", "nextCursor"}
        read += page["calls"]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert read == whole
    read, after = [], None
    while True:
        found = archive.query("pager", PAGE, first=2, after=after)["calls"]
        assert [edge["node"]["id"] for edge in found["edges"]] == [node["id"] for node in found["nodes"]]
        read += found["nodes"]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert read == whole
    rejected = archive.calls("pager", status="REJECTED")
    assert rejected == [call for call in whole if call["status"] == "REJECTED"]
    assert archive.query("pager", PAGE, status="REJECTED")["calls"]["nodes"] == rejected


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=ten", "/limit"),
        ("limit=", "/limit"),
        ("limit=%D9%A1", "/limit"),
        ("status=DONE", "/status"),
        ("status=requested", "/status"),
        ("cursor=nonsense", "/cursor"),
        ("cursor=", "/cursor"),
        ("cursor=%00%ff", "/cursor"),
    ],
)
def test_bad_list_parameters_are_422(query, pointer, archive):
    """A bad limit, status or cursor is INVALID_INPUT at its own name."""
    answer = archive.get(f"/v1/calls?{query}", "acme")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "INVALID_INPUT")
    assert [p["pointer"] for p in problem["problems"]] == [pointer]
    assert "callState" not in problem


@pytest.mark.parametrize("call_id", ["x", "0" * 32, "%00", "..", "a%2Fb", "%E2%82%AC", "'"])
def test_an_id_that_is_none_is_404(call_id, archive):
    """Nothing that a client can write as an id is more than not found."""
    answer = archive.get(f"/v1/calls/{call_id}", "acme")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_reading_needs_its_scope(gateway):
    """Every read through both doors is refused to a token that may only make calls."""
    headers = bearer("acme", "calls:make")
    for path in ("/v1/calls", "/v1/calls/x", "/v1/quota"):
        answer = gateway.get(path, "acme", **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "INSUFFICIENT_SCOPE")
    for document in ("{ quota { name } }", "{ calls { nodes { id } } }", '{ call(id: "x") { id } }'):
        body = gateway.client.post("/graphql", json={"query": document}, headers=headers).json()
        assert body["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"


def test_operators_list_and_resolve(archive):
    """`calls list` shows unknown calls of all tenants; `calls resolve` corrects one: *not placed* refunds
    and releases the key, *requested* replays as 202; what is settled can't be resolved."""
    lost = [archive.call("rest", "judge", to("0500"), f"lost-{i}").body["callId"] for i in range(3)]
    left = archive.remaining("judge")["daily"]
    listed = commands(archive, "list", "--outcome", "unknown", "--since", "24h", "--format", "json")
    assert listed.returncode == 0, listed.stderr
    found = {call["id"]: call for call in json.loads(listed.stdout)}
    assert set(lost) <= set(found)
    assert found[lost[0]]["tenant"] == "judge"
    assert found[lost[0]]["status"] == "UNKNOWN"
    assert "2125550500" not in listed.stdout
    table = commands(archive, "list", "--outcome", "unknown", "--show-numbers")
    assert re.search(rf"judge\s.*{lost[0]}.*2125550500", table.stdout)

    resolved = commands(archive, "resolve", lost[0], "--not-placed")
    assert resolved.returncode == 0, resolved.stderr
    assert json.loads(resolved.stdout)["event"] == "audit"
    assert archive.find("judge", lost[0])["status"] == "NOT_PLACED"
    assert archive.remaining("judge")["daily"] == left + 1
    again = archive.call("rest", "judge", to("0204"), "lost-0")
    assert again.call["status"] == "REQUESTED"
    assert not again.replayed

    assert commands(archive, "resolve", lost[1], "--requested").returncode == 0
    for door in DOORS:
        replay = archive.call(door, "judge", to("0500"), "lost-1")
        assert replay.replayed
        assert replay.call["id"] == lost[1]
        assert replay.status == (202 if door == "rest" else 200)
    assert archive.remaining("judge")["daily"] == left

    refusals = ((lost[0], "--requested"), (lost[1], "--not-placed"), ("0" * 32, "--not-placed"))
    for call_id, verdict in refusals:
        refused = commands(archive, "resolve", call_id, verdict)
        assert refused.returncode == 1
        assert len(refused.stderr.strip().splitlines()) == 1
    assert commands(archive, "resolve", lost[2]).returncode == 2
    assert archive.remaining("judge")["daily"] == left
