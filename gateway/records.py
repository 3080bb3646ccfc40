"""Reading a tenant's own records and quotas: one use case for both doors, never another tenant's."""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from gateway.access import CALLS_READ, Principal, needs_scope
from gateway.call import CallRecord, Status
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.ledger import BadCursor, Ledger, Page, QuotaState, StoreUnavailable

MAX_PAGE: Final = 100
STORE_RETRY_SECONDS: Final = 1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What was read, and the quotas as the asker stands."""

    value: T
    quotas: tuple[QuotaState, ...]


def store_unavailable(fault: StoreUnavailable) -> Refusal:
    """503: the ledger did not answer."""
    return refuse(
        Code.STORE_UNAVAILABLE,
        "The call ledger did not answer, so nothing was dialled; try again shortly.",
        retry_after_seconds=STORE_RETRY_SECONDS,
        cause=fault.kind,
    )


class Records:
    """Reads the ledger for a principal. Every method answers `Found`, or the refusal."""

    def __init__(self, ledger: Ledger) -> None:
        """`ledger` is open."""
        self._ledger = ledger

    async def call(self, principal: Principal, call_id: str) -> Found[CallRecord | None] | Refusal:
        """The record of that id, None where the tenant has none."""
        if denied := needs_scope(principal, CALLS_READ):
            return denied.refusal
        try:
            return await self._with_quotas(principal, await self._ledger.find(principal.tenant.name, call_id))
        except StoreUnavailable as fault:
            return store_unavailable(fault)

    async def call_by_key(self, principal: Principal, key: str) -> Found[CallRecord | None] | Refusal:
        """The record that the idempotency key holds, None where it holds none."""
        if denied := needs_scope(principal, CALLS_READ):
            return denied.refusal
        try:
            return await self._with_quotas(
                principal, await self._ledger.find_by_key(principal.tenant.name, key)
            )
        except StoreUnavailable as fault:
            return store_unavailable(fault)

    async def calls(
        self, principal: Principal, *, status: Status | None, limit: int, cursor: str | None
    ) -> Found[Page] | Refusal:
        """One page, newest first; a bad cursor is INVALID_INPUT at `/cursor`."""
        if denied := needs_scope(principal, CALLS_READ):
            return denied.refusal
        try:
            page = await self._ledger.list(principal.tenant.name, status=status, limit=limit, cursor=cursor)
            return await self._with_quotas(principal, page)
        except BadCursor:
            return bad_parameter("cursor", "must be a cursor that an earlier page gave, unchanged")
        except StoreUnavailable as fault:
            return store_unavailable(fault)

    async def quota(self, principal: Principal) -> Found[None] | Refusal:
        """The quotas alone."""
        if denied := needs_scope(principal, CALLS_READ):
            return denied.refusal
        try:
            return await self._with_quotas(principal, None)
        except StoreUnavailable as fault:
            return store_unavailable(fault)

    async def _with_quotas(self, principal: Principal, value: T) -> Found[T]:
        limits = principal.tenant.limits
        if not limits:
            return Found(value, ())
        return Found(value, await self._ledger.peek(principal.tenant.name, principal.subject, limits))


def bad_parameter(name: str, detail: str) -> Refusal:
    """422 for a query parameter (REST) or an argument (GraphQL)."""
    problem = Problem(f"/{name}", Code.INVALID_INPUT, detail)
    return refuse(Code.INVALID_INPUT, f"`{name}` {detail}.", problems=(problem,))
