"""What a spool holds, done tenant by tenant: one whose shard is away holds up no other."""

import logging
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from gateway.ledger import StoreUnavailable
from gateway.ledger.spool import Spool
from gateway.ledger.turns import MOST_FAILURES, Turns

_log = logging.getLogger(__name__)


class Errand(Protocol):
    """What an entry of the spool asks for."""

    @property
    def tenant(self) -> str:
        """Whose it is."""


E = TypeVar("E", bound=Errand)


class Errands(Generic[E]):
    """The spool's entries by tenant, each tenant's in their order. Nobody else takes entries away."""

    def __init__(self, spool: Spool, read: Callable[[bytes], E], run: Callable[[E], Awaitable[None]]) -> None:
        """`read` raises ValueError for an entry that is none; `run` StoreUnavailable for one that must be
        tried again."""
        self._spool = spool
        self._read = read
        self._run = run
        self._turns = Turns()
        self._waiting: dict[str, dict[int, E]] = {}
        self._last = 0
        self._defective: set[int] = set()

    async def run_all(self) -> None:
        """Do what can be done now. A tenant's turn ends where the store is away; an errand that meets a
        defect stays and comes last from then on, each being of a call of its own."""
        self._sort_new()
        await self._turns.each(tuple(self._waiting), self._run_for)

    def _sort_new(self) -> None:
        """Each entry is read once: thousands may wait for a shard, through thousands of rounds."""
        for number, entry in self._spool.since(self._last):
            self._last = number
            try:
                errand = self._read(entry)
            except ValueError:
                self._drop(number)
            else:
                self._waiting.setdefault(errand.tenant, {})[number] = errand

    async def _run_for(self, tenant: str) -> None:
        errands = self._waiting.get(tenant, {})
        defects = 0
        for number, errand in sorted(errands.items(), key=self._is_defective):
            try:
                await self._run(errand)
            except StoreUnavailable:
                raise
            except ValueError:
                self._drop(number)
            except Exception:  # noqa: BLE001 - outermost: a defect that one meets must not stop the others
                if number not in self._defective:
                    self._defective.add(number)
                    _log.exception("an entry of the %s spool can't be done; it stays", self._spool.kind)
                errands[number] = errands.pop(number)
                defects += 1
                if defects == MOST_FAILURES:  # what all meet must not keep the event loop busy
                    break
                continue
            else:
                self._spool.done(number)
            self._defective.discard(number)
            errands.pop(number, None)
        if not errands:
            self._waiting.pop(tenant, None)
        if defects:
            raise StoreUnavailable("defect", "an entry of the spool can't be done")

    def _is_defective(self, item: tuple[int, E]) -> bool:
        return item[0] in self._defective

    def _drop(self, number: int) -> None:
        _log.exception("an entry of the %s spool can't be read and is dropped", self._spool.kind)
        self._spool.done(number)


__all__ = ["Errand", "Errands"]
