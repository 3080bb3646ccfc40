"""Noticing that the store lost its data.

The store is founded once: `gateway:epoch` gets a random name, and every tenant's first use puts that
name under the tenant's own marker, which every script checks. A flush takes markers away. So does
nothing else, and a new tenant differs from a lost one by `{gateway:epoch}:tenants`, the set of those
that ever had a marker. A gateway remembers the epoch in memory and in a file, so a store whose epoch
is gone or another is not taken for a new one; a gateway that remembers nothing can't know, so
whoever does remember bars the store for all ("!") until an operator acknowledges the loss.

An acknowledged epoch ("A:") counts only for those whose own it superseded: its name stands for every
epoch that the store had and that gateways missed by then, which they tell the store while they are
closed. So an older state of the store, or another store, is refused though it was acknowledged once.
"""

import secrets
from collections.abc import Callable
from typing import Final

from gateway.ledger import StoreUnavailable
from gateway.ledger.redis.faults import listed, text
from gateway.ledger.redis.keys import EPOCH, MISSED, TENANTS, TenantKeys, keys_of, superseded_by
from gateway.ledger.redis.memory import Memory
from gateway.ledger.redis.resp import command
from gateway.ledger.redis.routing import Servers

_BARRED: Final = b"!"
_FOUNDED: Final = b"N:"
_ACKNOWLEDGED: Final = b"A:"


def emptied(what: str) -> StoreUnavailable:
    """The store lost data: closed until an operator accepts it."""
    return StoreUnavailable(
        "emptied",
        f"{what}: charges and idempotency keys are lost, so every call is refused until an operator runs "
        "`gateway store acknowledge --config FILE`",
    )


class Epoch:
    """The founding of one store, as this gateway knows it."""

    def __init__(self, servers: Servers, memory: Memory, answered: Callable[[object], object]) -> None:
        """`answered` turns error replies into StoreUnavailable."""
        self._servers = servers
        self._memory = memory
        self._answered = answered
        self._seen: set[bytes] = set()

    @property
    def current(self) -> bytes:
        """The epoch's name; empty before it is known."""
        return self._memory.epoch or b""

    def distrust(self, keys: TenantKeys) -> None:
        """The tenant's marker is not what it was: look again before the next step."""
        self._seen.discard(keys.tag)

    def knows(self, keys: TenantKeys) -> bool:
        """Whether the tenant's marker was in order when it was last looked at."""
        return keys.tag in self._seen

    async def ensure(self, keys: TenantKeys) -> None:
        """The tenant's marker is there and is the epoch's. Raises StoreUnavailable("emptied")."""
        is_acknowledged = await self.learn()
        marker = await self._ask(keys.tag, b"GET", keys.marker)
        if marker is None:
            marker = await self._missing(keys)
        if marker != self.current:
            if not is_acknowledged:
                raise emptied(f"the data of tenant {keys.tag.decode()} are of another founding of the store")
            # What was not lost when the loss was acknowledged goes on under the new epoch.
            await self._ask(keys.tag, b"SET", keys.marker, self.current)
        await self._ask(EPOCH, b"SADD", TENANTS, keys.tag)
        self._seen.add(keys.tag)

    async def _missing(self, keys: TenantKeys) -> object:
        is_known = await self._ask(EPOCH, b"SISMEMBER", TENANTS, keys.tag)
        if not is_known:
            await self._ask(keys.tag, b"SET", keys.marker, self.current, b"NX")
        # Another gateway may have put it there between the two looks.
        marker = await self._ask(keys.tag, b"GET", keys.marker)
        if marker is None:
            raise emptied(f"the data of tenant {keys.tag.decode()} are gone from the store")
        return marker

    async def learn(self) -> bool:
        """Find the store's epoch, or found it; whether it was acknowledged. Raises StoreUnavailable."""
        told = await self._ask(EPOCH, b"GET", EPOCH)
        if told is None and self._memory.epoch is None:
            await self._ask(EPOCH, b"SET", EPOCH, _FOUNDED + secrets.token_hex(8).encode(), b"NX")
            told = await self._ask(EPOCH, b"GET", EPOCH)
        if told is None:
            await self._miss()
            # Those who remember nothing must not take it for new.
            await self._ask(EPOCH, b"SET", EPOCH, _BARRED, b"NX")
            raise emptied("the store was emptied")
        told = text(told)
        if told == _BARRED:
            await self._miss()
            raise emptied("the store was emptied")
        epoch, is_acknowledged = told[len(_FOUNDED) :], told.startswith(_ACKNOWLEDGED)
        if epoch != self._memory.epoch:
            self._seen.clear()
            if not (is_acknowledged and await self._is_superseded_by(epoch)) and self._memory.known:
                await self._bar(epoch)
                what = "another one, or an older state of it" if is_acknowledged else "founded anew"
                raise emptied(f"the store is {what}")
            self._memory.learn(epoch)
        return is_acknowledged

    async def _is_superseded_by(self, epoch: bytes) -> bool:
        """Whether who acknowledged that epoch knew of the one that is remembered here."""
        return await self._ask(EPOCH, b"SISMEMBER", superseded_by(epoch), self.current) == 1

    async def _miss(self) -> None:
        """The epoch is gone: say which it was, for an acknowledgement to supersede."""
        self._seen.clear()
        if self._memory.known:
            await self._ask(EPOCH, b"SADD", MISSED, *self._memory.known)

    async def _bar(self, epoch: bytes) -> None:
        """Close the store for all: a newcomer took it for the one that was, and what it is asked may have
        been dialled. Those who know the epoch that is barred will miss it."""
        if not self._memory.is_witness:
            return
        missed = {*self._memory.known, epoch, *await self._members(superseded_by(epoch))}
        await self._ask(EPOCH, b"SADD", MISSED, *missed)
        await self._ask(EPOCH, b"SET", EPOCH, _BARRED)

    async def acknowledge(self) -> None:
        """Begin a new epoch: what is lost is lost, what is there goes on."""
        epoch = secrets.token_hex(8).encode()
        # Known tenants stay known, so that commands that ask for all of them miss nobody's records; those
        # whose marker is lost get the new one, or they would stay closed.
        for tag in await self._members(TENANTS):
            keys = keys_of(tag.decode())
            await self._ask(keys.tag, b"SET", keys.marker, epoch, b"NX")
        superseded = {*self._memory.known, *await self._members(MISSED)}
        told = await self._ask(EPOCH, b"GET", EPOCH)
        if told is not None and told != _BARRED:
            former = text(told)[len(_FOUNDED) :]
            superseded |= {former, *await self._members(superseded_by(former))}
        if superseded:
            await self._ask(EPOCH, b"SADD", superseded_by(epoch), *superseded)
        await self._ask(EPOCH, b"SET", EPOCH, _ACKNOWLEDGED + epoch)
        self._seen.clear()
        self._memory.learn(epoch)

    async def tenants(self) -> list[str]:
        """Every tenant that the store knows."""
        return sorted(tag.decode() for tag in await self._members(TENANTS))

    async def _members(self, key: bytes) -> list[bytes]:
        return [text(member) for member in listed(await self._ask(EPOCH, b"SMEMBERS", key))]

    async def _ask(self, tag: bytes, *words: bytes) -> object:
        return self._answered(await self._servers.ask(tag, command(*words)))


__all__ = ["Epoch", "Memory", "emptied"]
