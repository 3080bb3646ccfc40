"""The short way against graphql-core's own: the same bytes, whatever is asked and whatever comes of it."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gateway.call import Outcome, Reference, Status, not_placed, rejected, requested, unknown
from gateway.doors.exchange import Arrival, Reply
from gateway.doors.graphql import GraphqlDoor
from gateway.doors.graphql.documents import Document, Documents
from gateway.doors.graphql.schema import executable
from gateway.errors import CallState, Code, Problem, refuse
from gateway.legacy import UpstreamRequest
from gateway.place_call import Asked, Refused, Requested, Result, Translated
from gateway.records import Records
from gateway.telemetry.accounts import TraceIds
from tests.graphql.conftest import INPUT
from tests.graphql.stubs import Desk, Shelf, Tokens, in_force, record
from tests.graphql.writing import Writer
from tests.house import MAKE_CALL

SCHEMA = executable()
TOKENS = Tokens()
OUTCOMES: list[Outcome] = [
    requested(None),
    requested(Reference(None, "asterisk01", None)),
    requested(Reference(2**40, "", "1.5")),  # no Int: graphql-core must tell it
    Outcome(Status.IN_PROGRESS, 409),
    unknown("answer_timeout"),
    not_placed(Code.UPSTREAM_UNREACHABLE),
    rejected(Code.INVALID_INPUT, "legacy_400", ("/callee/number",)),
]
NONE: Any = None
PROBLEMS = (Problem("/callee/number", Code.INVALID_INPUT, "is \ud800 wrong"), Problem("", Code.INTERNAL, ""))


@dataclass
class Side:
    """A door, and all it told."""

    max_plans: int
    desk: Desk = field(default_factory=Desk)
    shelf: Shelf = field(default_factory=Shelf)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.door = GraphqlDoor(
            in_force=in_force(self.desk, ("queue",), TOKENS),
            records=Records(self.shelf.ledger),
            introspection=True,
            explorer_html=None,
            rejected=self.told.append,
            auth_failed=self.told.append,
            max_plans=self.max_plans,
        )

    async def ask(self, body: bytes, headers: dict[bytes, bytes]) -> tuple[Reply, list[Asked], list[str]]:
        """The reply to a POST, and what the use case and the telemetry heard of it."""

        async def read() -> bytes:
            return body

        self.desk.asked.clear()
        self.told.clear()
        arrival = Arrival("POST", "/graphql", b"", "http", headers, frozenset(), "r-1", TraceIds(1, 2), read)
        reply = await self.door(arrival)
        return reply, list(self.desk.asked), list(self.told)


PLANNED, PLAIN = Side(8), Side(0)


def result_of(random: Random) -> Result:
    """Anything that a call may come to."""
    kept = replace(
        record(random.choice(OUTCOMES)),
        client_reference=random.choice([None, "order", "\ud800", "\N{SNOWMAN}"]),
    )
    what = random.randrange(4)
    if what == 0:
        return Requested(kept, is_replayed=random.random() < 0.5)
    if what == 1:
        query = random.choice([None, "a=b"])
        return Translated(UpstreamRequest("GET", "/calls/make/", query, None if query else "a=b"))
    refusal = refuse(
        random.choice(list(Code)),
        random.choice(["Words.", "\N{SNOWMAN}"]),
        problems=PROBLEMS[: random.randrange(3)],
        violated_policies=("daily", "burst")[: random.randrange(3)],
        retry_after_seconds=random.choice([None, 1, 2**31]),
    )
    if random.random() < 0.2:
        refusal = replace(refusal, call_state=CallState.UNKNOWN)
    return Refused(refusal, random.choice([None, kept]), is_replayed=random.random() < 0.2)


def input_of(random: Random) -> object:
    """A MakeCallInput: mostly right, in any order of its fields."""
    fields: dict[str, object] = {
        "callee": random.choice([{"number": "200"}, {"type": "none", "number": "2", "dialPlan": "AUTO"}]),
        "caller": random.choice([{"number": "100"}, {"number": "one", "type": "LINE"}, {"number": "one"}]),
    }
    fields |= random.choice([{}, {"waitSeconds": 5}, {"waitSeconds": 5.0}, {"waitSeconds": 2**31}])
    fields |= random.choice(
        [{}, {"idempotencyKey": "k-1"}, {"idempotencyKey": None}, {"clientReference": "\ud800"}]
    )
    fields |= random.choice(
        [{}, {"billing": None}, {"billing": {"customerId": 7, "card": "c 1"}}, {"dryRun": True}]
    )
    if random.random() < 0.1:
        fields |= random.choice([{"caller": None}, {"caller": {}}, {"callee": "2"}, {"x": 1}, {"dryRun": 1}])
        fields |= random.choice([{}, {"callee": {"number": 2}}, {"caller": {"number": "1", "type": "PHONE"}}])
    names = list(fields)
    random.shuffle(names)
    return {name: fields[name] for name in names}


def variables_of(random: Random, declared: dict[str, str]) -> dict[str, object]:
    """Values for the declared variables: mostly right, some left out, one that nobody declared."""
    choices: dict[str, list[object]] = {
        "n": ["100", "+1", 1, None],
        "t": ["NUMBER", "LINE", "PHONE", None],
        "dry": [True, False, None, "true"],
        "nullable": ["2", None],
        "id": ["0", "9", 1, "\ud800", None],
        "key": ["k", "none", "", None],
        "first": [1, 2, 0, None, "3", 2**31],
        "after": [None, "c1", "?", "\ud800"],
        "s": ["REQUESTED", "UNKNOWN", None, "NONE"],
        "input": [input_of(random)],
        "caller": [{"number": "1"}, {"type": "LINE", "number": "x"}, None],
    }
    values: dict[str, object] = {"undeclared": [{}]}
    for name in declared:
        given = choices.get(name, [True, False, False, True, None, 1])
        if random.random() < 0.9:
            values[name] = random.choice(given[: 1 + random.randrange(len(given))])
    return values


@settings(max_examples=100, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # a seed can't shrink
@given(st.integers(0, 2**32))
def test_both_ways_answer_alike(seed: int) -> None:
    """Documents of every shape, variables right and wrong, every result: the two ways can't be told apart."""
    asyncio.run(_compare(Random(seed)))


async def _compare(random: Random) -> None:
    writer = Writer(SCHEMA, random)
    document = writer.document()
    for _ in range(8):
        result, is_down = result_of(random), random.random() < 0.1
        failure = RuntimeError("a defect") if random.random() < 0.05 else None
        for side in (PLANNED, PLAIN):
            side.desk.answers = lambda _call, result=result: result  # type: ignore[misc]
            side.desk.failure = failure
            side.shelf.records = [replace(record(o, str(n), "k"), key="k") for n, o in enumerate(OUTCOMES)]
            side.shelf.is_down = is_down
        token = random.choice([b"good"] * 8 + [b"reader", b"maker", b"suspended", b"none"])
        headers = {b"authorization": b"Bearer " + token, b"content-type": b"application/json"}
        headers |= random.choice([{}, {b"accept": b"application/graphql-response+json"}])
        headers |= random.choice([{}, {b"idempotency-key": b'"0123"'}])
        variables = variables_of(random, writer.variables)
        body = json.dumps({"query": document, "variables": variables}).encode()
        assert await PLANNED.ask(body, headers) == await PLAIN.ask(body, headers)


GONE = refuse(Code.QUOTA_EXCEEDED, "Words.", violated_policies=("daily", "burst"), retry_after_seconds=1)


@pytest.mark.parametrize(
    "result",
    [
        Requested(replace(record(), call_id=NONE), is_replayed=False),
        Requested(replace(record(), client_reference=7), is_replayed=False),  # type: ignore[arg-type]
        Requested(record(), is_replayed=NONE),
        Requested(record(requested(Reference(2**31, "", "1.5"))), is_replayed=False),
        Refused(replace(GONE, detail=NONE)),
        Refused(replace(GONE, violated_policies=("daily", NONE))),
        Refused(replace(GONE, retry_after_seconds=2**31)),
        Refused(refuse(Code.INVALID_INPUT, "Words.", problems=(Problem(NONE, Code.INTERNAL, ""),))),
        Translated(UpstreamRequest("GET", NONE, None, None)),
    ],
)  # fmt: skip
def test_a_value_of_no_type_is_told_alike(result: Result) -> None:
    """A defect below the door nulls what is around it, as GraphQL says; the call is asked for once."""
    for side in (PLANNED, PLAIN):
        side.desk.__init__()  # type: ignore[misc]
        side.desk.answers = lambda _call: result
    body = json.dumps({"query": MAKE_CALL, "variables": PLAIN_CALL}).encode()
    headers = {b"authorization": b"Bearer good", b"content-type": b"application/json"}
    planned, plain = (asyncio.run(side.ask(body, headers)) for side in (PLANNED, PLAIN))
    assert planned == plain
    assert len(planned[1]) == 1


SMALL = "makeCall(input: $input) { __typename ... on CallRequested { call { id } } }"
SWITCHED = (
    "makeCall(input: $input) { __typename @skip(if: $a) ... on CallRequested @include(if: $b) { replayed } }"
)
NESTED = (
    "mutation ($n: String!) { makeCall(input: {caller: {number: $n}, callee: {number: $n}}) { __typename } }"
)
PAGED = "query ($first: Int = 20, $after: String) { calls(first: $first, after: $after) { nodes { id } } }"
PLAIN_CALL: dict[str, object] = {"input": INPUT | {"waitSeconds": 5, "idempotencyKey": "k"}}


@pytest.mark.parametrize(
    ("document", "variables", "is_planned"),
    [
        (MAKE_CALL, PLAIN_CALL, True),
        (f"mutation ($input: MakeCallInput!) {{ kind: __typename {SMALL} }}", PLAIN_CALL, True),
        (NESTED, {"n": "1"}, True),
        ("query ($id: ID!) { call(id: $id) { id } }", {"id": "1"}, True),
        (PAGED, {}, True),
        ("{ quota { name } }", {}, True),
        (MAKE_CALL, {"input": INPUT | {"waitSeconds": 5.0}}, False),
        (MAKE_CALL, {"input": INPUT | {"x": 5}}, False),
        (MAKE_CALL, {"input": {"caller": INPUT["caller"]}}, False),
        (MAKE_CALL, {}, False),
        ("{ __typename }", {}, False),
        ("{ __schema { queryType { name } } }", {}, False),
        ("{ quota { name } gateway { version } }", {}, False),
    ],
)  # fmt: skip
def test_what_clients_send_all_day_has_a_plan(
    document: str, variables: dict[str, Any], is_planned: bool
) -> None:
    """Or else the comparison above would compare graphql-core with itself."""
    found = Documents(SCHEMA, introspection=True).read(document)
    assert isinstance(found, Document)
    ready = found.operations[0].plans.ready(variables)
    assert (ready is not None) == is_planned


def test_plans_are_bounded() -> None:
    """Each setting of the switches has a plan of its own, up to a bound; nulls have none."""
    document = f"mutation ($input: MakeCallInput!, $a: Boolean!, $b: Boolean = true) {{ {SWITCHED} }}"
    found = Documents(SCHEMA, introspection=True, max_plans=2).read(document)
    assert isinstance(found, Document)
    plans = found.operations[0].plans
    first = plans.ready(PLAIN_CALL | {"a": True})
    assert first is not None
    assert plans.ready(PLAIN_CALL | {"a": True, "b": None}) is None
    assert plans.ready(PLAIN_CALL | {"a": False}) is not None
    assert plans.ready(PLAIN_CALL | {"a": True, "b": False}) is None
    again = plans.ready(PLAIN_CALL | {"a": True, "b": True})
    assert again is not None
    assert again[0] is first[0]


def test_what_a_document_compiles_to_is_bounded() -> None:
    """By its tokens: a fragment on the interface, for every type and setting, is not compiled without end."""
    fields = " ".join(f"a{n}: code" for n in range(14))
    switch = "__typename @skip(if: $a) @include(if: $b)"
    head = "mutation ($input: MakeCallInput!, $a: Boolean!, $b: Boolean!)"
    text = f"{head} {{ makeCall(input: $input) {{ {switch} ... on CallError {{ {fields} }} }} }}"
    found = Documents(SCHEMA, introspection=True).read(text)
    assert isinstance(found, Document)
    members = ("InvalidCallInput", "CallNotPermitted", "CallUpstreamRefused", "CallOutcomeUnknown")
    told: list[object] = []
    for setting in [{"a": a, "b": b} for a in (True, False) for b in (True, False)]:
        ready = found.operations[0].plans.ready(PLAIN_CALL | setting)
        assert ready is not None
        told += [ready[0].data({"__typename": member, "code": "INTERNAL"}) for member in members]
    assert None not in told[:8]
    assert told[-1] is None
