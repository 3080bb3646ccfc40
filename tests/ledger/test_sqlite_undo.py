"""Undoing an admission that nobody heard of, step by step inside transactions of a store in memory."""

import pytest

from gateway.call import Outcome
from gateway.ledger import Admitted
from gateway.ledger.sqlite import decide
from gateway.ledger.sqlite.books import Books
from gateway.ledger.sqlite.file import connect
from gateway.ledger.sqlite.settle import Retention, settle, undo
from tests.ledger.cases import ALL, NOT_PLACED, UNKNOWN, WHOLE
from tests.ledger.world import Clock, World

NOW_US = Clock().now_us
PLAN = decide.Plans().of(ALL)
RETENTION = Retention(10**12, 10**13)


@pytest.fixture
def books():
    connection = connect(None, serving=True)
    found = Books(connection)
    found.begin(is_careful=True)
    yield found
    connection.close()


def committed(books: Books) -> None:
    books.write()
    books.begin(is_careful=True)


def admitted(books: Books, key: str = "k"):
    claim = World(None, tenant="acme").claim(key=key, limits=ALL)
    decision = decide.admit(books, claim, PLAN, decide.keys_of(PLAN, claim), NOW_US)
    assert isinstance(decision, Admitted)
    committed(books)
    return decision.record


def remaining(books: Books) -> list[int | None]:
    told = decide.states(books, PLAN, "acme", "key:crm", "100", NOW_US)
    return [state.remaining for state in told]


def test_an_undone_admission_leaves_nothing(books):
    """Counters and slot are given back, the record is gone and its key is free, also after a commit."""
    first, second = admitted(books), admitted(books, "other")
    assert remaining(books) == [1, 3, 2]
    undo(books, first.call_id, NOW_US)
    assert remaining(books) == [2, 4, 3]
    committed(books)
    assert remaining(books) == [2, 4, 3]
    assert books.find(first.call_id, NOW_US) is None
    assert books.find(second.call_id, NOW_US) is not None
    assert books.find_by_key("acme", "k", NOW_US) is None


def test_undoing_twice_or_what_never_was_changes_nothing(books):
    """Each admission is refunded once."""
    admitted(books, "other")
    first = admitted(books)
    for call_id in (first.call_id, first.call_id, "nobody"):
        undo(books, call_id, NOW_US)
        committed(books)
    assert remaining(books) == [2, 4, 3]


@pytest.mark.parametrize("outcome", [WHOLE, UNKNOWN, NOT_PLACED], ids=lambda outcome: outcome.status.name)
def test_what_is_settled_is_not_undone(books, outcome: Outcome):
    """The outcome stands, with its record and what it cost."""
    record = admitted(books)
    settle(books, RETENTION, "acme", record.call_id, outcome, 1, PLAN, NOW_US)
    committed(books)
    before = remaining(books)
    undo(books, record.call_id, NOW_US)
    committed(books)
    assert remaining(books) == before
    row = books.find(record.call_id, NOW_US)
    assert row is not None
    assert row.record.outcome == outcome
