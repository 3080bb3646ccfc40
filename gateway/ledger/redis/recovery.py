"""Records in progress past their deadline become unknown, whichever gateway finds them first."""

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.call import CallRecord, Status
from gateway.ledger.redis.closing import Closing, Retention, handle_of
from gateway.ledger.redis.faults import listed, text
from gateway.ledger.redis.keys import keys_of
from gateway.ledger.redis.reading import Reading
from gateway.ledger.redis.record import Kept, read_kept
from gateway.ledger.redis.resp import command
from gateway.ledger.redis.store import Store
from gateway.ledger.turns import Turns

_AT_ONCE: Final = b"500"


class Recovery:
    """`count` is how many records this gateway made unknown since it was last set to 0."""

    def __init__(self, store: Store, reading: Reading, closing: Closing, retention: Retention) -> None:
        """`retention` tells which places of the indexes are over."""
        self._store = store
        self._reading = reading
        self._closing = closing
        self._retention = retention
        self._turns = Turns()
        self.count = 0

    async def current(self, kept: Kept) -> CallRecord:
        """The record as it now is: unknown, where it is in progress past its deadline."""
        record = kept.record
        if record.status is not Status.IN_PROGRESS or kept.deadline_at_us >= self._store.now_us:
            return record
        answer = await self._closing.recover(handle_of(kept))
        self.count += answer[0] == b"closed"
        match answer:
            case [_, int(), bytes(told)]:
                return read_kept(record.tenant, told).record
        return record

    async def of_all(self) -> None:
        """Recover every tenant's whose server is there. Raises StoreUnavailable, at the end where it is
        about a tenant."""
        await self._store.look_around()
        await self._each(self.of_tenant)

    async def _each(self, serve: Callable[[str], Awaitable[None]]) -> None:
        fault = await self._turns.each(await self._store.tenants(), serve)
        if fault is not None:
            raise fault

    async def of_tenant(self, tenant: str) -> None:
        """Recover one tenant's. Raises StoreUnavailable."""
        keys = keys_of(tenant)
        before = b"(%d" % self._store.now_us
        look = command(b"ZRANGEBYSCORE", keys.in_progress, b"-inf", before, b"LIMIT", b"0", _AT_ONCE)
        (overdue,) = await self._store.read(keys, [look])
        call_ids = [text(call_id).decode() for call_id in listed(overdue)]
        for call_id, kept in zip(call_ids, await self._reading.by_ids(tenant, call_ids), strict=True):
            if kept is not None:
                await self.current(kept)
            else:
                await self._store.read(keys, [command(b"ZREM", keys.in_progress, call_id.encode())])

    async def trim(self) -> None:
        """Forget the places of records that are past their retention. Raises StoreUnavailable, as
        `of_all` does."""
        await self._each(self._trim_tenant)

    async def _trim_tenant(self, tenant: str) -> None:
        keys = keys_of(tenant)
        settled = b"%d" % (self._store.now_us - self._retention.settled_us)
        longest_us = max(self._retention.settled_us, self._retention.unknown_us)
        unknown = b"%d" % (self._store.now_us - longest_us)
        over = ((keys.index, settled), (keys.refunded, settled), (keys.unknown, unknown))
        await self._store.read(
            keys, [command(b"ZREMRANGEBYSCORE", index, b"-inf", until) for index, until in over]
        )


__all__ = ["Recovery"]
