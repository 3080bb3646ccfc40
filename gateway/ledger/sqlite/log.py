"""The embedded ledger's write-ahead log, synced by the writer itself.

SQLite commits without a sync (`synchronous = NORMAL`), and whoever has admitted a call syncs the log before
telling so: a settlement that shares the commit is told without that wait, and no commit sets SQLite's mode.

A sync that fails may have lost what was written before it, though a later one succeeds
(https://wiki.postgresql.org/wiki/Fsync_Errors). Nothing that follows in the log would outlive a loss of power
then, so nothing more is admitted until all of it has been copied to the ledger's own file, and the log begun
anew.
"""

import logging
import os
from pathlib import Path
from typing import Final

import apsw

from gateway.ledger import StoreUnavailable

_SYNC: Final = "fdatasync" if hasattr(os, "fdatasync") else "fsync"  # as SQLite does
_log = logging.getLogger(__name__)


class Log:
    """The log of one open connection; of a store in memory there is none. Belongs to the writer's thread."""

    def __init__(self, connection: apsw.Connection, path: Path | None, *, is_behind: bool) -> None:
        """The connection has read or written once, which makes the file. Raises StoreUnavailable."""
        self._connection = connection
        self._path = path
        self._descriptor: int | None = None
        if path is not None:
            try:
                # SQLite's locks are on its other files: to close this descriptor drops none.
                self._descriptor = os.open(connection.filename_wal, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                raise StoreUnavailable("missing", f"the ledger {path}: its log: {error.strerror}") from error
        self.is_sound = True
        self.is_behind = is_behind
        """Whether something was committed that must be on the disk before it is told."""

    def sync(self) -> None:
        """Bring what must be there to the disk. Raises StoreUnavailable."""
        if self._descriptor is None or not self.is_behind:
            return
        self.expect_sound()
        try:
            getattr(os, _SYNC)(self._descriptor)
        except OSError as error:
            self.is_sound = False
            _log.error("the ledger %s can't be synced: %s", self._path, error.strerror)
            self.expect_sound()
        self.is_behind = False

    def expect_sound(self) -> None:
        """Raises StoreUnavailable where a sync failed and nothing has mended that since."""
        if not self.is_sound:
            raise StoreUnavailable("io", f"the ledger {self._path}: its disk fails to sync: mend that")

    def mend(self) -> None:
        """After a sync that failed: copy all to the ledger's file, sync that, and begin the log anew. Where
        the disk still fails, or somebody reads, it stays unsound."""
        try:
            ((is_busy, *_),) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if self._descriptor is not None:
                getattr(os, _SYNC)(self._descriptor)
        except (apsw.Error, OSError):
            return
        self.is_sound = not is_busy
        if self.is_sound:
            _log.warning("the ledger %s is synced again", self._path)

    def close(self) -> None:
        """Let go of the file; before the connection is closed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


__all__ = ["Log"]
