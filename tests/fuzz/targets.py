"""What is fuzzed: each target takes any bytes and holds a promise about them, and raises where it breaks."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import fields
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.call import PARAMETERS, CallRequest, Status, read_call
from gateway.call.kinds import Choice
from gateway.doors.graphql import GraphqlDoor
from gateway.doors.json_body import BadJson, decode
from gateway.legacy import parameters_text, read_answer
from gateway.policy import BadPattern, Patterns
from gateway.records import Records
from tests.graphql.harness import arrival_of
from tests.graphql.stubs import Desk, Shelf, in_force

HTTP_STATUSES: Final = (200, 200, 200, 201, 202, 204, 206, 299, 301, 304, 400, 401, 402, 403, 404, 500, 503)
REQUESTED_CODES: Final = frozenset({"200", "204"})
_LEGACY: Final = {parameter.legacy for parameter in PARAMETERS if parameter.legacy}
_POINTERS: Final = {parameter.pointer for parameter in PARAMETERS}


def answer(data: bytes) -> None:
    """The answer reader: total, and never *requested* unless the body or an empty 204 says so."""
    switches, body = (data[:2] + b"\x00\x00")[:2], data[2:]
    status = HTTP_STATUSES[switches[0] % len(HTTP_STATUSES)]
    is_framed, is_encoded, is_pinned = (bool(switches[1] & bit) for bit in (1, 2, 4))
    read = read_answer(status, body, is_framed=not is_framed, is_encoded=is_encoded, is_pinned=is_pinned)
    outcome = read.outcome
    if outcome.status is Status.REQUESTED:
        says_nothing = status == 204 and (not body or is_framed)
        assert says_nothing or read.legacy_code in REQUESTED_CODES
        assert not is_encoded
        assert 200 <= status < 300
    if status >= 300 and read.legacy_code != str(status):
        assert outcome.status is Status.UNKNOWN
    if outcome.reference is not None:
        texts = (outcome.reference.server, outcome.reference.call_id)
        assert all(text is None or (text.isascii() and text.isprintable()) for text in texts)
    assert set(outcome.pointers) <= _POINTERS - ({"/billing/customerId"} if is_pinned else set())


def query(data: bytes) -> None:
    """Validation and the query builder: what is sent says the call exactly, and nothing more."""
    try:
        tree = decode(data)
    except BadJson:
        return
    call = read_call(tree, callee_types=("phone", "a;b=c&d"))
    if not isinstance(call, CallRequest):
        assert call
        assert all(problem.pointer == "" or problem.pointer.startswith("/") for problem in call)
        json.dumps([problem.pointer for problem in call]).encode()
        return
    for joint in ";&":
        text = parameters_text(call, None, joint)
        pairs = [part.partition("=")[::2] for part in text.split(joint)]
        assert len({name for name, _ in pairs}) == len(pairs)
        sent = {name: unquote_to_bytes(value).decode() for name, value in pairs}
        assert sent.keys() <= _LEGACY
        assert text.isascii()
        assert not set(text) - set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%=" + joint
        )
        _assert_says(sent, call)
        assert parameters_text(call, 42, joint).count("customer=42") == 1
    assert call.fingerprint() == CallRequest(*(getattr(call, f.name) for f in fields(call))).fingerprint()


def _assert_says(sent: dict[str, str], call: CallRequest) -> None:
    for parameter in PARAMETERS:
        if parameter.legacy is None:
            continue
        value = getattr(call, parameter.field)
        if parameter.legacy not in sent:
            assert value == parameter.default
            continue
        if isinstance(parameter.kind, Choice):
            value = None if value is None else dict(parameter.kind.legacy_of)[value]
        expected = "" if value is None else str(int(value)) if isinstance(value, bool) else str(value)
        assert sent[parameter.legacy] == expected


def policy(data: bytes) -> None:
    """The pattern matcher, against the plainest model of the contract's words."""
    text, _, rest = data.decode("latin-1").partition("\n")
    patterns = rest.split("\n")[:20]
    try:
        matcher = Patterns(patterns, "")
    except BadPattern:
        return
    best = -1
    for pattern in patterns:
        is_prefix = pattern.endswith("*") and not pattern.endswith("\\*")
        literal = (pattern[:-1] if is_prefix else pattern).replace("\\*", "*")
        if text.startswith(literal) if is_prefix else text == literal:
            best = max(best, len(literal))
    assert matcher.best(text)[0] == best


_REJECTED: list[str] = []
_DESK, _SHELF = Desk(), Shelf()


def _door(*, introspection: bool) -> GraphqlDoor:
    return GraphqlDoor(
        in_force=in_force(_DESK, ()),
        records=Records(_SHELF.ledger),
        introspection=introspection,
        explorer_html=None,
        rejected=_REJECTED.append,
        auth_failed=lambda _reason: None,
    )


_DOORS: Final = (_door(introspection=False), _door(introspection=True))
_LOOP: Final = asyncio.new_event_loop()


def graphql(data: bytes) -> None:
    """The GraphQL edge: any body or document is answered, never by a 500, and asks for one call at most."""
    switches, body = (data[:1] + b"\x00")[0], data[1:]
    if switches & 2:
        body = json.dumps({"query": body.decode("utf-8", "replace")}).encode()
    accept = b"application/json" if switches & 4 else b"application/graphql-response+json"
    headers = [
        (b"authorization", b"Bearer good"),
        (b"content-type", b"application/json"),
        (b"accept", accept),
    ]
    scope = {"method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    asked = len(_DESK.asked)
    reply = _LOOP.run_until_complete(_DOORS[switches & 1](arrival_of(scope, receive)))
    told = json.loads(reply.body)
    assert reply.status < 500, told
    assert len(_DESK.asked) - asked <= 1
    assert "data" in told or told["errors"]
    _DESK.asked.clear()
    _REJECTED.clear()


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "answer": answer,
    "query": query,
    "policy": policy,
    "graphql": graphql,
}
