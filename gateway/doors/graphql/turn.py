"""One operation being run: what its fields do, and what the answer's headers and account need of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from gateway.access import CALLS_MAKE, CALLS_READ, AuthReason, needs_scope, needs_standing
from gateway.call import CallRecord, Status, asks_dry_run, read_call
from gateway.doors.exchange import Arrival
from gateway.doors.graphql.answers import Answer, RefusedAtTop, answer_of, error_of
from gateway.doors.graphql.inputs import KEY_FIELD
from gateway.doors.idempotency_key import header_key
from gateway.doors.negotiation import preferred_wait_seconds
from gateway.doors.rules import Asker
from gateway.errors import Code, Refusal
from gateway.ledger import Page, QuotaState
from gateway.place_call import Asked, Refused, Requested
from gateway.records import MAX_PAGE, Found, Records, bad_parameter
from gateway.telemetry.accounts import CallAccount
from gateway.values import value_class

KEY_HEADER: Final = b"idempotency-key"
DEFAULT_PAGE: Final = 20

_MAY_BE_REPLAYED: Final = (Requested, Refused)
_T = TypeVar("_T")


@value_class(frozen=True, slots=True)
class Desk:
    """What the fields of every operation work with."""

    records: Records
    auth_failed: Callable[[AuthReason], None]


@value_class(frozen=True, slots=True)
class Settled:
    """What the only field of an operation came to, kept so that it is never asked twice."""

    value: object
    fault: Exception | None = None

    def again(self) -> object:
        """The value, or the exception raised again."""
        if self.fault is not None:
            raise self.fault
        return self.value


@dataclass(slots=True)
class Turn:
    """One operation of one request. `entered` are the response keys of the root fields that began,
    `is_asked` is True once a call may have been made, `refusals` what is told, in its order, `settled`
    what the operation's field came to before graphql-core was asked to tell it."""

    desk: Desk
    arrival: Arrival
    asker: Asker
    entered: set[str | int] = field(default_factory=set)
    is_asked: bool = False
    is_replayed: bool = False
    refusals: list[Refusal] = field(default_factory=list)
    quotas: tuple[QuotaState, ...] | None = None
    account: CallAccount | None = None
    settled: Settled | None = None

    async def make_call(self, asked: dict[str, object]) -> Answer:
        """Ask for the call, once the asker may."""
        request_id, rules, principal = self.arrival.request_id, self.asker.rules, self.asker.principal
        key = self._key(asked)
        denied = needs_scope(principal, CALLS_MAKE) or needs_standing(principal)
        if denied is not None:
            self.desk.auth_failed(denied.reason)
            self.asker.turned_away("graphql", self.arrival, denied.refusal)
            refusal = denied.refusal.before_lookup(keyed=key is not None)
            self.refusals.append(refusal)
            self.account = CallAccount(refusal.code.value.lower(), refusal.status)
            return error_of(refusal, request_id)
        inputs = {name: value for name, value in asked.items() if name != KEY_FIELD}
        wait = preferred_wait_seconds(self.arrival.headers.get(b"prefer"))
        call = read_call(inputs, callee_types=rules.callee_types, preferred_wait_seconds=wait)
        self.is_asked = True
        trace, is_dry_run = self.arrival.trace, asks_dry_run(inputs)
        placed = await rules.place(
            Asked(principal, "graphql", request_id, trace, key, call, is_dry_run=is_dry_run)
        )
        self.quotas, self.account = placed.quotas, placed.account
        result = placed.result
        if isinstance(result, Refused):
            self.refusals.append(result.refusal)
        self.is_replayed = isinstance(result, _MAY_BE_REPLAYED) and result.is_replayed
        return answer_of(result, request_id)

    def _key(self, asked: dict[str, object]) -> str | None:
        given = asked.get(KEY_FIELD)
        if given is not None:
            return str(given)
        header = self.arrival.headers.get(KEY_HEADER)
        return None if header is None else header_key(header)

    async def call(self, call_id: str) -> CallRecord | None:
        """The tenant's record of that id."""
        if not call_id.isascii():  # no id of ours, and no store can be asked for a lone surrogate
            return self._told(await self.desk.records.quota(self.asker.principal))
        return self._told(await self.desk.records.call(self.asker.principal, call_id))

    async def call_by_key(self, key: str) -> CallRecord | None:
        """The record that the idempotency key holds."""
        if not key.isascii():
            return self._told(await self.desk.records.quota(self.asker.principal))
        return self._told(await self.desk.records.call_by_key(self.asker.principal, key))

    async def calls(self, first: int | None, after: str | None, status: str | None) -> Page:
        """One page of records."""
        denied = needs_scope(self.asker.principal, CALLS_READ)
        if denied is not None:
            raise self._refused(denied.refusal)
        limit = DEFAULT_PAGE if first is None else first
        if not 1 <= limit <= MAX_PAGE:
            raise self._refused(bad_parameter("first", f"must be from 1 to {MAX_PAGE}"))
        if after is not None and not after.isascii():
            raise self._refused(_bad_cursor())
        found = await self.desk.records.calls(
            self.asker.principal, status=None if status is None else Status(status), limit=limit, cursor=after
        )
        if isinstance(found, Refusal) and found.code is Code.INVALID_INPUT:
            raise self._refused(_bad_cursor())
        return self._told(found)

    async def quota(self) -> tuple[QuotaState, ...]:
        """The quotas as the asker stands."""
        self._told(await self.desk.records.quota(self.asker.principal))
        return self.quotas or ()

    def _told(self, found: Found[_T] | Refusal) -> _T:
        if isinstance(found, Refusal):
            raise self._refused(found)
        self.quotas = found.quotas
        return found.value

    def _refused(self, refusal: Refusal) -> RefusedAtTop:
        self.refusals.append(refusal)
        if refusal.code is Code.INSUFFICIENT_SCOPE:
            self.desk.auth_failed("scope")
        return RefusedAtTop(refusal)


def _bad_cursor() -> Refusal:
    return bad_parameter("after", "must be a cursor that an earlier page gave, unchanged")
