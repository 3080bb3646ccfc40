"""What must reach the store some day: kept on disk until it has.

Each process that spools has a journal of its own in the directory, locked while it lives. A line is
a check, a sign (+ for an entry, - for one that is done), a number and the entry; a line that was torn
by a crash fails its check and counts for nothing, which is why `add` returns after the fsync. The
journal of a process that died is taken over by any other that looks, so replaying must be harmless.
"""

import asyncio
import binascii
import contextlib
import fcntl
import logging
import os
import re
import secrets
from pathlib import Path
from typing import Final

from gateway.values import value_class

_LINE: Final = re.compile(rb"([0-9a-f]{8}) (([+-])([0-9]+)(?: (.*))?)")
_log = logging.getLogger(__name__)


@value_class(frozen=True, slots=True)
class Journal:
    """One process's file, open and locked."""

    path: Path
    handle: int


def write_line(sign: bytes, number: int, entry: bytes = b"") -> bytes:
    """One line of a journal; `entry` has no line break."""
    body = sign + b"%d" % number + (b" " + entry if entry else b"")
    return b"%08x %b\n" % (binascii.crc32(body), body)


def read_lines(content: bytes) -> dict[int, bytes]:
    """The entries that are not done, in their order."""
    entries: dict[int, bytes] = {}
    for line in content.split(b"\n"):
        match = _LINE.fullmatch(line)
        if match is None or int(match[1], 16) != binascii.crc32(match[2]):
            continue
        if match[3] == b"+":
            entries[int(match[4])] = match[5] or b""
        else:
            entries.pop(int(match[4]), None)
    return entries


class Spool:
    """Entries that wait, in order of arrival; on disk where there is a directory."""

    def __init__(self, directory: Path | None, kind: str) -> None:
        """`kind` is part of the files' names: spools of other kinds may share the directory."""
        self._directory = directory
        self._kind = kind
        self._journal: Journal | None = None
        self._entries: dict[int, bytes] = {}
        self._last = 0
        self._queue: list[tuple[int, bytes]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None
        self._is_failing = False

    def __len__(self) -> int:
        """How many entries wait."""
        return len(self._entries)

    @property
    def has_directory(self) -> bool:
        """Whether entries outlive the process."""
        return self._directory is not None

    def entries(self) -> tuple[bytes, ...]:
        """Every entry that waits, oldest first."""
        return tuple(self._entries.values())

    def first(self) -> tuple[int, bytes] | None:
        """The oldest entry and its number."""
        return next(iter(self._entries.items()), None)

    async def open(self) -> None:
        """Begin a journal and take over those of dead processes. Raises OSError."""
        if self._directory is None:
            return
        self._journal = await asyncio.to_thread(_begin, self._directory, self._kind)
        await self.adopt()

    async def adopt(self) -> None:
        """Take over the journals of processes that are gone. Raises OSError."""
        if self._directory is None or self._journal is None:
            return
        for orphan in await asyncio.to_thread(_orphans, self._directory, self._kind):
            try:
                content = await asyncio.to_thread(orphan.path.read_bytes)
                for entry in read_lines(content).values():
                    await self.add(entry)
                if not self._is_failing:
                    await asyncio.to_thread(orphan.path.unlink)
            finally:
                os.close(orphan.handle)

    async def add(self, entry: bytes) -> int:
        """Keep an entry; it is on disk when this returns. A disk that fails is logged: memory has it."""
        self._last += 1
        number = self._last
        self._entries[number] = entry
        if self._journal is not None:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            self._write(number, write_line(b"+", number, entry))
            await asyncio.shield(waiter)
        return number

    def done(self, number: int) -> None:
        """Forget an entry. Not fsynced: to do it once more is harmless."""
        self._entries.pop(number, None)
        if self._journal is not None:
            self._write(number, write_line(b"-", number))

    def _write(self, number: int, line: bytes) -> None:
        self._queue.append((number, line))
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        """Everything that waits, batch by batch: many entries share one fsync."""
        try:
            while self._queue and self._journal is not None:
                batch, self._queue = self._queue, []
                waiters, self._waiters = self._waiters, []
                # Where nothing waits but what is written now, the journal begins anew.
                begins_anew = self._entries.keys() <= {number for number, _ in batch}
                lines = b"".join(line for number, line in batch if not begins_anew or number in self._entries)
                try:
                    await asyncio.to_thread(_append, self._journal.handle, lines, begins_anew=begins_anew)
                    self._is_failing = False
                except OSError as fault:
                    self._is_failing = True
                    _log.error("the spool %s can't be written: %s", self._journal.path, fault)
                for waiter in waiters:
                    if not waiter.done():
                        waiter.set_result(None)
        finally:
            self._writing = None

    async def close(self) -> None:
        """Write what waits. The journal stays where entries do, for the next process."""
        if self._writing is not None:
            await self._writing
        if self._journal is not None:
            if not self._entries:
                with contextlib.suppress(FileNotFoundError):
                    self._journal.path.unlink()
            os.close(self._journal.handle)
            self._journal = None


def _begin(directory: Path, kind: str) -> Journal:
    directory.mkdir(parents=True, exist_ok=True)
    name = f"{kind}-{os.getpid()}-{secrets.token_hex(4)}"
    draft = directory / f"{name}.new"
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
    # Locked before it has the name that others look for: nobody takes over a living journal.
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    path = directory / f"{name}.spool"
    draft.rename(path)
    _sync_directory(directory)
    return Journal(path, handle)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _orphans(directory: Path, kind: str) -> list[Journal]:
    """Journals whose process is gone, locked now by this one."""
    orphans = []
    for path in sorted(directory.glob(f"{kind}-*.spool")):
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_there = path.exists()
        except OSError:
            is_there = False
        if is_there:
            orphans.append(Journal(path, handle))
        else:
            os.close(handle)
    return orphans


def _append(handle: int, content: bytes, *, begins_anew: bool) -> None:
    if begins_anew:
        os.ftruncate(handle, 0)
        if not content:
            return
    written = 0
    while written < len(content):
        written += os.write(handle, content[written:])
    os.fsync(handle)


__all__ = ["Spool", "read_lines", "write_line"]
