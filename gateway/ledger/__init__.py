"""The ledger's port: few verbs, each one atomic and replay-safe, over any engine.

`admit` decides everything about a call at once: the idempotency lookup and claim, the verdict that
was judged before, every quota, and the record IN_PROGRESS; all or nothing, one round trip.
`settle` writes the outcome and refunds what must be refunded, exactly once. A call is charged when
it is admitted; the call's id is the operation id of both steps, so a repeated step changes nothing.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

from gateway.call import CallRecord, Outcome, Status
from gateway.values import value_class


class Per(StrEnum):
    """What a quota counts by. second, minute, hour: a token bucket; day, month: the tenant's calendar."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    CONCURRENT = "concurrent"


BUCKET_PERIOD_US: Final[dict[Per, int]] = {
    Per.SECOND: 1_000_000,
    Per.MINUTE: 60_000_000,
    Per.HOUR: 3_600_000_000,
}
"""The refill period of each token bucket, in microseconds."""


class Scope(StrEnum):
    """Whose counter it is: one for the tenant, or one for each user or callee of the tenant."""

    TENANT = "tenant"
    USER = "user"
    CALLEE = "callee"


@value_class(frozen=True, slots=True)
class Limit:
    """One quota of a tenant. `burst` is the bucket's size; `time_zone` an IANA name, for day and month."""

    name: str
    limit: int
    per: Per
    scope: Scope = Scope.TENANT
    burst: int = 0
    time_zone: str = "UTC"

    @property
    def size(self) -> int:
        """How many calls fit at once."""
        return (self.burst or self.limit) if self.per in BUCKET_PERIOD_US else self.limit


@value_class(frozen=True, slots=True)
class QuotaState:
    """A quota as one asker stands. All None where it can't be told (a callee scope without a callee).

    `remaining` calls are left; `in_use` counts calls between admission and settlement (concurrent
    quotas only); `reset_seconds` is whole seconds until one more unit, None for concurrent ones.
    """

    limit: Limit
    remaining: int | None
    in_use: int | None
    reset_seconds: int | None


@value_class(frozen=True, slots=True)
class Claim:
    """One call asking to be admitted.

    `subject` is the user that user-scoped quotas count. `fingerprint` is 32 bytes. Where
    `is_refused`, only the idempotency lookup happens: a known key still replays, else nothing is
    written. `deadline_us` is how long after admission, in microseconds, the record may stay in
    progress before it counts as unknown.
    """

    call_id: str
    tenant: str
    subject: str
    key: str | None
    fingerprint: bytes
    caller_number: str
    callee_number: str
    client_reference: str | None
    limits: tuple[Limit, ...]
    deadline_us: int
    is_refused: bool = False


@value_class(frozen=True, slots=True)
class Admitted:
    """The call is recorded and charged; dial it."""

    record: CallRecord
    quotas: tuple[QuotaState, ...]


@value_class(frozen=True, slots=True)
class Known:
    """The key has a record already: replay it, say it is in progress, or that the input differs."""

    record: CallRecord
    is_same_input: bool
    quotas: tuple[QuotaState, ...]


@value_class(frozen=True, slots=True)
class Refused:
    """The key is unknown and the verdict handed in stands; nothing was written."""

    quotas: tuple[QuotaState, ...]


@value_class(frozen=True, slots=True)
class Exceeded:
    """At least one quota had no unit left; nothing was spent on any."""

    violated: tuple[str, ...]
    retry_after_seconds: int
    quotas: tuple[QuotaState, ...]


Decision = Admitted | Known | Refused | Exceeded


@value_class(frozen=True, slots=True)
class Settlement:
    """The record after `settle` or `resolve`; `quotas` only where something was refunded."""

    record: CallRecord
    quotas: tuple[QuotaState, ...] | None = None


@value_class(frozen=True, slots=True)
class Page:
    """One page of records, newest first. `next_cursor` is opaque, None at the end; `cursors` has the
    cursor that stands after each record."""

    records: tuple[CallRecord, ...]
    next_cursor: str | None
    cursors: tuple[str, ...] = ()


class StoreUnavailable(Exception):  # noqa: N818 - the catalogue's word
    """The store did not answer in time, refused, or lost its data; nothing may be dialled."""

    def __init__(self, kind: str, detail: str) -> None:
        """`kind` is a short label for the metric; `detail` tells an operator what to mend."""
        super().__init__(detail)
        self.kind = kind


class BadCursor(ValueError):  # noqa: N818
    """A cursor that this ledger never gave."""


class Ledger(Protocol):
    """What every engine does. All verbs may raise `StoreUnavailable`."""

    is_remote: bool

    async def open(self) -> None:
        """Open, migrate, and turn records left in progress by a dead process into unknown."""

    async def close(self) -> None:
        """Finish what is queued and let go of the store."""

    async def admit(self, claim: Claim) -> Decision:
        """Decide a call. Without an answer within the engine's bound: StoreUnavailable, and the
        admission, should it have happened, is undone and refunded when the store is back."""

    async def settle(
        self, tenant: str, call_id: str, outcome: Outcome, elapsed_us: int, limits: tuple[Limit, ...]
    ) -> Settlement:
        """Write what the call came to, `elapsed_us` after its admission. Idempotent; the first
        settlement stands, but one that comes after `recover` replaces *unknown* by the truth."""

    async def find(self, tenant: str, call_id: str) -> CallRecord | None:
        """The tenant's record of that id."""

    async def find_by_key(self, tenant: str, key: str) -> CallRecord | None:
        """The record that the tenant's idempotency key holds."""

    async def list(
        self,
        tenant: str | None,
        *,
        status: Status | None,
        limit: int,
        cursor: str | None,
        since_us: int | None = None,
    ) -> Page:
        """Records newest first, of one tenant or (None) of all. Raises BadCursor."""

    async def peek(self, tenant: str, subject: str, limits: Sequence[Limit]) -> tuple[QuotaState, ...]:
        """How the quotas stand for one asker; spends nothing."""

    async def resolve(self, call_id: str, outcome: Outcome) -> Settlement | None:
        """An operator's verdict on an unknown record: REQUESTED, or NOT_PLACED which refunds and
        releases the key. None where no unknown record has that id."""

    async def recover(self) -> int:
        """Turn records in progress past their deadline into unknown; how many since the last time, those
        included that `open` found."""

    async def acknowledge(self) -> None:
        """Accept a shared store that lost its data."""


__all__ = [
    "BUCKET_PERIOD_US",
    "Admitted",
    "BadCursor",
    "Claim",
    "Decision",
    "Exceeded",
    "Known",
    "Ledger",
    "Limit",
    "Page",
    "Per",
    "QuotaState",
    "Refused",
    "Scope",
    "Settlement",
    "StoreUnavailable",
]
