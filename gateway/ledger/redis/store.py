"""The store as the ledger's verbs see it: scripts and reads of one tenant's keys, checked against the
epoch, every fault a StoreUnavailable."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from gateway.ledger import StoreUnavailable
from gateway.ledger.redis.epoch import Epoch, emptied
from gateway.ledger.redis.faults import Doubtful, NotSent, Unanswered, listed
from gateway.ledger.redis.keys import EPOCH, UNUSED, TenantKeys
from gateway.ledger.redis.memory import Memory
from gateway.ledger.redis.node import Node
from gateway.ledger.redis.resp import ErrorReply, bulk, command
from gateway.ledger.redis.routing import Servers
from gateway.ledger.redis.scripts import PEEK, SCRIPTS, Script

_DID_NOTHING: Final = frozenset(
    {
        "ASK",
        "BUSY",
        "CLUSTERDOWN",
        "CROSSSLOT",
        "LOADING",
        "MASTERDOWN",
        "MISCONF",
        "MOVED",
        "NOAUTH",
        "NOREPLICAS",
        "NOSCRIPT",
        "OOM",
        "READONLY",
        "TRYAGAIN",
    }
)
"""Errors that come before a script's first write, so that nothing was written."""

_SAFE_POLICY: Final = b"noeviction"
_TIME: Final = command(b"TIME")
_POLICY: Final = command(b"CONFIG", b"GET", b"maxmemory-policy")

_MOST_REFUSED: Final = 16
"""Tenants whose refused step is remembered: one for each server of a cluster would do."""

_log = logging.getLogger(__name__)


class Store:
    """One store, standalone or a cluster."""

    def __init__(self, servers: Servers, memory: Memory, patience_seconds: float) -> None:
        """Nothing is asked of the store before `inspect` or a verb. `patience_seconds` is for all the
        looks together that a tenant's first use takes."""
        self._servers = servers
        self._patience_seconds = patience_seconds
        self.epoch = Epoch(servers, memory, self._answered)
        self._offset_us: int | None = None
        self._is_inspected = False
        self._inspected: set[tuple[str, int]] = set()
        self._refused: dict[bytes, TenantKeys] = {}
        self._inspecting = asyncio.Lock()

    @property
    def now_us(self) -> int:
        """The store's clock, from its last word on it and this machine's monotonic one; 0 before."""
        return 0 if self._offset_us is None else time.monotonic_ns() // 1000 + self._offset_us

    def _clock_told(self, now_us: int) -> None:
        self._offset_us = now_us - time.monotonic_ns() // 1000

    def _time_told(self, reply: object) -> None:
        match reply:
            case [bytes(seconds), bytes(micros)]:
                self._clock_told(int(seconds) * 1_000_000 + int(micros))

    async def inspect(self) -> None:
        """Refuse a store that may drop what it was told; found its epoch. Raises StoreUnavailable.

        A cluster's server that is away is looked at before the first use of a tenant whose keys it holds,
        so that the tenants of the others need not wait for it.
        """
        async with self._inspecting:
            if self._is_inspected:
                return
            try:
                await self._inspect_server(await self._servers.holder(EPOCH))
                away = await self._inspect_others()
                await self.epoch.learn()
                self._time_told(await self._servers.ask(EPOCH, _TIME))
            except (NotSent, Unanswered) as fault:
                raise StoreUnavailable(fault.kind, str(fault)) from None
            self._is_inspected = True
            for why in away:
                _log.warning("the tenants of a server of the store are refused until it is back: %s", why)

    async def _inspect_others(self) -> list[NotSent | Unanswered]:
        """Why some could not be looked at. Raises StoreUnavailable."""
        looks = [self._inspect_server(node) for node in await self._servers.all()]
        away: list[NotSent | Unanswered] = []
        for fault in await asyncio.gather(*looks, return_exceptions=True):
            if isinstance(fault, NotSent | Unanswered):
                away.append(fault)
            elif fault is not None:
                raise fault
        return away

    async def _inspect_server(self, node: Node) -> None:
        """Once for each. Raises NotSent, Unanswered, and StoreUnavailable where it may drop what it holds."""
        place = (node.host, node.port)
        if place not in self._inspected:
            policy, *_ = await node.ask_many([_POLICY, *(script.load for script in SCRIPTS)])
            _check_policy(policy)
            self._inspected.add(place)

    async def run(
        self, script: Script, keys: TenantKeys, names: Sequence[bytes], arguments: bytes, count: int
    ) -> list[object]:
        """A script's answer. KEYS are the marker and `names`; ARGV the epoch and `count` words.

        Raises Doubtful where it may have happened, StoreUnavailable where it did not.
        """
        try:
            for _ in range(2):
                if not (self._is_inspected and self.epoch.knows(keys)):
                    await self._make_ready(keys)
                head = bulk((self.epoch.current,))
                try:
                    reply = await script.run(
                        self._servers, keys.tag, (keys.marker, *names), head + arguments, count + 1
                    )
                except NotSent as unsent:
                    raise StoreUnavailable(unsent.kind, str(unsent)) from None
                except Unanswered as unheard:
                    raise Doubtful(unheard.kind, str(unheard)) from None
                answer = listed(self._answered(reply))
                if answer[0] != b"epoch":
                    if len(answer) > 1 and isinstance(answer[1], int):
                        self._clock_told(answer[1])
                    return answer
                self.epoch.distrust(keys)
            raise emptied("the store was emptied")
        except StoreUnavailable:
            self._refused[keys.tag] = keys
            if len(self._refused) > _MOST_REFUSED:
                del self._refused[next(iter(self._refused))]
            raise

    async def read(self, keys: TenantKeys, commands: Sequence[bytes]) -> list[object]:
        """Replies of commands that change nothing but what is over. Raises StoreUnavailable."""
        check = [command(b"GET", keys.marker), _TIME]
        for _ in range(2):
            if not (self._is_inspected and self.epoch.knows(keys)):
                await self._make_ready(keys)
            try:
                replies = await self._servers.ask_many(keys.tag, [*check, *commands])
            except (NotSent, Unanswered) as fault:
                raise StoreUnavailable(fault.kind, str(fault)) from None
            marker, moment, *answers = [self._answered(reply) for reply in replies]
            self._time_told(moment)
            if marker == self.epoch.current:
                return answers
            self.epoch.distrust(keys)
        raise emptied("the store was emptied")

    async def look_around(self) -> None:
        """Take `now_us` anew from the store, and see that its epoch is there. Raises StoreUnavailable."""
        try:
            await self.epoch.learn()
            self._time_told(await self._servers.ask(EPOCH, _TIME))
        except (NotSent, Unanswered) as fault:
            raise StoreUnavailable(fault.kind, str(fault)) from None

    async def try_steps(self) -> None:
        """See that steps can be taken, which reading does not tell: a full store and a replica read on.

        Writes what changes nothing; where a tenant's step was refused that and a script are tried there,
        until they go through. Raises StoreUnavailable.
        """
        try:
            await self._try_writing(EPOCH, UNUSED)
            for keys in list(self._refused.values()):
                await self._try_writing(keys.tag, keys.unused)
                await self.run(PEEK, keys, (), b"", 0)
                self._refused.pop(keys.tag, None)
        except (NotSent, Unanswered) as fault:
            raise StoreUnavailable(fault.kind, str(fault)) from None

    async def _try_writing(self, tag: bytes, unused: bytes) -> None:
        """A write like any other to the store, and to a key that never is."""
        self._answered(await self._servers.ask(tag, command(b"SET", unused, b"", b"XX")))

    async def tenants(self) -> list[str]:
        """Every tenant that the store knows. Raises StoreUnavailable."""
        try:
            return await self.epoch.tenants()
        except (NotSent, Unanswered) as fault:
            raise StoreUnavailable(fault.kind, str(fault)) from None

    async def acknowledge(self) -> None:
        """Begin a new epoch. Raises StoreUnavailable."""
        try:
            await self.epoch.acknowledge()
        except (NotSent, Unanswered) as fault:
            raise StoreUnavailable(fault.kind, str(fault)) from None

    async def _make_ready(self, keys: TenantKeys) -> None:
        """What a store's and a tenant's first use take; as it may be many steps, all are bounded as one."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                if not self._is_inspected:
                    await self.inspect()
                await self._inspect_server(await self._servers.holder(keys.tag))
                await self.epoch.ensure(keys)
        except (NotSent, Unanswered) as fault:
            raise StoreUnavailable(fault.kind, str(fault)) from None
        except TimeoutError:
            raise StoreUnavailable("timeout", f"the store took over {self._patience_seconds:g} s") from None

    def _answered(self, reply: object) -> object:
        if isinstance(reply, ErrorReply):
            if reply.code in _DID_NOTHING:
                raise StoreUnavailable(reply.code.lower(), f"the store refused: {reply.text}")
            raise Doubtful("error", f"the store failed: {reply.text}")
        return reply

    async def close(self) -> None:
        """Let go of the store."""
        await self._servers.close()


def _check_policy(reply: object) -> None:
    match reply:
        case [_, bytes(policy)] if policy != _SAFE_POLICY:
            raise StoreUnavailable(
                "eviction",
                f"the store evicts keys (maxmemory-policy {policy.decode()}), which would forget charges and "
                "idempotency keys: set maxmemory-policy noeviction",
            )
        case [_, bytes()]:
            return
        case _:
            _log.warning("the store does not tell its maxmemory-policy: see to it that it is noeviction")


__all__ = ["Store"]
