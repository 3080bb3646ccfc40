"""What the GraphQL door's tests put behind it: a use case that records what it is asked, and a small
in-memory ledger that can be read or be down. Both stand where the real ones stand, by constructor.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from gateway.access import ALL_SCOPES, Access, Denied, Principal
from gateway.access.principal import unauthenticated
from gateway.call import CallRecord, CallRequest, Outcome, Reference, Status, requested
from gateway.doors.rules import InForce, Rules
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.ledger import BadCursor, Ledger, Limit, Page, Per, QuotaState, Scope, StoreUnavailable
from gateway.place_call import Asked, Placed, Refused, Requested, Result, Translated
from gateway.policy import Patterns, Policy
from gateway.settings.model import Settings
from gateway.telemetry.accounts import CallAccount
from gateway.tenant import Tenant

LIMIT = Limit("daily", 1000, Per.DAY)
QUOTAS = (QuotaState(LIMIT, 992, None, 51234),)


def tenant(name: str = "acme", *, is_suspended: bool = False) -> Tenant:
    """A tenant that may dial nothing: the stub use case asks no policy."""
    nothing = Patterns((), "")
    policy = Policy(
        nothing, nothing, nothing, nothing, 30, 60, frozenset(), frozenset(), frozenset(), frozenset(), None
    )
    return Tenant(name, is_suspended, "default", None, False, False, (LIMIT,), policy)


def record(
    outcome: Outcome | None = None,
    call_id: str = "01hcall",
    key: str | None = None,
    at_us: int = 1_700_000_000_123_000,
) -> CallRecord:
    """A call's record, requested with a whole reference unless another outcome is given."""
    came_to = outcome or requested(Reference(1, "asterisk01", "1234567890.123456"))
    settled = None if came_to.status is Status.IN_PROGRESS else at_us + 1_000
    return CallRecord(call_id, "acme", came_to, at_us, settled, None, "100", "200", "key:crm", key)


class Tokens(Access):
    """Knows four bearers by name, without any configuration."""

    def __init__(self) -> None:
        super().__init__(cast("Settings", _NoTenants()), {}, None)
        acme = tenant()
        self.principals = {
            b"Bearer good": Principal(acme, "key:crm", "crm", ALL_SCOPES),
            b"Bearer reader": Principal(acme, "jwt", None, frozenset({"calls:read"})),
            b"Bearer maker": Principal(acme, "jwt", None, frozenset({"calls:make"})),
            b"Bearer suspended": Principal(tenant(is_suspended=True), "key:s", "s", ALL_SCOPES),
        }

    async def authenticate(self, authorization: bytes | None) -> Principal | Denied:
        known = self.principals.get(authorization or b"")
        if known is not None:
            return known
        return unauthenticated(
            "missing" if authorization is None else "unknown", "No known credential was sent."
        )


class _NoTenants:
    def __init__(self) -> None:
        self.tenants: dict[str, object] = {}


@dataclass
class Desk:
    """The recording use case: `asked` is all it was asked; `answers` makes the result of each.
    `barred` is why askers were turned away before it."""

    asked: list[Asked] = field(default_factory=list)
    barred: list[Code] = field(default_factory=list)
    answers: Callable[[CallRequest], Result] = lambda _call: Requested(record(), is_replayed=False)
    failure: Exception | None = None

    async def __call__(self, asked: Asked) -> Placed:
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure
        call = asked.call
        result = self.answers(call) if isinstance(call, CallRequest) else invalid(call)
        outcome = result.refusal.code.value.lower() if isinstance(result, Refused) else "requested"
        return Placed(result, QUOTAS, CallAccount(outcome, 200))

    def turned_away(self, asked: Asked, refusal: Refusal) -> None:
        """Hears of a call that is not asked for, because its asker may make none."""
        assert (asked.door, asked.call) == ("graphql", ())
        self.barred.append(refusal.code)


def in_force(desk: Desk, callee_types: tuple[str, ...], tokens: Tokens | None = None) -> InForce:
    """The rules of a configuration that is never replaced: the bearers of `Tokens` and that use case."""
    rules = Rules(tokens or Tokens(), desk, desk.turned_away, callee_types)
    return lambda: rules


def invalid(problems: tuple[Problem, ...]) -> Refused:
    """The refusal of an input with problems."""
    return Refused(refuse(Code.INVALID_INPUT, "The input is invalid.", problems=problems))


def refusing(refusal: Refusal, found: CallRecord | None = None) -> Callable[[CallRequest], Result]:
    """Answers everything with that refusal."""
    return lambda _call: Refused(refusal, found)


class Shelf:
    """The reading half of a ledger, over a list, newest first. Cursors are `c<index>`."""

    is_remote = False

    def __init__(self) -> None:
        self.records: list[CallRecord] = []
        self.is_down = False

    def _open(self) -> None:
        if self.is_down:
            raise StoreUnavailable("timeout", "down")

    async def find(self, tenant: str, call_id: str) -> CallRecord | None:
        self._open()
        return next((r for r in self.records if (r.tenant, r.call_id) == (tenant, call_id)), None)

    async def find_by_key(self, tenant: str, key: str) -> CallRecord | None:
        self._open()
        return next((r for r in self.records if (r.tenant, r.key) == (tenant, key)), None)

    async def list(
        self,
        tenant: str | None,
        *,
        status: Status | None,
        limit: int,
        cursor: str | None,
        since_us: int | None = None,
    ) -> Page:
        self._open()
        assert since_us is None
        if cursor is not None and not cursor.removeprefix("c").isdigit():
            raise BadCursor
        start = 0 if cursor is None else int(cursor.removeprefix("c"))
        own = [(f"c{at}", r) for at, r in enumerate(self.records, 1) if r.tenant == tenant]
        matching = [pair for pair in own[start:] if status in {None, pair[1].status}]
        page = matching[:limit]
        cursors = tuple(at for at, _ in page)
        return Page(tuple(r for _, r in page), cursors[-1] if len(matching) > limit else None, cursors)

    async def peek(self, tenant: str, subject: str, limits: tuple[Limit, ...]) -> tuple[QuotaState, ...]:
        self._open()
        assert (tenant, bool(subject), limits) == ("acme", True, (LIMIT,))
        return QUOTAS

    @property
    def ledger(self) -> Ledger:
        """This shelf, as the port."""
        return cast("Ledger", self)


__all__ = [
    "QUOTAS",
    "Desk",
    "Scope",
    "Shelf",
    "Tokens",
    "Translated",
    "in_force",
    "record",
    "refusing",
    "tenant",
]
