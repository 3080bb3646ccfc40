"""Noticing that the store lost its data.

The store is founded once: `gateway:epoch` gets a random name, and every tenant's first use puts that
name under the tenant's own marker, which every script checks. A flush takes markers away. So does
nothing else, and a new tenant differs from a lost one by `{gateway:epoch}:tenants`, the set of those
that ever had a marker. A gateway remembers the epoch in memory and in a file, so a store whose epoch
is gone or another is not taken for a new one; a gateway that remembers nothing can't know, so
whoever does remember bars the store for all ("!") until an operator acknowledges the loss.
"""

import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.ledger import StoreUnavailable
from gateway.ledger.redis.faults import listed, text
from gateway.ledger.redis.keys import EPOCH, TENANTS, TenantKeys, keys_of
from gateway.ledger.redis.resp import command
from gateway.ledger.redis.routing import Servers

_BARRED: Final = b"!"
_FOUNDED: Final = b"N:"
_ACKNOWLEDGED: Final = b"A:"
_log = logging.getLogger(__name__)


def emptied(what: str) -> StoreUnavailable:
    """The store lost data: closed until an operator accepts it."""
    return StoreUnavailable(
        "emptied",
        f"{what}: charges and idempotency keys are lost, so every call is refused until an operator runs "
        "`gateway store acknowledge --config FILE`",
    )


class Memory:
    """The epoch that this gateway knows, kept in `file` (one for each store) over restarts.

    A `witness` bars a store that is not the one it knows; an operator's command, which may have known
    another store by that name, only refuses to work on it.
    """

    def __init__(self, file: Path | None, *, is_witness: bool = True) -> None:
        """Reads the file where there is one."""
        self._file = file
        self.is_witness: Final = is_witness
        self.epoch: bytes | None = None
        if file is not None and file.exists():
            self.epoch = file.read_bytes().strip() or None

    def learn(self, epoch: bytes) -> None:
        """Remember an epoch; what can't be written down is forgotten at the next start."""
        if epoch == self.epoch:
            return
        self.epoch = epoch
        if self._file is None:
            return
        draft = self._file.with_suffix(f".{secrets.token_hex(4)}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(epoch + b"\n")
            draft.replace(self._file)
        except OSError as fault:
            _log.error("%s can't be written, so a restart forgets the store's epoch: %s", self._file, fault)


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
            # Those who remember nothing must not take it for new.
            await self._ask(EPOCH, b"SET", EPOCH, _BARRED, b"NX")
            self._seen.clear()
            raise emptied("the store was emptied")
        told = text(told)
        epoch = told[len(_FOUNDED) :]
        is_acknowledged = told.startswith(_ACKNOWLEDGED)
        if told == _BARRED:
            self._seen.clear()
            raise emptied("the store was emptied")
        if not is_acknowledged and self._memory.epoch not in {None, epoch}:
            self._seen.clear()
            if self._memory.is_witness:
                # A newcomer took it for new. It must not go on: what it is asked may have been dialled.
                await self._ask(EPOCH, b"SET", EPOCH, _BARRED)
            raise emptied("the store was founded anew")
        if epoch != self._memory.epoch:
            self._seen.clear()
            self._memory.learn(epoch)
        return is_acknowledged

    async def acknowledge(self) -> None:
        """Begin a new epoch: what is lost is lost, what is there goes on."""
        epoch = secrets.token_hex(8).encode()
        # Known tenants stay known, so that commands that ask for all of them miss nobody's records; those
        # whose marker is lost get the new one, or they would stay closed.
        for tag in listed(await self._ask(EPOCH, b"SMEMBERS", TENANTS)):
            keys = keys_of(text(tag).decode())
            await self._ask(keys.tag, b"SET", keys.marker, epoch, b"NX")
        await self._ask(EPOCH, b"SET", EPOCH, _ACKNOWLEDGED + epoch)
        self._seen.clear()
        self._memory.learn(epoch)

    async def tenants(self) -> list[str]:
        """Every tenant that the store knows."""
        members = listed(await self._ask(EPOCH, b"SMEMBERS", TENANTS))
        return sorted(text(member).decode() for member in members)

    async def _ask(self, tag: bytes, *words: bytes) -> object:
        return self._answered(await self._servers.ask(tag, command(*words)))


__all__ = ["Epoch", "Memory", "emptied"]
