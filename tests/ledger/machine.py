"""The state machine that plays an engine and the plain model against each other.

`machine_of(open_world, close_world)` makes the machine's class for an engine. An engine whose clock
can't be set has no rule that advances it, and is asked no exact number of what time changes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from gateway.call import CallRecord, Status
from gateway.ledger import Admitted, Exceeded, Known, Limit, Per, Scope
from tests.ledger.cases import NOT_PLACED, REJECTED, UNKNOWN, WHOLE
from tests.ledger.model import Model
from tests.ledger.world import DAY_US, HOUR_US, MINUTE_US, SECOND_US, World

T = TypeVar("T")

LIMITS = (
    Limit("burst", 2, Per.SECOND, burst=3),
    Limit("minute", 7, Per.MINUTE, Scope.USER),
    Limit("hourly", 5, Per.HOUR, Scope.CALLEE),
    Limit("daily", 6, Per.DAY, Scope.USER, time_zone="Europe/Kyiv"),
    Limit("monthly", 40, Per.MONTH, time_zone="America/New_York"),
    Limit("at-once", 3, Per.CONCURRENT),
    Limit("callee-at-once", 1, Per.CONCURRENT, Scope.CALLEE),
)
STILL = tuple(limit for limit in LIMITS if limit.per not in {Per.SECOND, Per.MINUTE})
"""The limits that a test's few seconds of real time leave alone."""

some_limits = st.lists(st.sampled_from(LIMITS), unique=True, max_size=4).map(tuple)
subjects = st.sampled_from(["key:crm", "jwt:ann"])
callees = st.sampled_from(["100", "200"])
keys = st.sampled_from([None, "k1", "k2", "k3"])
inputs = st.sampled_from(["one", "another"])
outcomes = st.sampled_from([WHOLE, REJECTED, NOT_PLACED, UNKNOWN])
verdicts = st.sampled_from([WHOLE, NOT_PLACED])
deadlines = st.sampled_from([10 * SECOND_US, 2 * HOUR_US])
steps = st.sampled_from([1, 333_333, SECOND_US, 11 * SECOND_US, MINUTE_US, 3 * HOUR_US, DAY_US, 17 * DAY_US])


class LedgerMachine(RuleBasedStateMachine):
    """The rules; all else comes with the engine's class (`machine_of`)."""

    open_world: Callable[[], Awaitable[World]]
    close_world: Callable[[World], Awaitable[World | None]]
    is_shared: bool

    admitted = Bundle("admitted")
    settled = Bundle("settled")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world: World = self.run(type(self).open_world())
        clock = self.world.clock
        self.has_clock = clock is not None
        self.limits = LIMITS if self.has_clock else STILL
        self.latest_us = 0
        now = clock if clock is not None else lambda: self.latest_us
        self.model = Model(now, self.is_shared)

    def run(self, step: Awaitable[T]) -> T:
        async def one() -> T:
            return await step

        return self.runner.run(one())

    def teardown(self) -> None:
        self.run(type(self).close_world(self.world))
        self.runner.close()

    @rule(
        target=admitted,
        limits=some_limits,
        subject=subjects,
        callee=callees,
        key=keys,
        says=inputs,
        deadline_us=deadlines,
        is_refused=st.integers(0, 9).map(lambda n: n == 0),
    )
    def admit(self, limits, subject, callee, key, says, deadline_us, is_refused) -> CallRecord | None:
        limits = tuple(limit for limit in limits if limit in self.limits)
        claim = self.world.claim(
            limits=limits,
            subject=subject,
            callee=callee,
            key=key,
            says=says,
            deadline_us=deadline_us if self.has_clock else DAY_US,
            is_refused=is_refused,
        )
        decision = self.run(self.world.ledger.admit(claim))
        if isinstance(decision, Admitted):
            self.latest_us = decision.record.requested_at_us
        kind, expected = self.model.admit(claim)
        assert type(decision) is kind, (decision, kind, expected)
        if isinstance(decision, Known):
            assert (decision.record, decision.is_same_input) == expected
        if isinstance(decision, Exceeded):
            assert decision.violated == expected
            assert decision.retry_after_seconds >= 1
        for state in decision.quotas:
            assert state.remaining == self.model.remaining(state.limit, subject, callee), state
        if not isinstance(decision, Admitted):
            return None
        assert decision.record == expected
        return decision.record

    @rule(target=settled, record=consumes(admitted), outcome=outcomes, elapsed_us=st.integers(0, MINUTE_US))
    def settle(self, record, outcome, elapsed_us) -> CallRecord | None:
        if record is not None and record.call_id in self.model.calls:
            self.settle_once(record, outcome, elapsed_us)
        return record

    @rule(record=settled, outcome=outcomes)
    def settle_again(self, record, outcome) -> None:
        if record is not None and self.model.find(record.call_id) is not None:
            self.settle_once(record, outcome, 5)

    def settle_once(self, record, outcome, elapsed_us) -> None:
        if self.model.find(record.call_id) is None:
            return  # recovered, and so long ago that it expired
        refunded = self.model.settle(record.call_id, outcome, elapsed_us)
        settlement = self.run(self.world.settle(record, outcome, self.limits, elapsed_us))
        assert settlement.record == self.model.calls[record.call_id].record
        assert (settlement.quotas is not None) == refunded

    @rule(record=settled, verdict=verdicts)
    def resolve(self, record, verdict) -> None:
        if record is None:
            return
        settlement = self.run(self.world.ledger.resolve(record.call_id, verdict))
        if not self.has_clock and settlement is not None and settlement.record.settled_at_us is not None:
            self.latest_us = settlement.record.settled_at_us
        expected = self.model.resolve(record.call_id, verdict)
        assert (None if settlement is None else settlement.record) == expected

    @precondition(lambda self: self.has_clock)
    @rule(by_us=steps)
    def advance(self, by_us) -> None:
        self.world.time.advance(by_us)

    @rule()
    def recover(self) -> None:
        count = self.run(self.world.ledger.recover())
        expected = self.model.recover()
        if self.has_clock:
            assert count == expected

    @invariant()
    def quotas_stand_as_in_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        for subject in ("key:crm", "jwt:ann"):
            states = self.run(self.world.ledger.peek(self.world.tenant, subject, self.limits))
            for state in states:
                expected = self.model.remaining(state.limit, subject, "")
                assert state.remaining == (None if state.limit.scope is Scope.CALLEE else expected), state

    @invariant()
    def records_stand_as_in_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        ledger, tenant = self.world.ledger, self.world.tenant
        page = self.run(ledger.list(tenant, status=None, limit=100, cursor=None))
        alive = [call.record for call in self.model.alive()]
        assert list(page.records) == alive[::-1][:100]
        unknowns = self.run(ledger.list(tenant, status=Status.UNKNOWN, limit=100, cursor=None))
        assert list(unknowns.records) == [r for r in alive[::-1] if r.status is Status.UNKNOWN][:100]
        for key in ("k1", "k2", "k3"):
            self.model.see(key)
            holder = self.model.holder(key)
            held = self.run(ledger.find_by_key(tenant, key))
            assert held == (None if holder is None else holder.record)


def machine_of(
    open_world: Callable[[], Awaitable[World]],
    close_world: Callable[[World], Awaitable[None]],
    *,
    is_shared: bool = False,
) -> type[LedgerMachine]:
    """The machine over one engine: how a world of it is opened, and closed again; see `Model`."""
    engine = {
        "open_world": staticmethod(open_world),
        "close_world": staticmethod(close_world),
        "is_shared": is_shared,
    }
    return type("EngineMachine", (LedgerMachine,), engine)
