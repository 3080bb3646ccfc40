"""The one who asks, and what stands between them and a call."""

from typing import Final, Literal

from gateway.errors import Code, Refusal, refuse
from gateway.tenant import Tenant
from gateway.values import value_class

CALLS_MAKE: Final = "calls:make"
CALLS_READ: Final = "calls:read"
ALL_SCOPES: Final = frozenset({CALLS_MAKE, CALLS_READ})

AuthReason = Literal["missing", "malformed", "unknown", "expired", "scope", "suspended"]
"""Why a request was turned away, as the metric counts it."""


@value_class(frozen=True, slots=True)
class Principal:
    """A verified asker. `subject` is what user-scoped quotas count: the API key's id within its
    tenant, or the token's issuer and `sub`; `key_id` is None for tokens."""

    tenant: Tenant
    subject: str
    key_id: str | None
    scopes: frozenset[str]


@value_class(frozen=True, slots=True)
class Denied:
    """A refusal of the asker, with the metric's reason."""

    reason: AuthReason
    refusal: Refusal


def unauthenticated(reason: AuthReason, detail: str) -> Denied:
    """401 with the reason that the metric counts."""
    return Denied(reason, refuse(Code.UNAUTHENTICATED, detail, cause=reason))


def needs_scope(principal: Principal, scope: str) -> Denied | None:
    """A refusal where the asker's token does not hold `scope`."""
    if scope in principal.scopes:
        return None
    detail = (
        f"The token's scope must hold `{scope}`; it holds {' '.join(sorted(principal.scopes)) or 'nothing'}."
    )
    return Denied("scope", refuse(Code.INSUFFICIENT_SCOPE, detail))


def needs_standing(principal: Principal) -> Denied | None:
    """A refusal where the tenant is suspended; reads are not stopped by it."""
    return Denied("suspended", suspension()) if principal.tenant.is_suspended else None


def suspension() -> Refusal:
    """403 TENANT_SUSPENDED."""
    detail = "This tenant may make no calls until the operators lift its suspension; reading goes on."
    return refuse(Code.TENANT_SUSPENDED, detail)
