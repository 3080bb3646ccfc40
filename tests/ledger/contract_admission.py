"""What every engine promises of admissions: keys, verdicts, quotas, charges; over any engine."""

import asyncio

from gateway.call import IN_PROGRESS
from gateway.ledger import Admitted, Exceeded, Known, Limit, Per, Refused, Scope
from tests.ledger.cases import ALL, AT_ONCE, HOURLY, WHOLE
from tests.ledger.world import Body, World


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
    """The call's id is the operation's: the same claim again has the same answer and no second charge,
    whether a second one would fit or not."""
    for key, most in ((None, 1), ("k", 1), (None, 9), ("k9", 9)):
        claim = world.claim(key=key, limits=(Limit(f"{most}-{key}", most, Per.DAY), AT_ONCE))
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


BODIES: tuple[Body, ...] = (
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
)
