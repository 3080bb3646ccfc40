"""Who asks: API keys and JWTs become a `Principal`, or a refusal (contract, section 3)."""

from gateway.access.principal import (
    ALL_SCOPES,
    CALLS_MAKE,
    CALLS_READ,
    AuthReason,
    Denied,
    Principal,
    needs_scope,
    needs_standing,
    suspension,
)
from gateway.access.verify import Access, TokenVerifier

__all__ = [
    "ALL_SCOPES",
    "CALLS_MAKE",
    "CALLS_READ",
    "Access",
    "AuthReason",
    "Denied",
    "Principal",
    "TokenVerifier",
    "needs_scope",
    "needs_standing",
    "suspension",
]
