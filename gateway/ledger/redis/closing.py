"""What ends an admission: settle, resolve, recover, undo; all of them one script."""

from collections.abc import Sequence
from typing import Final

from gateway.call import RECOVERED, Outcome
from gateway.ledger.charges import Charge
from gateway.ledger.outcome_text import write_outcome
from gateway.ledger.redis.keys import TenantKeys, keys_of
from gateway.ledger.redis.record import Kept
from gateway.ledger.redis.resp import bulk
from gateway.ledger.redis.scripts import CLOSE
from gateway.ledger.redis.store import Store
from gateway.values import value_class

UNDONE_MS: Final = 3_600_000
"""How long an admission that was taken back stays forbidden: longer than any network holds a packet."""


@value_class(frozen=True, slots=True)
class Retention:
    """How long records and keys are kept after the admission, in microseconds."""

    settled_us: int
    unknown_us: int

    @property
    def words(self) -> tuple[bytes, bytes]:
        """As the scripts take it."""
        return b"%d" % self.settled_us, b"%d" % self.unknown_us


@value_class(frozen=True, slots=True)
class Handle:
    """An admitted call, with all that finding its keys takes."""

    tenant: str
    call_id: str
    key: str | None
    subject: str
    callee_number: str
    charges: tuple[Charge, ...]

    def names(self, keys: TenantKeys) -> tuple[bytes, ...]:
        """KEYS of close.lua after the marker."""
        call = keys.call(self.call_id)
        home = call if self.key is None else keys.key(self.key)
        charged = keys.charged(self.charges, self.subject, self.callee_number)
        return (call, home, keys.in_progress, keys.index, keys.refunded, keys.unknown, *charged)


def handle_of(kept: Kept) -> Handle:
    """The handle of a record that was read."""
    record = kept.record
    return Handle(
        record.tenant, record.call_id, record.key, record.subject, record.callee_number, kept.charges
    )


class Closing:
    """Calls close.lua."""

    def __init__(self, store: Store, retention: Retention) -> None:
        """`retention` is what records get when they are closed."""
        self._store = store
        self._retention = retention

    async def settle(self, handle: Handle, outcome: Outcome, elapsed_us: int) -> list[object]:
        """Write an outcome where none stands for good."""
        return await self._close(
            handle, b"settle", outcome.status.value.encode(), write_outcome(outcome), b"%d" % elapsed_us
        )

    async def resolve(self, handle: Handle, outcome: Outcome) -> list[object]:
        """Write an operator's verdict on an unknown record."""
        return await self._close(
            handle, b"resolve", outcome.status.value.encode(), write_outcome(outcome), b"0"
        )

    async def recover(self, handle: Handle) -> list[object]:
        """Make a record in progress past its deadline unknown."""
        return await self._close(
            handle, b"recover", RECOVERED.status.value.encode(), write_outcome(RECOVERED), b"0"
        )

    async def undo(self, handle: Handle) -> list[object]:
        """Take an admission back, or forbid it where it has not come yet."""
        return await self._close(handle, b"undo", b"", b"", b"%d" % UNDONE_MS)

    async def _close(
        self, handle: Handle, why: bytes, status: bytes, outcome: bytes, number: bytes
    ) -> list[object]:
        keys = keys_of(handle.tenant)
        counters = sum(not charge.is_concurrent for charge in handle.charges)
        words = (
            handle.call_id.encode(),
            *self._retention.words,
            b"%d" % counters,
            why,
            status,
            outcome,
            number,
        )
        return await self._store.run(CLOSE, keys, handle.names(keys), bulk(words), len(words))


def refunded_in_order(charges: Sequence[Charge], raws: Sequence[object]) -> list[object]:
    """What close.lua told of the charges, counters first, in the order of the charges again."""
    order = sorted(range(len(charges)), key=lambda n: charges[n].is_concurrent)
    told: list[object] = [None] * len(charges)
    for position, n in enumerate(order):
        told[n] = raws[position]
    return told


__all__ = ["Closing", "Handle", "Retention", "handle_of", "refunded_in_order"]
