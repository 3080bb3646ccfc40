"""Notices that watched files changed, however they were changed.

Kernel notices of the files' directories come at once: Kubernetes' swap of `..data`, renames over a
file, editors that write in place. A slow look at the contents finds what no notice told (network and
overlay file systems), and keeps a file that was only touched from counting as changed.
"""

import asyncio
import hashlib
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Final

from watchfiles import awatch

POLL_SECONDS: Final = 0.5
"""Without any notice a change is still seen within the second that a suspension may take."""

_DEBOUNCE_MS: Final = 100
_STEP_MS: Final = 50
_MAX_BYTES: Final = 16_777_216

Fingerprint = dict[Path, bytes | None]
"""A digest of each file's contents; None where it can't be read."""


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """What the files hold now. Blocks while it reads them."""
    return {path: _digest(path) for path in paths}


async def watch(
    paths: Callable[[], Iterable[Path]],
    on_change: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    *,
    seen: Fingerprint | None = None,
    poll_seconds: float = POLL_SECONDS,
) -> None:
    """Awaits `on_change` after the contents of any of the `paths` changed, until `stop` is set.

    `paths` (files; they need not exist) is asked anew each time, as a change may name other files.
    `seen` is what `fingerprint` told before the files were first read; without it, what changed since
    then goes unnoticed. What changes while `on_change` runs is noticed after it; what it raises ends
    the watch.
    """
    known = await asyncio.to_thread(fingerprint, tuple(paths())) if seen is None else seen
    while not stop.is_set():
        directories = await asyncio.to_thread(_directories, tuple(paths()))
        async with aclosing(_ticks(directories, stop, poll_seconds)) as ticks:
            async for _ in ticks:
                now = await asyncio.to_thread(fingerprint, tuple(paths()))
                if now != known and not stop.is_set():
                    # Before the reading, not after: a change in between is then noticed once more.
                    known = now
                    await on_change()
                if await asyncio.to_thread(_directories, tuple(paths())) != directories:
                    break


def _digest(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return hashlib.blake2b(file.read(_MAX_BYTES), digest_size=16).digest()
    except OSError:
        return None


def _directories(paths: Iterable[Path]) -> frozenset[Path]:
    """Where notices of the files can come from: their directories, and those that links lead to."""
    around = {directory for path in paths for directory in (path.parent, path.resolve().parent)}
    return frozenset(directory for directory in around if directory.is_dir())


class _Ended(threading.Event):
    """Set by `stop`, or by awatch for itself where it is cancelled: that must not set `stop`."""

    def __init__(self, stop: asyncio.Event) -> None:
        super().__init__()
        self._stop = stop

    def is_set(self) -> bool:
        return super().is_set() or self._stop.is_set()


async def _ticks(
    directories: frozenset[Path], stop: asyncio.Event, poll_seconds: float
) -> AsyncGenerator[None, None]:
    """One tick for each notice, and one where none came for `poll_seconds`; ends when notices can't come."""
    notices = awatch(
        *directories,
        watch_filter=None,
        debounce=_DEBOUNCE_MS,
        step=_STEP_MS,
        stop_event=_Ended(stop),
        rust_timeout=max(1, int(poll_seconds * 1000)),
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=True,
    )
    yield
    try:
        async with aclosing(notices):
            async for _ in notices:
                yield
    except OSError:
        # A directory vanished, or the kernel has no watch to spare: look again a little later.
        try:
            await asyncio.wait_for(stop.wait(), poll_seconds)
        except TimeoutError:
            yield
