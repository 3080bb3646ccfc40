"""What the books must say after a crash: the store's records and quotas against what the upstream took
down and what clients were told."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.crash.load import PASSING, STORE_AWAY, Heard, Wish
from tests.house import Answer, Gateway, until

LIMIT: Final = 1_000_000
QUOTAS: Final = [
    {"name": "daily", "limit": LIMIT, "per": "day"},
    {"name": "monthly", "limit": LIMIT, "per": "month", "scope": "user"},
    {"name": "at-once", "limit": LIMIT, "per": "concurrent"},
]
CHARGED: Final = frozenset({"REQUESTED", "UNKNOWN"})
STATUS_OF: Final = {
    "200": "REQUESTED",
    "204": "REQUESTED",
    "400": "REJECTED",
    "403": "REJECTED",
    "401": "NOT_PLACED",
    "402": "NOT_PLACED",
    None: "UNKNOWN",
}
"""What a record says of each code that the upstream told; UNKNOWN is allowed where nobody was told."""

RELEASED: Final = frozenset({"401", "402"})
"""Codes after which a key is free again, because nobody was rung."""

POLL_SECONDS: Final = 0.25

Dials = dict[str, list[str | None]]
"""Callee -> the codes that the upstream told, one for each request that it received whole."""


@dataclass
class Books:
    """One tenant's, at one moment."""

    records: dict[str, list[dict[str, Any]]]
    spent: dict[str, int]
    dials: Dials
    by_id: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_id = {record["id"]: record for found in self.records.values() for record in found}

    @property
    def charged(self) -> int:
        """How many records are charged."""
        return sum(record["status"] in CHARGED for record in self.by_id.values())


def read(gateway: Gateway, tenant: str, path: str, **query: str) -> dict[str, Any]:
    """What a reading request answers; a store that a busy machine keeps waiting is asked again."""

    def found() -> httpx.Response | None:
        answer = gateway.client.get(path, params=query, headers=gateway.headers(tenant))
        return None if answer.status_code == 503 else answer

    answer = until(found, every_seconds=POLL_SECONDS)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def await_outcomes(gateway: Gateway, tenant: str) -> None:
    """Until nothing is in progress, which takes a deadline on a store that others may share."""
    until(lambda: not read(gateway, tenant, "/v1/calls", status="IN_PROGRESS")["calls"], 30, POLL_SECONDS)


def read_books(gateway: Gateway, tenant: str, dials: Dials) -> Books:
    """Every record, newest first for each callee, and what is spent of each quota."""
    records: dict[str, list[dict[str, Any]]] = defaultdict(list)
    cursor: str | None = ""
    while cursor is not None:
        page = read(gateway, tenant, "/v1/calls", limit="100", **({"cursor": cursor} if cursor else {}))
        for record in page["calls"]:
            records[record["calleeNumber"]].append(record)
        cursor = page["nextCursor"]
    quotas = read(gateway, tenant, "/v1/quota")["quotas"]
    return Books(records, {quota["name"]: LIMIT - quota["remaining"] for quota in quotas}, dials)


def faults_of_quotas(books: Books) -> list[str]:
    """Each quota is spent by exactly the records that are charged, and no slot is held."""
    wanted = {"daily": books.charged, "monthly": books.charged, "at-once": 0}
    return [] if books.spent == wanted else [f"spent {books.spent}, wants {wanted}"]


def faults_of_calls(books: Books, heard: Iterable[Heard]) -> list[str]:
    """What the books say against each callee's calls."""
    tries: dict[Wish, list[Answer | None]] = defaultdict(list)
    for one in heard:
        tries[one.wish].append(one.answer)
    found = []
    for wish, answers in tries.items():
        records, dials = books.records.get(wish.callee, []), books.dials.get(wish.callee, [])
        faults = [*_of_records(records, dials, answers), *_of_answers(books, records, answers)]
        seen = f"{wish} heard {[a and (a.status, a.code) for a in answers]}"
        told = f"records {[record['status'] for record in records]}, dials {dials}: {seen}"
        found += [f"{fault}; {told}" for fault in faults]
    strangers = books.dials.keys() - {wish.callee for wish in tries}
    return found + [f"dialled, and nobody asked: {callee}" for callee in strangers]


def _of_records(
    records: Sequence[dict[str, Any]], dials: Sequence[str | None], answers: Sequence[Answer | None]
) -> list[str]:
    """Nothing is dialled twice or unrecorded, and no record tells what the upstream did not."""
    found = []
    if sum(code not in RELEASED for code in dials) > 1:
        found.append("dialled twice")
    if len(dials) > len(records):
        found.append("a dial without a record")
    told = Counter(STATUS_OF[code] for code in dials)
    kept = Counter(record["status"] for record in records)
    if kept["IN_PROGRESS"]:
        found.append("still in progress")
    if kept["REQUESTED"] > told["REQUESTED"] or kept["REJECTED"] > told["REJECTED"]:
        found.append("a record that the upstream never said")
    is_doubtful = None in answers or any(a and a.code in {"OUTCOME_UNKNOWN", STORE_AWAY} for a in answers)
    if kept["UNKNOWN"] and not is_doubtful:
        found.append("unknown, though everybody was answered")
    return found


def _of_answers(
    books: Books, records: Sequence[dict[str, Any]], answers: Sequence[Answer | None]
) -> list[str]:
    """Whoever was answered finds the same in the record."""
    found = []
    for answer in answers:
        if answer is None or answer.code in PASSING:
            continue
        if answer.call is not None:
            record = books.by_id.get(answer.call["id"])
            same = record and all(answer.call[name] == record[name] for name in ("status", "reference"))
            if not same:
                found.append(f"told {answer.call}, recorded {record}")
        elif answer.code not in {record["code"] for record in records}:
            found.append(f"told {answer.code}, recorded {[record['code'] for record in records]}")
    return found


def settled_answer(answers: Iterable[Answer | None]) -> Answer | None:
    """What a key's holder was told for good before the crash, if anything."""
    passing = PASSING | {"UPSTREAM_CREDENTIALS_REJECTED"}
    return next((a for a in answers if a is not None and a.code not in passing), None)


def is_same_answer(one: Answer, other: Answer) -> bool:
    """Whether two answers, of any doors, tell the same."""
    mine, yours = (a.call and (a.call["id"], a.call["status"], a.call["reference"]) for a in (one, other))
    return (one.code, one.call_state, mine) == (other.code, other.call_state, yours)
