"""A spool's file on disk, locked while its process lives.

A line is a check, a sign (+ for an entry, - for one that is done), a number and the entry; a line that
was torn by a crash fails its check and counts for nothing. What was written once is never repaired in
place: after any fault a journal is begun anew with all that waits, and only then is the old one removed.
So whatever happens, some file has each entry whole, and replaying one twice must be harmless.
"""

import binascii
import contextlib
import errno
import fcntl
import os
import re
import secrets
from pathlib import Path
from typing import Final

from gateway.values import value_class

_LINE: Final = re.compile(rb"([0-9a-f]{8}) (([+-])([0-9]+)(?: (.*))?)")


@value_class(frozen=True, slots=True)
class Journal:
    """One file, open and locked by this process."""

    path: Path
    handle: int


@value_class(frozen=True, slots=True)
class Orphan:
    """The journal of a process that is gone, locked by this one now, and what waits in it."""

    journal: Journal
    entries: tuple[bytes, ...]


@value_class(frozen=True, slots=True)
class Look:
    """What a look into the directory found: whether one's own journal is there, what others left, and
    the first fault."""

    is_there: bool
    orphans: tuple[Orphan, ...]
    fault: OSError | None


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


def begin(directory: Path, kind: str, content: bytes = b"") -> Journal:
    """A new journal that has `content`, on disk. Raises OSError, and leaves nothing then."""
    directory.mkdir(parents=True, exist_ok=True)
    name = f"{kind}-{os.getpid()}-{secrets.token_hex(4)}"
    draft, path = directory / f"{name}.new", directory / f"{name}.spool"
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        # Locked before it has the name that others look for: nobody takes over a living journal.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.rename(path)
        _sync_directory(directory)
        if content:
            _append(handle, content, begins_anew=False)
    except OSError:
        for left in (draft, path):
            with contextlib.suppress(OSError):
                left.unlink()
        os.close(handle)
        raise
    return Journal(path, handle)


def is_there(journal: Journal) -> bool:
    """Whether its path still leads to it: what is written to a file that was removed is lost."""
    try:
        return os.path.samestat(journal.path.stat(), os.fstat(journal.handle))
    except OSError:
        return False


def append(journal: Journal, content: bytes, *, begins_anew: bool) -> None:
    """Write to a journal, which is emptied first where it `begins_anew`; on disk when this returns.

    Raises FileNotFoundError where the journal was removed, and OSError: a line may be torn then.
    """
    if not is_there(journal):
        raise FileNotFoundError(errno.ENOENT, "it was removed", str(journal.path))
    _append(journal.handle, content, begins_anew=begins_anew)


def end(journal: Journal, *, is_over: bool) -> None:
    """Let go of a journal, and remove it where it `is_over`: where that fails it is replayed once more."""
    if is_over and is_there(journal):
        with contextlib.suppress(OSError):
            journal.path.unlink()
    os.close(journal.handle)


def look(own: Journal, directory: Path, kind: str) -> Look:
    """See to one's own journal and take over what dead processes left; one's own locks keep this from
    finding the same orphan twice."""
    orphans: list[Orphan] = []
    first: OSError | None = None
    for path in sorted(directory.glob(f"{kind}-*.spool")):
        try:
            orphan = _orphan(path)
        except FileNotFoundError:
            continue
        except OSError as fault:
            first = first or fault
            continue
        if orphan is not None:
            orphans.append(orphan)
    return Look(is_there(own), tuple(orphans), first)


def _orphan(path: Path) -> Orphan | None:
    """What is at `path`, unless a living process holds it. Raises OSError."""
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    journal = Journal(path, handle)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_free = False
        else:
            # Who held it until now may have removed it.
            is_free = is_there(journal)
        if is_free:
            return Orphan(journal, tuple(read_lines(path.read_bytes()).values()))
    except OSError:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _append(handle: int, content: bytes, *, begins_anew: bool) -> None:
    if begins_anew:
        os.ftruncate(handle, 0)
        if not content:
            return
    written = 0
    while written < len(content):
        written += os.write(handle, content[written:])
    os.fsync(handle)


__all__ = [
    "Journal",
    "Look",
    "Orphan",
    "append",
    "begin",
    "end",
    "is_there",
    "look",
    "read_lines",
    "write_line",
]
