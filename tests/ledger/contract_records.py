"""What every engine promises of records: verdicts, listings, what is told; over any engine."""

import pytest

from gateway.call import Outcome, Reference, Status, not_placed, rejected, requested, unknown
from gateway.errors import Code
from gateway.ledger import BadCursor, Known, Limit, Per, Scope
from tests.ledger.cases import ALL, NOT_PLACED, REJECTED, UNKNOWN, WHOLE
from tests.ledger.world import DAY_US, DEADLINE_US, Body, World


async def outcomes_are_kept_whole(world: World) -> None:
    """Every part of an outcome is read back as it was written, literal text and huge numbers too."""
    outcomes = (
        WHOLE,
        requested(None),
        requested(Reference(None, "a", None)),
        requested(Reference(2**80, 'quote " and \\', "1e5")),
        Outcome(Status.REQUESTED, 202, reference=Reference(None, None, None)),
        rejected(Code.RATE_PLAN_FORBIDS, "legacy_403"),
        rejected(Code.INVALID_INPUT, "legacy_400", ("/callee/number", "/billing/card")),
        not_placed(Code.UPSTREAM_CREDENTIALS_REJECTED, "legacy_401"),
        unknown("bad_json"),
        UNKNOWN,
    )
    for outcome in outcomes:
        record = await world.admitted()
        await world.settle(record, outcome)
        found = await world.ledger.find(world.tenant, record.call_id)
        assert found is not None
        assert found.outcome == outcome


async def an_operator_resolves_an_unknown_record(world: World) -> None:
    """Requested keeps the charge and the key; not placed gives both back, once."""
    records = [await world.admitted(key=f"k-{n}", limits=ALL) for n in range(2)]
    for record in records:
        await world.settle(record, UNKNOWN, ALL)
    kept = await world.ledger.resolve(records[0].call_id, requested(None))
    assert kept is not None
    assert kept.record.outcome == requested(None)
    assert await world.remaining(*ALL) == [1, 3, 4]
    replay = await world.admit(key="k-0", limits=ALL)
    assert isinstance(replay, Known)
    assert replay.record == kept.record

    freed = await world.ledger.resolve(records[1].call_id, NOT_PLACED)
    assert freed is not None
    assert freed.record.outcome == NOT_PLACED
    assert await world.remaining(*ALL) == [2, 4, 4]
    assert await world.ledger.find_by_key(world.tenant, "k-1") is None
    assert await world.ledger.resolve(records[1].call_id, NOT_PLACED) is None
    assert await world.remaining(*ALL) == [2, 4, 4]


async def only_unknown_records_can_be_resolved(world: World) -> None:
    """Neither a record in progress, nor a settled one, nor one that does not exist has a verdict."""
    record = await world.admitted(limits=ALL)
    assert await world.ledger.resolve(record.call_id, NOT_PLACED) is None
    await world.settle(record, WHOLE, ALL)
    assert await world.ledger.resolve(record.call_id, NOT_PLACED) is None
    assert await world.ledger.resolve("no-such-call", NOT_PLACED) is None
    found = await world.ledger.find(world.tenant, record.call_id)
    assert found is not None
    assert found.outcome == WHOLE


async def a_verdict_stands_against_a_late_settlement(world: World) -> None:
    """What an operator resolved is not changed by a settlement that comes after."""
    record = await world.admitted(limits=ALL)
    await world.settle(record, UNKNOWN, ALL)
    verdict = await world.ledger.resolve(record.call_id, requested(None))
    assert verdict is not None
    late = await world.settle(record, NOT_PLACED, ALL)
    assert (late.record, late.quotas) == (verdict.record, None)


async def listing_is_newest_first_in_pages(world: World) -> None:
    """Pages follow one another without a gap or a repeat, and the last has no cursor."""
    made = [await world.admitted(callee=str(n)) for n in range(7)]
    await world.admitted(tenant=f"{world.tenant}-other")
    seen, cursor, sizes = [], None, []
    while True:
        page = await world.ledger.list(world.tenant, status=None, limit=3, cursor=cursor)
        seen += page.records
        sizes.append(len(page.records))
        cursor = page.next_cursor
        if cursor is None:
            break
        await world.admitted(callee="meanwhile")
    assert seen == made[::-1]
    assert sizes == [3, 3, 1]
    exact = await world.ledger.list(f"{world.tenant}-other", status=None, limit=1, cursor=None)
    assert (len(exact.records), exact.next_cursor) == (1, None)


async def listing_filters_by_status(world: World) -> None:
    """Each status lists its own records, with its own pages."""
    made = {}
    for outcome in (WHOLE, REJECTED, NOT_PLACED, UNKNOWN, WHOLE, UNKNOWN):
        record = await world.admitted()
        settled = (await world.settle(record, outcome)).record
        made.setdefault(outcome.status, []).insert(0, settled)
    made[Status.IN_PROGRESS] = [await world.admitted()]
    for status in Status:
        first = await world.ledger.list(world.tenant, status=status, limit=1, cursor=None)
        records = list(first.records)
        if first.next_cursor is not None:
            rest = await world.ledger.list(world.tenant, status=status, limit=9, cursor=first.next_cursor)
            assert rest.next_cursor is None
            records += rest.records
        assert records == made[status], status


async def listing_without_a_tenant_is_everyone(world: World) -> None:
    """An operator sees the records of all tenants, newest first, from a moment on if asked."""
    other = f"{world.tenant}-other"
    made = [await world.admitted(tenant=tenant) for tenant in (world.tenant, other, world.tenant)]
    page = await world.ledger.list(None, status=None, limit=3, cursor=None)
    assert list(page.records) == made[::-1]
    for record in made[:2]:
        await world.settle(record, UNKNOWN)
    unknowns = await world.ledger.list(None, status=Status.UNKNOWN, limit=2, cursor=None)
    assert [record.call_id for record in unknowns.records] == [made[1].call_id, made[0].call_id]
    since = made[0].requested_at_us + DAY_US
    later = await world.ledger.list(world.tenant, status=None, limit=9, cursor=None, since_us=since)
    assert later.records == ()
    here = await world.ledger.list(
        world.tenant, status=None, limit=9, cursor=None, since_us=made[0].requested_at_us
    )
    assert here.records == (made[2], (await world.ledger.find(world.tenant, made[0].call_id)))


async def every_record_has_its_cursor(world: World) -> None:
    """The cursor after any record continues right behind it, and changes with no later admission."""
    made = [await world.admitted() for _ in range(4)]
    page = await world.ledger.list(world.tenant, status=None, limit=9, cursor=None)
    assert len(page.cursors) == 4
    await world.admitted()
    for place, cursor in enumerate(page.cursors, start=1):
        rest = await world.ledger.list(world.tenant, status=None, limit=9, cursor=cursor)
        assert list(rest.records) == made[::-1][place:]


async def a_foreign_cursor_is_refused(world: World) -> None:
    """Only a cursor that this ledger gave is taken; nothing else passes, however alike."""
    for _ in range(2):
        await world.admitted()
    page = await world.ledger.list(world.tenant, status=None, limit=1, cursor=None)
    cursor = page.next_cursor
    assert cursor is not None
    swapped = cursor.swapcase()
    for text in (
        "",
        "x",
        "0",
        "-1",
        "null",
        cursor[:-1],
        cursor + "A",
        cursor + "=",
        f" {cursor}",
        swapped,
        f"{cursor}\n",
        "\u0663" * len(cursor),
        "A" * len(cursor),
        "../../etc",
        "\ud800",
        "\x00",
    ):
        with pytest.raises(BadCursor):
            await world.ledger.list(world.tenant, status=None, limit=1, cursor=text)


async def peeking_spends_nothing(world: World) -> None:
    """The states are told as the asker stands, null for callee scopes."""
    callee = Limit("same-callee", 3, Per.HOUR, Scope.CALLEE)
    user = Limit("agent", 2, Per.MINUTE, Scope.USER)
    await world.admitted(limits=(*ALL, callee))
    for _ in range(3):
        states = await world.ledger.peek(world.tenant, "key:crm", (*ALL, callee, user))
        assert [state.remaining for state in states] == [2, 4, 3, None, 2]
        assert [state.in_use for state in states] == [None, None, 1, None, None]
        assert states[2].reset_seconds is states[3].reset_seconds is None
        assert states[4].reset_seconds == 0
    assert await world.ledger.peek(world.tenant, "key:crm", ()) == ()


async def a_deadline_ahead_is_not_recovered(world: World) -> None:
    """Recovering leaves a record alone that is in progress within its deadline."""
    record = await world.admitted(limits=ALL, deadline_us=DEADLINE_US)
    await world.ledger.recover()
    assert await world.ledger.find(world.tenant, record.call_id) == record


BODIES: tuple[Body, ...] = (
    outcomes_are_kept_whole,
    an_operator_resolves_an_unknown_record,
    only_unknown_records_can_be_resolved,
    a_verdict_stands_against_a_late_settlement,
    listing_is_newest_first_in_pages,
    listing_filters_by_status,
    listing_without_a_tenant_is_everyone,
    every_record_has_its_cursor,
    a_foreign_cursor_is_refused,
    peeking_spends_nothing,
    a_deadline_ahead_is_not_recovered,
)
