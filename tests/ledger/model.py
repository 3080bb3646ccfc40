"""A plain model of the ledger: dictionaries, one call after another, written from the contract alone.

Buckets are kept as fractions of calls and calendar counts as lists of moments, on purpose unlike the
engines' own arithmetic.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from math import ceil
from zoneinfo import ZoneInfo

from gateway.call import IN_PROGRESS, RECOVERED, REFUNDED, CallRecord, Outcome, Status
from gateway.ledger import BUCKET_PERIOD_US, Admitted, Claim, Exceeded, Known, Limit, Per, Refused, Scope
from tests.ledger.world import RETENTION_US, SECOND_US, UNKNOWN_RETENTION_US


@dataclass
class Call:
    record: CallRecord
    fingerprint: bytes
    limits: tuple[Limit, ...]
    deadline_at_us: int
    is_final: bool = False
    expires_at_us: int | None = None


MANY = 10**9
"""More calls than a bucket holds."""


@dataclass
class Bucket:
    """Calls that were used and not yet paid back, at a moment.

    `whole_from_us`: what was charged before it has paid back by itself up to it, but for what was held back
    of a refund; each of the charges since found `borne` calls at least, less those that were given back.
    """

    used: Fraction
    at_us: int
    charged_us: int
    whole_from_us: int = 0
    borne: int = 0

    def charge(self, rate: Fraction) -> None:
        """One call more, now; `rate` in calls a microsecond."""
        found = int(self.used)
        if found == 0:
            self.whole_from_us = min(self.at_us, self.charged_us + ceil((1 - self.used) / rate))
            self.borne = 1
        elif found >= 2 * self.borne:
            self.whole_from_us, self.borne = self.charged_us, found
        else:
            self.borne = min(self.borne, found)
        self.used, self.charged_us = self.used + 1, self.at_us

    def give_back(self, charged_us: int, rate: Fraction) -> None:
        """One call less, that was charged then."""
        weight = 1 - rate * max(0, self.whole_from_us - charged_us)
        self.used = max(Fraction(0), self.used - max(Fraction(0), weight))
        if weight > 0 and charged_us < self.charged_us:
            if self.borne == 1:
                self.whole_from_us, self.borne = self.charged_us, 0
            else:
                self.whole_from_us = min(self.whole_from_us, charged_us)
                self.borne = self.borne - 1 if self.borne else MANY


def rate_of(limit: Limit) -> Fraction:
    """What a bucket pays back, in calls a microsecond."""
    return Fraction(limit.limit, BUCKET_PERIOD_US[limit.per])


def asker(limit: Limit, subject: str, callee: str) -> tuple[str, str, str]:
    return limit.name, limit.scope, {Scope.TENANT: "", Scope.USER: subject, Scope.CALLEE: callee}[limit.scope]


@dataclass
class Model:
    """One tenant's ledger. `now` tells the engine's time in epoch microseconds, or roughly so.

    In one that `is_shared` a record in progress past its deadline becomes unknown as soon as it is looked
    up by its key, or anything is resolved, and leaves unseen once it would have been kept no longer as
    such; else only `recover` makes it unknown. And there records leave in whole milliseconds.
    """

    now: Callable[[], int]
    is_shared: bool = False
    seen: int = 0
    calls: dict[str, Call] = field(default_factory=dict)
    buckets: dict[tuple[str, str, str], Bucket] = field(default_factory=dict)
    charged: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)

    def alive(self) -> list[Call]:
        now = self.now()
        return [c for c in self.calls.values() if (at := self.expires_at_us(c)) is None or at > now]

    def expires_at_us(self, call: Call) -> int | None:
        if call.expires_at_us is None and self.is_shared:
            return self.leaves_at_us(call.deadline_at_us + UNKNOWN_RETENTION_US, call.record.requested_at_us)
        return call.expires_at_us

    def leaves_at_us(self, over_at_us: int, now_us: int) -> int:
        """When what was written at `now_us` is gone: in the second millisecond after at the soonest."""
        if not self.is_shared:
            return over_at_us
        return max(-(-over_at_us // 1000), now_us // 1000 + 2) * 1000

    def find(self, call_id: str) -> Call | None:
        return next((c for c in self.alive() if c.record.call_id == call_id), None)

    def holder(self, key: str | None) -> Call | None:
        held = (c for c in self.alive() if c.record.key == key and c.record.status is not Status.NOT_PLACED)
        return None if key is None else next(held, None)

    def see(self, key: str | None = None) -> None:
        """The key's holder is looked up; without a key, everything is."""
        if self.is_shared:
            seen = self.overdue() if key is None else [c for c in self.overdue() if c is self.holder(key)]
            self.seen += self.give_up(seen)

    def remaining(self, limit: Limit, subject: str, callee: str) -> int:
        who = asker(limit, subject, callee)
        if limit.per is Per.CONCURRENT:
            return max(0, limit.limit - self.in_use(limit, who))
        if limit.per in BUCKET_PERIOD_US:
            return int(limit.size - self.bucket(limit, who).used)
        return max(0, limit.limit - sum(self.same_window(limit, at) for at in self.charged.get(who, [])))

    def in_use(self, limit: Limit, who: tuple[str, str, str]) -> int:
        return sum(
            who == asker(charged, call.record.subject, call.record.callee_number)
            for call in self.calls.values()
            if call.record.status is Status.IN_PROGRESS and call.deadline_at_us >= self.now()
            for charged in call.limits
            if charged.per is Per.CONCURRENT and limit.name == charged.name
        )

    def bucket(self, limit: Limit, who: tuple[str, str, str]) -> Bucket:
        bucket = self.buckets.setdefault(who, Bucket(Fraction(0), self.now(), self.now()))
        bucket.used = max(Fraction(0), bucket.used - (self.now() - bucket.at_us) * rate_of(limit))
        bucket.at_us = self.now()
        return bucket

    def same_window(self, limit: Limit, at_us: int) -> bool:
        def local(moment_us: int) -> tuple[int, ...]:
            date = datetime.fromtimestamp(moment_us // SECOND_US, ZoneInfo(limit.time_zone)).date()
            return (date.year, date.month) if limit.per is Per.MONTH else (date.year, date.month, date.day)

        return local(at_us) == local(self.now())

    def admit(self, claim: Claim) -> tuple[type, object]:
        """The kind of decision, and the record or the names of the violated quotas."""
        if claim.key is not None:
            self.see(claim.key)
        holder = self.holder(claim.key)
        if holder is not None:
            return Known, (holder.record, holder.fingerprint == claim.fingerprint)
        if claim.is_refused:
            return Refused, None
        violated = tuple(
            limit.name
            for limit in claim.limits
            if self.remaining(limit, claim.subject, claim.callee_number) < 1
        )
        if violated:
            return Exceeded, violated
        now = self.now()
        for limit in claim.limits:
            who = asker(limit, claim.subject, claim.callee_number)
            if limit.per in BUCKET_PERIOD_US:
                self.bucket(limit, who).charge(rate_of(limit))
            elif limit.per is not Per.CONCURRENT:
                self.charged.setdefault(who, []).append(now)
        record = CallRecord(
            call_id=claim.call_id,
            tenant=claim.tenant,
            outcome=IN_PROGRESS,
            requested_at_us=now,
            settled_at_us=None,
            client_reference=claim.client_reference,
            caller_number=claim.caller_number,
            callee_number=claim.callee_number,
            subject=claim.subject,
            key=claim.key,
        )
        self.calls[claim.call_id] = Call(record, claim.fingerprint, claim.limits, now + claim.deadline_us)
        return Admitted, record

    def settle(self, call_id: str, outcome: Outcome, elapsed_us: int) -> bool:
        """Whether it refunded."""
        call = self.calls[call_id]
        if call.is_final:
            return False
        self.close(call, outcome, call.record.requested_at_us + elapsed_us)
        return outcome.status in REFUNDED

    def resolve(self, call_id: str, outcome: Outcome) -> CallRecord | None:
        self.see()
        call = self.find(call_id)
        if call is None or call.record.status is not Status.UNKNOWN:
            return None
        self.close(call, outcome, self.now())
        return call.record

    def overdue(self) -> list[Call]:
        return [
            call
            for call in self.alive()
            if call.record.status is Status.IN_PROGRESS and call.deadline_at_us < self.now()
        ]

    def give_up(self, over: list[Call]) -> int:
        for call in over:
            self.close(call, RECOVERED, self.now(), is_final=False)
        return len(over)

    def recover(self) -> int:
        """How many since the last time."""
        seen, self.seen = self.seen, 0
        return seen + self.give_up(self.overdue())

    def close(self, call: Call, outcome: Outcome, settled_at_us: int, *, is_final: bool = True) -> None:
        unknown = Status.UNKNOWN in {outcome.status, call.record.status}
        kept_us = UNKNOWN_RETENTION_US if unknown else RETENTION_US
        call.record = replace(call.record, outcome=outcome, settled_at_us=settled_at_us)
        call.is_final = is_final
        call.expires_at_us = self.leaves_at_us(call.record.requested_at_us + kept_us, self.now())
        if outcome.status in REFUNDED:
            self.refund(call)

    def refund(self, call: Call) -> None:
        for limit in call.limits:
            who = asker(limit, call.record.subject, call.record.callee_number)
            if limit.per in BUCKET_PERIOD_US:
                self.bucket(limit, who).give_back(call.record.requested_at_us, rate_of(limit))
            elif limit.per is not Per.CONCURRENT:
                self.charged[who].remove(call.record.requested_at_us)
