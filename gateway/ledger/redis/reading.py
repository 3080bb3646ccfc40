"""Finding records: by id, by key, and in pages, newest first."""

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.call import Status
from gateway.ledger import Page
from gateway.ledger.redis.cursor import Place, read_cursor, write_cursor
from gateway.ledger.redis.faults import listed, text
from gateway.ledger.redis.keys import TenantKeys, keys_of
from gateway.ledger.redis.record import POINTER, Kept, read_kept
from gateway.ledger.redis.resp import command
from gateway.ledger.redis.store import Store
from gateway.values import value_class

_BATCH: Final = 200
"""Records that are looked at in one go while a page fills."""
_MOST_MOVES: Final = 3
"""A record moves from its key to its id at most once, so a third look finds what is there."""


@value_class(frozen=True, slots=True)
class _Found:
    """Places of one tenant, newest first; `is_all` where no older ones follow."""

    tenant: str
    places: tuple[Place, ...]
    is_all: bool


class Reading:
    """Reads records of one store."""

    def __init__(self, store: Store) -> None:
        """`store` need not be open yet."""
        self._store = store

    async def by_key(self, tenant: str, key: str) -> Kept | None:
        """The record that holds an idempotency key."""
        keys = keys_of(tenant)
        (held,) = await self._store.read(keys, [command(b"GET", keys.key(key))])
        return None if held is None else read_kept(tenant, text(held))

    async def by_ids(self, tenant: str, call_ids: Sequence[str]) -> list[Kept | None]:
        """The records of these ids, each None where there is none."""
        keys = keys_of(tenant)
        kept: list[Kept | None] = [None] * len(call_ids)
        missing: Sequence[int] = range(len(call_ids))
        for _ in range(_MOST_MOVES):
            if not missing:
                break
            texts = await self._get(keys, [keys.call(call_ids[n]) for n in missing])
            pointing: list[tuple[int, bytes]] = []
            for n, told in zip(missing, texts, strict=True):
                if told.startswith(b"#"):
                    kept[n] = read_kept(tenant, told)
                elif told.startswith(POINTER):
                    pointing.append((n, told[1:]))
            texts = await self._get(keys, [keys.key(key.decode()) for _, key in pointing])
            for (n, _), told in zip(pointing, texts, strict=True):
                held = read_kept(tenant, told) if told else None
                if held is not None and held.record.call_id == call_ids[n]:
                    kept[n] = held
            missing = [n for n, _ in pointing if kept[n] is None]
        return kept

    async def _get(self, keys: TenantKeys, names: Sequence[bytes]) -> list[bytes]:
        if not names:
            return []
        (texts,) = await self._store.read(keys, [command(b"MGET", *names)])
        return [each if isinstance(each, bytes) else b"" for each in listed(texts)]

    async def page(
        self,
        tenants: Sequence[str],
        status: Status | None,
        limit: int,
        cursor: str | None,
        since_us: int | None,
    ) -> Page:
        """At most `limit` records of these tenants. Raises BadCursor."""
        before = None if cursor is None else read_cursor(cursor)
        if status is Status.IN_PROGRESS:
            return _page(await self._in_progress(tenants, before, since_us), limit)
        records: list[tuple[Place, Kept]] = []
        while len(records) <= limit:
            found = [await self._places(tenant, status, before, since_us) for tenant in tenants]
            # Where one tenant has more to give, nobody's older ones may come first.
            horizon = max((f.places[-1] for f in found if not f.is_all), default=None)
            batch = {f.tenant: [p for p in f.places if horizon is None or p >= horizon] for f in found}
            records += await self._records(batch, status)
            if horizon is None:
                break
            before = horizon
        return _page(records, limit)

    async def _in_progress(
        self, tenants: Sequence[str], before: Place | None, since_us: int | None
    ) -> list[tuple[Place, Kept]]:
        batch: dict[str, list[Place]] = {}
        for tenant in tenants:
            keys = keys_of(tenant)
            (ids,) = await self._store.read(keys, [command(b"ZRANGE", keys.in_progress, b"0", b"-1")])
            kept = await self.by_ids(tenant, [text(call_id).decode() for call_id in listed(ids)])
            places = [Place(k.record.requested_at_us, k.record.call_id) for k in kept if k is not None]
            batch[tenant] = [
                place
                for place in places
                if (before is None or place < before) and (since_us is None or place.at_us >= since_us)
            ]
        return await self._records(batch, Status.IN_PROGRESS)

    async def _records(
        self, batch: dict[str, list[Place]], status: Status | None
    ) -> list[tuple[Place, Kept]]:
        records: list[tuple[Place, Kept]] = []
        for tenant, places in batch.items():
            if not places:
                continue
            for place, kept in zip(
                places, await self.by_ids(tenant, [place.call_id for place in places]), strict=True
            ):
                if kept is not None and status in {None, kept.record.status}:
                    records.append((place, kept))
        return sorted(records, key=lambda record: record[0], reverse=True)

    async def _places(
        self, tenant: str, status: Status | None, before: Place | None, since_us: int | None
    ) -> _Found:
        keys = keys_of(tenant)
        newest = b"+inf" if before is None else b"%d" % before.at_us
        oldest = b"-inf" if since_us is None else b"%d" % since_us
        replies = await self._store.read(
            keys,
            [
                command(
                    b"ZREVRANGEBYSCORE", index, newest, oldest, b"WITHSCORES", b"LIMIT", b"0", b"%d" % _BATCH
                )
                for index in _indexes(keys, status)
            ],
        )
        per_index = [_read_places(reply) for reply in replies]
        horizon = max((places[-1] for places in per_index if len(places) == _BATCH), default=None)
        merged = sorted(
            (
                place
                for places in per_index
                for place in places
                if (before is None or place < before) and (horizon is None or place >= horizon)
            ),
            reverse=True,
        )
        return _Found(tenant, tuple(merged), horizon is None)


def _page(records: Sequence[tuple[Place, Kept]], limit: int) -> Page:
    page = records[:limit]
    cursors = tuple(write_cursor(place) for place, _ in page)
    has_more = len(records) > limit
    return Page(tuple(kept.record for _, kept in page), cursors[-1] if has_more else None, cursors)


def _indexes(keys: TenantKeys, status: Status | None) -> Iterable[bytes]:
    """Where records of a status are: whatever was ever unknown may have any, but in progress."""
    if status is None:
        return keys.index, keys.refunded, keys.unknown
    if status is Status.UNKNOWN:
        return (keys.unknown,)
    if status is Status.REQUESTED:
        return keys.index, keys.unknown
    return keys.refunded, keys.unknown


def _read_places(reply: object) -> list[Place]:
    flat = [text(item) for item in listed(reply)]
    return [
        Place(int(float(score)), call_id.decode())
        for call_id, score in zip(flat[::2], flat[1::2], strict=True)
    ]


__all__ = ["Reading"]
