"""What the bodies of the ledger's tests see: one open ledger, whichever engine, and one tenant of it."""

import hashlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import uuid4

from gateway.call import CallRecord, Outcome
from gateway.ledger import Admitted, Claim, Decision, Ledger, Limit, Settlement

MILLISECOND_US = 1000
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

RETENTION_US = 24 * HOUR_US
UNKNOWN_RETENTION_US = 30 * DAY_US
"""What the engines under test are built with."""

DEADLINE_US = 40 * SECOND_US


class Clock:
    """A clock that stands still until it is told otherwise; microseconds since the epoch."""

    def __init__(self, now_us: int = 1_773_000_000 * SECOND_US) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us

    def advance(self, by_us: int) -> None:
        self.now_us += by_us


_NUMBERS = itertools.count()


@dataclass
class World:
    """An open ledger and a tenant that no other test uses. `clock` is None where time can't be set."""

    ledger: Ledger
    clock: Clock | None = None
    tenant: str = field(default_factory=lambda: f"tenant-{uuid4().hex[:12]}")

    @property
    def time(self) -> Clock:
        assert self.clock is not None, "this body needs an engine whose clock can be set"
        return self.clock

    def claim(
        self,
        *,
        call_id: str | None = None,
        tenant: str | None = None,
        subject: str = "key:crm",
        key: str | None = None,
        says: str = "the input",
        caller: str = "101",
        callee: str = "100",
        client_reference: str | None = None,
        limits: tuple[Limit, ...] = (),
        deadline_us: int = DEADLINE_US,
        is_refused: bool = False,
    ) -> Claim:
        return Claim(
            call_id=call_id or f"call-{next(_NUMBERS):08d}-{uuid4().hex[:8]}",
            tenant=tenant or self.tenant,
            subject=subject,
            key=key,
            fingerprint=hashlib.sha256(says.encode()).digest(),
            caller_number=caller,
            callee_number=callee,
            client_reference=client_reference,
            limits=limits,
            deadline_us=deadline_us,
            is_refused=is_refused,
        )

    async def admit(self, **about) -> Decision:
        return await self.ledger.admit(self.claim(**about))

    async def admitted(self, **about) -> CallRecord:
        decision = await self.admit(**about)
        assert isinstance(decision, Admitted), decision
        return decision.record

    async def settle(
        self, record: CallRecord, outcome: Outcome, limits: tuple[Limit, ...] = (), elapsed_us: int = 250_000
    ) -> Settlement:
        return await self.ledger.settle(record.tenant, record.call_id, outcome, elapsed_us, limits)

    async def remaining(self, *limits: Limit, subject: str = "key:crm") -> list[int | None]:
        states = await self.ledger.peek(self.tenant, subject, limits)
        assert [state.limit for state in states] == list(limits)
        return [state.remaining for state in states]


Body = Callable[[World], Awaitable[None]]
