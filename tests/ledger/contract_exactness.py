"""Every kind and scope of quota admits exactly its limit, however many ask at once; over any engine."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from gateway.ledger import Admitted, Exceeded, Limit, Per, Scope
from tests.ledger.cases import REJECTED
from tests.ledger.world import Body, World

ASKING = 1000
FIT = 50
LARGEST = 2_147_483_647


def _of(per: Per, scope: Scope) -> Callable[[World], Awaitable[None]]:
    # A bucket refills as slowly as it can: the burst is what is counted.
    limit = Limit("q", FIT, per, scope)
    if per in {Per.SECOND, Per.MINUTE, Per.HOUR}:
        limit = Limit("q", 1, per, scope, burst=FIT)

    async def admits_exactly_its_limit(world: World) -> None:
        """Of 1000 concurrent askers the limit's number is admitted, and refusals spend nothing."""
        other = Limit("other", ASKING, Per.DAY)
        asked = [
            world.admit(subject=f"u{n % 2}", callee=f"{n % 2}", limits=(other, limit)) for n in range(ASKING)
        ]
        decisions = await asyncio.gather(*asked)
        admitted = [d for d in decisions if isinstance(d, Admitted)]
        refused = [d for d in decisions if isinstance(d, Exceeded)]
        askers = 1 if scope is Scope.TENANT else 2
        # A second's bucket refills one a second while a real clock runs.
        slack = 0 if world.clock is not None or per is not Per.SECOND else 10 * askers
        assert FIT * askers <= len(admitted) <= FIT * askers + slack
        assert len(admitted) + len(refused) == ASKING
        assert {d.violated for d in refused} == {("q",)}
        by_subject = Counter(d.record.subject for d in admitted)
        if scope is not Scope.TENANT:
            assert all(FIT <= by_subject[u] <= FIT + slack for u in ("u0", "u1"))
        assert await world.remaining(other) == [ASKING - len(admitted)]
        record = admitted[-1].record
        await world.settle(record, REJECTED, (other, limit))
        about = {"subject": record.subject, "callee": record.callee_number, "limits": (other, limit)}
        assert isinstance(await world.admit(**about), Admitted)
        if world.clock is not None:
            assert isinstance(await world.admit(**about), Exceeded)

    admits_exactly_its_limit.__name__ = f"{scope}_quota_per_{per}_admits_exactly_its_limit"
    return admits_exactly_its_limit


async def the_largest_quota_counts_exactly(world: World) -> None:
    """A day's, a month's and a concurrent quota of two thousand million: spent, told and given back."""
    limits = tuple(Limit(per.value, LARGEST, per) for per in (Per.DAY, Per.MONTH, Per.CONCURRENT))
    admitted = await world.admit(limits=limits)
    assert isinstance(admitted, Admitted)
    assert [await world.remaining(limit) for limit in limits] == [[LARGEST - 1]] * 3
    await world.settle(admitted.record, REJECTED, limits)
    assert [await world.remaining(limit) for limit in limits] == [[LARGEST]] * 3


BODIES: tuple[Body, ...] = (
    *(_of(per, scope) for per in Per for scope in Scope),
    the_largest_quota_counts_exactly,
)
