"""The names of the store's keys. All of a tenant's share the hash tag {tenant}: one cluster slot."""

from functools import lru_cache
from typing import Final

from gateway.ledger import Limit, Per
from gateway.ledger.charges import Charge
from gateway.ledger.quota import scope_key
from gateway.values import value_class

EPOCH: Final = b"gateway:epoch"
"""What the store was founded as; gone where the store lost its data."""

TENANTS: Final = b"{gateway:epoch}:tenants"
"""A set: every tenant that has a marker. In the epoch's own slot."""

MISSED: Final = b"{gateway:epoch}:missed"
"""A set: every epoch that a gateway remembers and did not find. In the epoch's own slot."""

UNUSED: Final = b"{gateway:epoch}:w"
"""Never written: to try whether it could be. In the epoch's own slot."""


def superseded_by(epoch: bytes) -> bytes:
    """A set: the epochs in whose place that one was acknowledged. In the epoch's own slot."""
    return b"{gateway:epoch}:superseded:" + epoch


@value_class(frozen=True, slots=True)
class TenantKeys:
    """One tenant's keys. `marker` holds the epoch; `index` and its siblings are sorted sets of call ids
    by the moment of admission: all others, refunded ones, and those that were ever unknown."""

    tag: bytes
    marker: bytes
    in_progress: bytes
    index: bytes
    refunded: bytes
    unknown: bytes
    prefix: bytes

    @property
    def unused(self) -> bytes:
        """Never written: to try whether it could be."""
        return self.prefix + b"w"

    def call(self, call_id: str) -> bytes:
        """The record of a call, or a pointer to the key that holds it."""
        return self.prefix + b"c:" + call_id.encode()

    def key(self, key: str) -> bytes:
        """The record that holds an idempotency key."""
        return self.prefix + b"k:" + key.encode()

    def counter(self, quota: str, whose: str, *, is_concurrent: bool) -> bytes:
        """A counter, or the slots in use of a concurrent quota (call ids by their deadline)."""
        kind = b"l:" if is_concurrent else b"q:"
        return self.prefix + kind + f"{quota}:{whose}".encode("utf-8", "surrogatepass")

    def charged(self, charges: tuple[Charge, ...], subject: str, callee_number: str) -> tuple[bytes, ...]:
        """What a call was charged on: counters first, then what it holds slots of."""
        ordered = sorted(charges, key=lambda charge: charge.is_concurrent)
        return tuple(
            self.counter(
                charge.quota,
                scope_key(charge.scope, subject, callee_number) or "",
                is_concurrent=charge.is_concurrent,
            )
            for charge in ordered
        )

    def of_limit(self, limit: Limit, subject: str, callee_number: str | None) -> bytes | None:
        """The counter of a limit for one asker; None for a callee's without a callee."""
        whose = scope_key(limit.scope, subject, callee_number)
        if whose is None:
            return None
        return self.counter(limit.name, whose, is_concurrent=limit.per is Per.CONCURRENT)


@lru_cache(maxsize=4096)
def keys_of(tenant: str) -> TenantKeys:
    """The keys of a tenant. Raises ValueError for a name that would break the tag."""
    if not tenant or "{" in tenant or "}" in tenant:
        raise ValueError("a tenant's name is not empty and has no braces")
    tag = tenant.encode()
    prefix = b"gw:{" + tag + b"}:"
    return TenantKeys(tag, prefix + b"e", prefix + b"p", prefix + b"i", prefix + b"x", prefix + b"u", prefix)


__all__ = ["EPOCH", "MISSED", "TENANTS", "UNUSED", "TenantKeys", "keys_of", "superseded_by"]
