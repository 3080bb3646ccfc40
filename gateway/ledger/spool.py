"""What must reach the store some day: kept on disk until it has.

Each process that spools has a journal of its own in the directory. The journal of a process that died
is taken over by any other that looks, so replaying must be harmless. What a failing disk does not take
stays in memory, and is written as soon as the disk takes it: with the next entry, when `adopt` looks
or at the end.
"""

import asyncio
import logging
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from gateway.ledger.journal import Journal, append, begin, end, is_there, look, write_line
from gateway.values import value_class

_log = logging.getLogger(__name__)


@value_class(frozen=True, slots=True)
class Left:
    """Entries that still wait when a spool is closed: `on_disk` for the next process, or `lost`."""

    on_disk: int
    lost: int


@value_class(frozen=True, slots=True)
class _Held:
    """Another's journal, kept locked until the entries that it gave are safe here or done."""

    journal: Journal
    numbers: frozenset[int]


class Spool:
    """Entries that wait, in order of arrival; on disk where there is a directory."""

    def __init__(self, directory: Path | None, kind: str) -> None:
        """`kind` is part of the files' names: spools of other kinds may share the directory."""
        self._directory = directory
        self.kind = kind
        self._journal: Journal | None = None
        self._entries: dict[int, bytes] = {}
        self._saved: set[int] = set()
        self._last = 0
        self._queue: list[tuple[int, bytes]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None
        # A journal that is not whole may end in a torn line, or be gone: nothing is added to it.
        self._is_whole = True
        self._held: list[_Held] = []
        self._troubles: set[str] = set()

    def __len__(self) -> int:
        """How many entries wait."""
        return len(self._entries)

    def since(self, number: int) -> tuple[tuple[int, bytes], ...]:
        """The entries that came after the one of that number, and their numbers, oldest first."""
        newest_first = takewhile(lambda item: item[0] > number, reversed(self._entries.items()))
        return tuple(newest_first)[::-1]

    async def open(self) -> None:
        """Begin a journal and take over those of dead processes. Raises OSError."""
        if self._directory is None:
            return
        self._journal = await asyncio.to_thread(begin, self._directory, self.kind)
        if (fault := await self._look(self._journal, self._directory)) is not None:
            raise fault

    async def adopt(self) -> None:
        """Take over the journals of processes that are gone, and mend one's own where it failed or was
        removed. Faults are logged, when they begin and when they are over."""
        if self._directory is not None and self._journal is not None:
            self._tell("read", await self._look(self._journal, self._directory))

    async def _look(self, own: Journal, directory: Path) -> OSError | None:
        found = await asyncio.to_thread(look, own, directory, self.kind)
        for orphan in found.orphans:
            numbers = frozenset([self._keep(entry) for entry in orphan.entries])
            self._held.append(_Held(orphan.journal, numbers))
        if not found.is_there and self._journal is own:
            self._lose_journal()
        if found.orphans or not self._is_whole:
            await self._written()
        await self._let_go()
        return found.fault

    async def _let_go(self) -> None:
        """Of others' journals whose entries are all safe here, or done."""
        for held in tuple(self._held):
            if held.numbers & self._entries.keys() <= self._saved:
                self._held.remove(held)
                await asyncio.to_thread(end, held.journal, is_over=True)

    async def add(self, entry: bytes) -> int:
        """Keep an entry; it is on disk when this returns. A disk that fails is logged: memory has it."""
        number = self._keep(entry)
        if self._journal is not None:
            await self._written()
        return number

    def done(self, number: int) -> None:
        """Forget an entry. Not fsynced: to do it once more is harmless."""
        self._entries.pop(number, None)
        self._saved.discard(number)
        # A journal that is not whole is written anew, without it.
        if self._journal is not None and self._is_whole:
            self._queue.append((number, write_line(b"-", number)))
            self._write_soon()

    def _keep(self, entry: bytes) -> int:
        self._last += 1
        self._entries[self._last] = entry
        if self._journal is not None:
            self._queue.append((self._last, write_line(b"+", self._last, entry)))
        return self._last

    async def _written(self) -> None:
        """Return once all that waits has been written, as far as the disk takes it."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._write_soon()
        await asyncio.shield(waiter)

    def _write_soon(self) -> None:
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        """Everything that waits, batch by batch: many entries share one fsync."""
        try:
            while (self._queue or self._waiters) and self._journal is not None:
                batch, self._queue = self._queue, []
                waiters, self._waiters = self._waiters, []
                try:
                    await self._write(batch, self._journal)
                except OSError as fault:
                    self._tell("written", fault)
                else:
                    self._tell("written", None)
                for waiter in waiters:
                    if not waiter.done():
                        waiter.set_result(None)
        finally:
            self._writing = None

    async def _write(self, batch: list[tuple[int, bytes]], journal: Journal) -> None:
        """Raises OSError, where no other journal can take it either."""
        if self._is_whole:
            # Where nothing waits but what is written now, the journal begins anew.
            begins_anew = self._entries.keys() <= {number for number, _ in batch}
            lines = b"".join(line for number, line in batch if not begins_anew or number in self._entries)
            try:
                await asyncio.to_thread(append, journal, lines, begins_anew=begins_anew)
            except FileNotFoundError:
                self._lose_journal()
            except OSError:
                self._is_whole = False
            else:
                self._save(number for number, _ in batch)
        if not self._is_whole:
            await self._begin_anew(journal)

    async def _begin_anew(self, old: Journal) -> None:
        """Another journal, with all that waits, so that nothing queued is left to write. Raises OSError:
        the old one stays then, as it is."""
        entries = dict(self._entries)
        self._queue.clear()
        lines = b"".join(write_line(b"+", number, entry) for number, entry in entries.items())
        self._journal = await asyncio.to_thread(begin, old.path.parent, self.kind, lines)
        self._is_whole = True
        self._save(entries)
        done = entries.keys() - self._entries.keys()
        self._queue += [(number, write_line(b"-", number)) for number in done]
        _log.warning("the spool was written anew, with %d entries: %s", len(entries), self._journal.path)
        await asyncio.to_thread(end, old, is_over=True)

    def _save(self, numbers: Iterable[int]) -> None:
        self._saved.update(self._entries.keys() & numbers)

    def _lose_journal(self) -> None:
        self._is_whole = False
        self._saved.clear()

    def _tell(self, what: str, fault: OSError | None) -> None:
        """Log a trouble when it begins and when it is over: it may last for thousands of tries."""
        if fault is not None and what not in self._troubles:
            self._troubles.add(what)
            _log.error("the %s spool in %s can't be %s: %s", self.kind, self._directory, what, fault)
        elif fault is None and what in self._troubles:
            self._troubles.discard(what)
            _log.warning("the %s spool in %s can be %s again", self.kind, self._directory, what)

    async def close(self) -> Left:
        """Write what waits. The journal stays where entries do, for the next process."""
        if self._writing is not None:
            await self._writing
        if self._journal is None:
            return Left(0, len(self._entries))
        if self._entries:
            await self._written()
        await self._let_go()
        safe = self._saved.union(*(held.numbers for held in self._held if is_there(held.journal)))
        for held in self._held:
            end(held.journal, is_over=False)
        self._held.clear()
        end(self._journal, is_over=not self._entries)
        self._journal = None
        lost = len(self._entries.keys() - safe)
        return Left(len(self._entries) - lost, lost)


__all__ = ["Left", "Spool"]
