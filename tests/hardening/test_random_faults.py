"""Thousands of calls through random faults, under a seed: whatever the order, the books agree."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.hardening.cases import BY_NAME, Case
from tests.hardening.plays import MARK, PLAYS
from tests.hardening.stage import Stage, body, callid, gateway_before, records, upstream_of
from tests.house import Answer, DoorName, Gateway, tenant

SEED = 20_261_123
CALLS = 2_000
LIMIT = 100_000
AT_ONCE = 24
RELEASED = {"UPSTREAM_CREDENTIALS_REJECTED", "UPSTREAM_ROLE_FORBIDS", "UPSTREAM_UNREACHABLE"}
REJECTED = {"INVALID_INPUT", "RATE_PLAN_FORBIDS"}
QUICK = tuple(
    case for name in PLAYS if not (case := BY_NAME[name]).answer.startswith("504") and ": late:" not in name
)


@dataclass(frozen=True)
class Step:
    """One call: what the upstream will do to it, and how often the client asks with the same key."""

    case: Case | None
    door: DoorName
    callee: str
    key: str | None
    tries: int


def steps() -> list[Step]:
    chance = random.Random(SEED)
    found = []
    for number in range(CALLS):
        case = None if chance.random() < 0.4 else chance.choice(QUICK)
        key = f"key-{number}" if chance.random() < 0.6 else None
        tries = 1 if key is None else chance.choice((1, 1, 2, 3))
        door: DoorName = "rest" if chance.random() < 0.7 else "graphql"
        found.append(Step(case, door, f"8{number:06d}", key, tries))
    return found


def perform(gateway: Gateway, step: Step) -> list[Answer]:
    """Each try through the other door than the last: the key is shared by both."""
    doors: tuple[DoorName, DoorName] = ("rest", "graphql") if step.door == "rest" else ("graphql", "rest")
    return [
        gateway.call(doors[number % 2], "acme", body(step.callee), step.key) for number in range(step.tries)
    ]


def fault_of(step: Step, answers: list[Answer], status: str, dials: int) -> str | None:
    """What the books say against one step."""
    seen = f"{step.callee} {step.case and step.case.name} {[a.code for a in answers]} {status} {dials}"
    first = answers[0]
    if any(MARK in answer.http.text for answer in answers):
        return f"foreign bytes: {seen}"
    if any(answer.code == "INTERNAL" for answer in answers):
        return f"a defect: {seen}"
    is_released = first.code in RELEASED
    if dials > (len(answers) if is_released else 1):
        return f"dialled again: {seen}"
    last = answers[-1]
    expected = {None: "REQUESTED", "OUTCOME_UNKNOWN": "UNKNOWN"}.get(last.code)
    if expected is None:
        expected = "REJECTED" if last.code in REJECTED else "NOT_PLACED"
    if status != expected:
        return f"record and answer differ: {seen}"
    own = {None, callid(step.callee)}
    if last.call is not None and (last.call["reference"] or {}).get("callId") not in own:
        return f"another call's reference: {seen}"
    if not is_released and any(not answer.replayed for answer in answers[1:]):
        return f"not replayed: {seen}"
    return None


def test_thousands_of_random_faults_leave_the_books_in_agreement(tmp_path):
    """No second dial, no foreign byte, no answer against its record, and a quota exact to the unit."""
    stage, planned = Stage(), steps()
    stage.plays = {step.callee: PLAYS[step.case.name] for step in planned if step.case is not None}
    quotas = [
        {"name": "daily", "limit": LIMIT, "per": "day"},
        {"name": "at-once", "limit": 100, "per": "concurrent"},
    ]
    tenants = {"acme": tenant("acme", quotas=quotas)}
    with upstream_of(stage, None) as upstream:
        url = f"http://127.0.0.1:{upstream.port}"
        with gateway_before(tmp_path / "gateway", url, None, tenants=tenants) as gateway:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                answered = list(pool.map(lambda step: perform(gateway, step), planned))
            recorded, dials = records(gateway), Counter(stage.dials)
            found = [
                fault
                for step, answers in zip(planned, answered, strict=True)
                if (fault := fault_of(step, answers, recorded[step.callee]["status"], dials[step.callee]))
            ]
            assert not found, "\n".join(found[:20])
            quota = gateway.client.get("/v1/quota", headers=gateway.headers("acme")).json()["quotas"]
            charged = sum(call["status"] in {"REQUESTED", "UNKNOWN"} for call in recorded.values())
            assert LIMIT - quota[0]["remaining"] == charged
            assert quota[1]["inUse"] == 0
            assert gateway.metric("gateway_upstream_connections", state="active") == 0
