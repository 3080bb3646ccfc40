"""What every engine of the ledger's port promises, time aside: bodies that run over any engine.

Each body gets an open ledger and a tenant of its own. Buckets are per hour here, so that a real
clock refills nothing meanwhile. `UNTIMED` at the end lists the bodies; the ones that move the clock
are in `contract_timed`.
"""

import asyncio

from gateway.call import IN_PROGRESS, Outcome, Reference, Status, not_placed, rejected, requested, unknown
from gateway.errors import Code
from gateway.ledger import Admitted, Exceeded, Known, Limit, Per, Refused, Scope
from tests.ledger.world import DAY_US, DEADLINE_US, Body, World

HOURLY = Limit("hourly", 3, Per.HOUR)
DAILY = Limit("daily", 5, Per.DAY, time_zone="Europe/Kyiv")
AT_ONCE = Limit("at-once", 4, Per.CONCURRENT)
ALL = (HOURLY, DAILY, AT_ONCE)

WHOLE = requested(Reference(1, "asterisk01", "1234567890.123456"))
REJECTED = rejected(Code.INVALID_INPUT, "legacy_400", ("/callee/number",))
NOT_PLACED = not_placed(Code.UPSTREAM_UNREACHABLE, "connect_error")
UNKNOWN = unknown("answer_timeout", 504)


async def admitted_call_is_recorded_in_progress(world: World) -> None:
    """An admitted call has its record, in progress, with all that the claim said."""
    claim = world.claim(
        key="k-1", client_reference="\u0437\u0430\u043c. 7", limits=ALL, callee="+380441234567"
    )
    decision = await world.ledger.admit(claim)
    assert isinstance(decision, Admitted)
    record = decision.record
    assert (record.call_id, record.tenant, record.outcome) == (claim.call_id, world.tenant, IN_PROGRESS)
    assert (record.caller_number, record.callee_number) == ("101", "+380441234567")
    assert (record.subject, record.key) == ("key:crm", "k-1")
    assert record.client_reference == "\u0437\u0430\u043c. 7"
    assert record.settled_at_us is None
    if world.clock is not None:
        assert record.requested_at_us == world.clock.now_us
    assert await world.ledger.find(world.tenant, claim.call_id) == record
    assert await world.ledger.find_by_key(world.tenant, "k-1") == record


async def states_after_admission_are_told_in_order(world: World) -> None:
    """The quota states stand as they are after the decision, in the order of the limits."""
    decision = await world.admit(limits=ALL)
    assert [state.limit for state in decision.quotas] == list(ALL)
    assert [state.remaining for state in decision.quotas] == [2, 4, 3]
    assert [state.in_use for state in decision.quotas] == [None, None, 1]
    hourly, daily, at_once = (state.reset_seconds for state in decision.quotas)
    assert at_once is None
    assert hourly is not None
    assert 0 < hourly <= 1200
    assert daily is not None
    assert 0 < daily <= 25 * 3600


async def a_tenant_without_limits_is_unlimited(world: World) -> None:
    """Without limits everything is admitted and no state is told."""
    decisions = await asyncio.gather(*(world.admit() for _ in range(20)))
    assert all(isinstance(decision, Admitted) and decision.quotas == () for decision in decisions)


async def a_known_key_replays_and_spends_nothing(world: World) -> None:
    """The same key finds the first record, says whether the input is the same, and changes nothing."""
    first = await world.admitted(key="k", limits=ALL)
    same = await world.admit(key="k", limits=ALL)
    assert isinstance(same, Known)
    assert (same.record, same.is_same_input) == (first, True)
    assert [state.remaining for state in same.quotas] == [2, 4, 3]
    other = await world.admit(key="k", says="another input", limits=ALL)
    assert isinstance(other, Known)
    assert (other.record, other.is_same_input) == (first, False)
    assert await world.remaining(*ALL) == [2, 4, 3]
    page = await world.ledger.list(world.tenant, status=None, limit=10, cursor=None)
    assert page.records == (first,)


async def a_known_key_replays_where_the_quota_is_spent(world: World) -> None:
    """The lookup comes before the quotas: a key that was admitted replays though nothing is left."""
    limit = Limit("one", 1, Per.DAY)
    first = await world.admitted(key="k", limits=(limit,))
    again = await world.admit(key="k", limits=(limit,))
    assert isinstance(again, Known)
    assert again.record == first


async def one_key_at_once_is_one_call(world: World) -> None:
    """Of 100 concurrent claims with one key exactly one is admitted; the rest are shown its record."""
    decisions = await asyncio.gather(*(world.admit(key="k", limits=ALL) for _ in range(100)))
    (admitted,) = (d for d in decisions if isinstance(d, Admitted))
    known = [d for d in decisions if isinstance(d, Known)]
    assert len(known) == 99
    assert {d.record.call_id for d in known} == {admitted.record.call_id}
    assert await world.remaining(*ALL) == [2, 4, 3]


async def a_key_belongs_to_its_tenant(world: World) -> None:
    """Another tenant's same key is another key, and its records can't be found."""
    mine = await world.admitted(key="k")
    stranger = f"{world.tenant}-other"
    theirs = await world.admitted(key="k", tenant=stranger)
    assert theirs.call_id != mine.call_id
    assert await world.ledger.find(stranger, mine.call_id) is None
    assert await world.ledger.find_by_key(stranger, "k") == theirs
    assert await world.ledger.find(world.tenant, "no-such-call") is None
    assert await world.ledger.find_by_key(world.tenant, "no-such-key") is None


async def a_refused_claim_writes_nothing(world: World) -> None:
    """A verdict handed in as refused spends nothing, claims no key and leaves no record."""
    decision = await world.admit(key="k", limits=ALL, is_refused=True)
    assert isinstance(decision, Refused)
    assert [state.remaining for state in decision.quotas] == [3, 5, 4]
    assert await world.ledger.find_by_key(world.tenant, "k") is None
    assert isinstance(await world.admit(key="k", limits=ALL), Admitted)


async def a_refused_claim_with_a_known_key_replays(world: World) -> None:
    """The lookup comes before the verdict."""
    first = await world.admitted(key="k")
    again = await world.admit(key="k", is_refused=True)
    assert isinstance(again, Known)
    assert again.record == first


async def an_exceeded_quota_spends_nothing_anywhere(world: World) -> None:
    """A refusal by some limits names them in order, spends on none, claims no key, leaves no record."""
    for _ in range(3):
        await world.admitted(limits=ALL)
    decision = await world.admit(key="k", limits=ALL)
    assert isinstance(decision, Exceeded)
    assert decision.violated == ("hourly",)
    assert 1 <= decision.retry_after_seconds <= 1200
    assert [state.remaining for state in decision.quotas] == [0, 2, 1]
    assert await world.remaining(*ALL) == [0, 2, 1]
    assert await world.ledger.find_by_key(world.tenant, "k") is None
    page = await world.ledger.list(world.tenant, status=None, limit=10, cursor=None)
    assert len(page.records) == 3


async def every_violated_quota_is_named(world: World) -> None:
    """All limits are judged, and the longest wait of the violated ones is told."""
    limits = (Limit("at-once", 1, Per.CONCURRENT), HOURLY, Limit("daily", 1, Per.DAY))
    await world.admitted(limits=limits)
    decision = await world.admit(limits=limits)
    assert isinstance(decision, Exceeded)
    assert decision.violated == ("at-once", "daily")
    daily = decision.quotas[2]
    assert daily.reset_seconds is not None
    assert abs(decision.retry_after_seconds - max(1, daily.reset_seconds)) <= 1
    only = await world.admit(limits=limits[:1])
    assert isinstance(only, Exceeded)
    assert only.retry_after_seconds == 1


async def users_and_callees_count_for_themselves(world: World) -> None:
    """A user's and a callee's quota is one counter each; a tenant's is one for all."""
    user = Limit("agent", 1, Per.HOUR, Scope.USER)
    callee = Limit("same-callee", 1, Per.DAY, Scope.CALLEE)
    await world.admitted(subject="a", callee="1", limits=(user, callee))
    for subject, number, violated in (
        ("a", "2", ("agent",)),
        ("b", "1", ("same-callee",)),
        ("a", "1", ("agent", "same-callee")),
    ):
        decision = await world.admit(subject=subject, callee=number, limits=(user, callee))
        assert isinstance(decision, Exceeded)
        assert decision.violated == violated
    await world.admitted(subject="b", callee="2", limits=(user, callee))
    await world.admitted(tenant=f"{world.tenant}-other", subject="a", callee="1", limits=(user, callee))


async def a_user_is_not_a_callee_of_the_same_name(world: World) -> None:
    """Counters of different scopes never meet, whatever the subjects are called."""
    await world.admitted(subject="100", callee="7", limits=(Limit("q", 1, Per.HOUR, Scope.USER),))
    await world.admitted(subject="7", callee="100", limits=(Limit("q", 1, Per.HOUR, Scope.CALLEE),))
    await world.admitted(limits=(Limit("q", 1, Per.HOUR),))


async def a_repeated_admit_charges_once(world: World) -> None:
    """The call's id is the operation's: the same claim again has the same answer and no second charge."""
    for key in (None, "k"):
        claim = world.claim(key=key, limits=(Limit(f"one-{key}", 1, Per.DAY), AT_ONCE))
        first = await world.ledger.admit(claim)
        assert isinstance(first, Admitted)
        again = await world.ledger.admit(claim)
        assert isinstance(again, Admitted)
        assert again.record == first.record
        assert [s.remaining for s in again.quotas] == [s.remaining for s in first.quotas]
        await world.settle(first.record, WHOLE)
        late = await world.ledger.admit(claim)
        assert isinstance(late, Known), "what is settled must not be dialled again"
        assert late.record.outcome == WHOLE


async def the_first_settlement_stands(world: World) -> None:
    """Settling writes the outcome once; a later word changes neither record nor quota."""
    record = await world.admitted(key="k", limits=ALL)
    settlement = await world.settle(record, WHOLE, ALL, elapsed_us=1_234_567)
    assert settlement.quotas is None
    assert settlement.record.outcome == WHOLE
    assert settlement.record.settled_at_us == record.requested_at_us + 1_234_567
    for late in (NOT_PLACED, UNKNOWN, requested(None)):
        again = await world.settle(record, late, ALL, elapsed_us=9)
        assert again.record == settlement.record
        assert again.quotas is None
    assert await world.ledger.find(world.tenant, record.call_id) == settlement.record
    assert await world.ledger.find_by_key(world.tenant, "k") == settlement.record
    assert await world.remaining(*ALL) == [2, 4, 4]


async def requested_and_unknown_stay_charged(world: World) -> None:
    """What was or may have been placed keeps its charge and its key, but gives its slot back."""
    for number, outcome in enumerate((requested(None), UNKNOWN), start=1):
        record = await world.admitted(key=f"k-{number}", limits=ALL)
        assert (await world.settle(record, outcome, ALL)).quotas is None
        assert await world.remaining(*ALL) == [3 - number, 5 - number, 4]
        replay = await world.admit(key=f"k-{number}", limits=ALL)
        assert isinstance(replay, Known)
        assert replay.record.outcome == outcome


async def rejected_refunds_once_and_keeps_the_key(world: World) -> None:
    """What the upstream rejected costs nothing; its key replays the rejection."""
    record = await world.admitted(key="k", limits=ALL)
    settlement = await world.settle(record, REJECTED, ALL)
    assert settlement.quotas is not None
    assert [state.limit for state in settlement.quotas] == list(ALL)
    assert [state.remaining for state in settlement.quotas] == [3, 5, 4]
    await world.admitted(limits=ALL)
    assert (await world.settle(record, REJECTED, ALL)).quotas is None
    assert await world.remaining(*ALL) == [2, 4, 3]
    replay = await world.admit(key="k", limits=ALL)
    assert isinstance(replay, Known)
    assert replay.record == settlement.record


async def not_placed_refunds_once_and_releases_the_key(world: World) -> None:
    """What was not placed costs nothing, its key is free for a first try, its record can be read."""
    record = await world.admitted(key="k", limits=ALL)
    settlement = await world.settle(record, NOT_PLACED, ALL)
    assert settlement.quotas is not None
    assert [state.remaining for state in settlement.quotas] == [3, 5, 4]
    assert await world.ledger.find_by_key(world.tenant, "k") is None
    retry = await world.admitted(key="k", says="even another input", limits=ALL)
    assert (await world.settle(record, NOT_PLACED, ALL)).quotas is None
    assert await world.ledger.find_by_key(world.tenant, "k") == retry
    assert await world.ledger.find(world.tenant, record.call_id) == settlement.record
    assert await world.remaining(*ALL) == [2, 4, 3]


async def settlements_at_once_refund_once(world: World) -> None:
    """Twenty concurrent settlements of one call give back one charge, and one of them says so."""
    await world.admitted(limits=ALL)
    record = await world.admitted(limits=ALL)
    settlements = await asyncio.gather(*(world.settle(record, NOT_PLACED, ALL) for _ in range(20)))
    assert sum(settlement.quotas is not None for settlement in settlements) == 1
    assert await world.remaining(*ALL) == [2, 4, 3]


async def refunds_go_where_the_charge_was(world: World) -> None:
    """Each scope's counter gets back what that call took, and only that one."""
    limits = (Limit("agent", 2, Per.HOUR, Scope.USER), Limit("callee", 2, Per.DAY, Scope.CALLEE))
    await world.admitted(subject="a", callee="1", limits=limits)
    record = await world.admitted(subject="a", callee="1", limits=limits)
    await world.admitted(subject="b", callee="2", limits=limits)
    settlement = await world.settle(record, REJECTED, limits)
    assert settlement.quotas is not None
    assert [state.remaining for state in settlement.quotas] == [1, 1]
    other = await world.admit(subject="b", callee="2", limits=limits)
    assert [state.remaining for state in other.quotas] == [0, 0]


async def a_refund_outlives_a_change_of_limits(world: World) -> None:
    """What was charged is given back though the tenant's limits are others by now."""
    old = Limit("hourly", 3, Per.HOUR)
    record = await world.admitted(limits=(old, DAILY))
    settlement = await world.settle(record, NOT_PLACED, (AT_ONCE,))
    assert settlement.quotas is not None
    assert [state.limit for state in settlement.quotas] == [AT_ONCE]
    assert await world.remaining(old, DAILY) == [3, 5]


async def every_outcome_gives_the_slot_back(world: World) -> None:
    """A concurrent quota counts from admission to settlement, whatever the outcome."""
    limit = Limit("at-once", 1, Per.CONCURRENT)
    for outcome in (WHOLE, REJECTED, NOT_PLACED, UNKNOWN):
        record = await world.admitted(limits=(limit,))
        assert isinstance(await world.admit(limits=(limit,)), Exceeded)
        await world.settle(record, outcome, (limit,))
    (state,) = await world.ledger.peek(world.tenant, "key:crm", (limit,))
    assert (state.remaining, state.in_use, state.reset_seconds) == (1, 0, None)


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


UNTIMED: tuple[Body, ...] = (
    admitted_call_is_recorded_in_progress,
    states_after_admission_are_told_in_order,
    a_tenant_without_limits_is_unlimited,
    a_known_key_replays_and_spends_nothing,
    a_known_key_replays_where_the_quota_is_spent,
    one_key_at_once_is_one_call,
    a_key_belongs_to_its_tenant,
    a_refused_claim_writes_nothing,
    a_refused_claim_with_a_known_key_replays,
    an_exceeded_quota_spends_nothing_anywhere,
    every_violated_quota_is_named,
    users_and_callees_count_for_themselves,
    a_user_is_not_a_callee_of_the_same_name,
    a_repeated_admit_charges_once,
    the_first_settlement_stands,
    requested_and_unknown_stay_charged,
    rejected_refunds_once_and_keeps_the_key,
    not_placed_refunds_once_and_releases_the_key,
    settlements_at_once_refund_once,
    refunds_go_where_the_charge_was,
    a_refund_outlives_a_change_of_limits,
    every_outcome_gives_the_slot_back,
    outcomes_are_kept_whole,
    an_operator_resolves_an_unknown_record,
    only_unknown_records_can_be_resolved,
    a_verdict_stands_against_a_late_settlement,
    listing_is_newest_first_in_pages,
    listing_filters_by_status,
    listing_without_a_tenant_is_everyone,
    peeking_spends_nothing,
    a_deadline_ahead_is_not_recovered,
)
