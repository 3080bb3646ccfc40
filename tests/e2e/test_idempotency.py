"""One key, at most one call: over both doors, at once and afterwards."""

import json
import socket
from collections import Counter

import pytest

from tests.house import DOORS, MAKE_CALL, api_key, asking, at_once, number, to, until


def same_but_for_ids(one: dict, two: dict) -> bool:
    drop = {"instance", "requestId", "replayed"}
    return {k: v for k, v in one.items() if k not in drop} == {k: v for k, v in two.items() if k not in drop}


def test_a_hundred_at_once_dial_once(held, gate):
    """100 concurrent requests with one key through both doors: one dial, one result; the others hear
    CALL_IN_PROGRESS while it lasts, and replay it afterwards."""
    body, left = to("8100"), held.remaining("acme")["daily"]
    with gate.holding():
        answers, threads = asking(100, lambda i: held.call(DOORS[i % 2], "acme", body, "hundred"))
        until(lambda: len(answers) == 99)
        assert gate.dials("2125558100") == 1
        assert {a.code for a in answers} == {"CALL_IN_PROGRESS"}
    for thread in threads:
        thread.join()
    for answer in answers[:99]:
        assert (answer.call_state, answer.retryable) == ("UNKNOWN", True)
        assert answer.status == (409 if answer.door == "rest" else 200)
        assert answer.member in {None, "CallIdempotencyConflict"}
        assert int(answer.http.headers["Retry-After"]) >= 1
    first = answers[99].call
    replays = at_once(100, lambda index: held.call(DOORS[index % 2], "acme", body, "hundred"))
    assert all(replay.call == first and replay.replayed for replay in replays)
    assert gate.dials("2125558100") == 1
    assert held.remaining("acme")["daily"] == left - 1


def test_a_hundred_at_once_without_waiting(gateway, simulator):
    """The same where the upstream answers at once: one dial, one result, the rest 409 or replays."""
    answers = at_once(100, lambda i: gateway.call(DOORS[i % 2], "acme", to("8101"), "hundred-2"))
    assert len(simulator.dials("2125558101")) == 1
    assert {a.code for a in answers} <= {None, "CALL_IN_PROGRESS"}
    assert Counter(a.replayed for a in answers if a.code is None)[False] == 1
    assert len({a.call["id"] for a in answers if a.call}) == 1


@pytest.mark.parametrize("first", DOORS)
@pytest.mark.parametrize("second", DOORS)
@pytest.mark.parametrize("digits", ["0200", "0204", "0400", "0403", "0500"])
def test_a_key_replays_through_either_door(digits, first, second, gateway, simulator):
    """The same call, the same words, Idempotent-Replayed; nothing dialled, nothing spent."""
    key = f"replay-{digits}-{first}-{second}"
    told = gateway.call(first, "acme", to(digits), key)
    assert not told.replayed
    dials, left = len(simulator.dials()), gateway.remaining("acme")
    replay = gateway.call(second, "acme", {**to(digits), "waitSeconds": 0, "dryRun": False}, f'"{key}"')
    assert replay.replayed
    assert (replay.code, replay.call_state, replay.call) == (told.code, told.call_state, told.call)
    if first == second:
        assert replay.status == told.status
        assert same_but_for_ids(replay.body, told.body)
        assert replay.http.headers.get("Location") == told.http.headers.get("Location")
    if second == "graphql" and told.code is None:
        assert replay.body["replayed"] is True
    assert (len(simulator.dials()), gateway.remaining("acme")) == (dials, left)


@pytest.mark.parametrize(("digits", "status"), [("0592", 504), ("0590", 502), ("0501", 502)])
def test_unknown_replays_as_unknown(digits, status, gateway, simulator):
    """With the status that it had, never dialled again, through either door."""
    key = f"lost-{digits}"
    told = gateway.call("rest", "acme", to(digits), key)
    assert (told.status, told.code) == (status, "OUTCOME_UNKNOWN")
    dials, left = len(simulator.dials()), gateway.remaining("acme")
    for _ in range(2):
        replay = gateway.call("rest", "acme", to(digits), key)
        assert (replay.status, replay.replayed) == (status, True)
        assert same_but_for_ids(replay.body, told.body)
    through = gateway.call("graphql", "acme", to(digits), key)
    assert (through.member, through.call_state, through.retryable) == ("CallOutcomeUnknown", "UNKNOWN", False)
    assert through.body["unknownCall"]["id"] == told.body["callId"]
    assert (len(simulator.dials()), gateway.remaining("acme")) == (dials, left)


CHANGES = [
    {"callee": {"number": "2125550205"}},
    {"waitSeconds": 1},
    {"clientReference": "other"},
    {"caller": {"number": "1234567", "type": "LINE"}},
    {"caller": {"number": "1234567", "cutoffWarning": False}},
]


@pytest.mark.parametrize("change", CHANGES)
def test_another_body_with_the_key_is_refused(change, door, gateway, simulator):
    """422 IDEMPOTENCY_KEY_REUSED whatever the difference, and the first call stays what the key means."""
    key = f"reused-{CHANGES.index(change)}-{door}"
    told = gateway.call("graphql", "acme", to("0204"), key)
    dials = len(simulator.dials())
    answer = gateway.call(door, "acme", {**to("0204"), **change}, key)
    assert (answer.code, answer.call_state, answer.retryable) == (
        "IDEMPOTENCY_KEY_REUSED",
        "NOT_PLACED",
        False,
    )
    assert answer.status == (422 if door == "rest" else 200)
    assert not answer.replayed
    assert len(simulator.dials()) == dials
    assert gateway.call(door, "acme", to("0204"), key).call == told.call


@pytest.mark.parametrize("digits", ["0401", "0402"])
def test_a_key_is_released_where_the_gateway_itself_was_refused(digits, door, gateway, simulator):
    """After an upstream 401 or 402 the same key dials anew, even with another body."""
    key = f"released-{digits}-{door}"
    for dialled in (1, 2):
        dials = len(simulator.dials())
        assert gateway.call(door, "acme", to(digits), key).code is not None
        assert len(simulator.dials()) == dials + 1, dialled
    assert gateway.call(door, "acme", to("0204"), key).call["status"] == "REQUESTED"


def test_a_key_is_released_where_nothing_was_dialled(door, gateway):
    """A refusal before the dial leaves the key free for a first try with another body."""
    key = f"refused-{door}"
    refusals = {
        "narrow": {"caller": {"number": "12"}, "callee": {"number": "9"}},
        "acme": {"caller": {"number": "x"}, "callee": {"number": "9"}},
    }
    for tenant_name, body in refusals.items():
        assert gateway.call(door, tenant_name, body, key).call_state == "NOT_PLACED"
        first = gateway.call(door, tenant_name, to("0204"), key)
        assert first.call["status"] == "REQUESTED"
        assert not first.replayed


def test_keys_belong_to_their_tenant(gateway, simulator):
    """Another tenant's same key is another call, seen by that tenant alone."""
    ours = gateway.call("rest", "acme", to("8102"), "shared-name")
    theirs = gateway.call("graphql", "globex", to("8102"), "shared-name")
    assert ours.call["id"] != theirs.call["id"]
    assert not theirs.replayed
    assert len(simulator.dials("2125558102")) == 2


@pytest.mark.parametrize("spelling", ["k-spelt", '"k-spelt"'])
def test_a_quoted_key_is_the_same_key(spelling, gateway):
    """A structured-field string or bare: one key."""
    first = gateway.call("rest", "globex", to("0204"), "k-spelt")
    again = gateway.call("rest", "globex", to("0204"), spelling)
    assert again.call == first.call


def test_the_input_field_wins_over_the_header(gateway):
    """`idempotencyKey` is the key; the header is only its default."""
    first = gateway.call("graphql", "globex", to("0204", idempotencyKey="in-the-field"), "in-the-header")
    assert gateway.call("rest", "globex", to("0204"), "in-the-field").call == first.call
    assert not gateway.call("rest", "globex", to("0204"), "in-the-header").replayed


@pytest.mark.parametrize("path", ["/v1/calls", "/graphql"])
def test_a_client_that_hangs_up_changes_nothing(path, held, gate):
    """The call goes on, is settled, and is found under its key through both doors."""
    body = to("8103" if path == "/graphql" else "8104")
    callee, key = body["callee"]["number"], f"gone{path}"
    sent = json.dumps(body if path == "/v1/calls" else {"query": MAKE_CALL, "variables": {"input": body}})
    host, port = held.url.removeprefix("http://").split(":")
    with gate.holding():
        with socket.create_connection((host, int(port))) as client:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api_key('acme')}\r\n"
                f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\n"
                f"Content-Length: {len(sent)}\r\n\r\n"
            )
            client.sendall((head + sent).encode())
            gate.await_dials(callee)
        # The client is gone; the call is not.
        assert held.call("rest", "acme", body, key).code == "CALL_IN_PROGRESS"
        assert held.calls("acme", status="IN_PROGRESS")[0]["calleeNumber"] == callee
    document = "query($k: String!) { callByIdempotencyKey(key: $k) { id status calleeNumber } }"
    found = until(
        lambda: (
            (call := held.query("acme", document, k=key)["callByIdempotencyKey"])["status"] == "REQUESTED"
            and call
        )
    )
    for door in DOORS:
        replay = held.call(door, "acme", body, key)
        assert replay.replayed
        assert replay.call["id"] == found["id"]
    assert gate.dials(callee) == 1


def test_the_key_is_required_where_it_is(door, gateway):
    """A tenant with `idempotency: required` calls with a key, and only so."""
    assert gateway.call(door, "strict", number()).code == "IDEMPOTENCY_KEY_MISSING"
    assert gateway.call(door, "strict", number(), f"now-{door}").call["status"] == "REQUESTED"
