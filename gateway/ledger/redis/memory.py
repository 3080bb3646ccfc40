"""What a gateway remembers of its store: which founding it was, and which ones came before."""

import logging
import secrets
from pathlib import Path
from typing import Final

_log = logging.getLogger(__name__)


class Memory:
    """The epoch that this gateway knows, kept in `file` (one for each store) over restarts: its first
    line; on the others the epochs that it knew before.

    A `witness` bars a store that is not the one it knows; an operator's command, which may have known
    another store by that name, only refuses to work on it.
    """

    def __init__(self, file: Path | None, *, is_witness: bool = True) -> None:
        """Reads the file where there is one."""
        self._file = file
        self.is_witness: Final = is_witness
        self.known: tuple[bytes, ...] = ()
        if file is not None and file.exists():
            self.known = tuple(file.read_bytes().split())

    @property
    def epoch(self) -> bytes | None:
        """The epoch in force, as far as is known here."""
        return self.known[0] if self.known else None

    def learn(self, epoch: bytes) -> None:
        """Remember an epoch; what can't be written down is forgotten at the next start."""
        if epoch == self.epoch:
            return
        self.known = (epoch, *(old for old in self.known if old != epoch))
        if self._file is None:
            return
        draft = self._file.with_suffix(f".{secrets.token_hex(4)}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(b"\n".join(self.known) + b"\n")
            draft.replace(self._file)
        except OSError as fault:
            _log.error("%s can't be written, so a restart forgets the store's epoch: %s", self._file, fault)


__all__ = ["Memory"]
