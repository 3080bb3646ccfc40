"""A Valkey whose clock stands still until a test moves it: to the microsecond, and keys expire by it."""

import time
from pathlib import Path

from tests.ledger.valkey import Valkey
from tests.ledger.world import SECOND_US, Clock


class FileClock(Clock):
    """A clock that another process reads from a file, each time that it asks what time it is."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__()

    @property
    def now_us(self) -> int:
        return self._now_us

    @now_us.setter
    def now_us(self, now_us: int) -> None:
        self._now_us = now_us
        seconds, micros = divmod(now_us, SECOND_US)
        # Half a microsecond more, because the library takes the fraction for a double and cuts it.
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds)) + f".{micros:06d}5\n"
        draft = self.file.with_suffix(".draft")
        draft.write_text(moment)
        draft.replace(self.file)


def frozen_valkey(directory: Path) -> tuple[Valkey, FileClock]:
    """The server, not started yet, and its clock. Its monotonic clock stands still as well: it counts
    the moments from the last look at the other one by it."""
    directory.mkdir(parents=True, exist_ok=True)
    clock = FileClock(directory / "clock")
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock.file),
        "FAKETIME_NO_CACHE": "1",
        "TZ": "UTC",
    }
    return Valkey(directory / "valkey", environment=environment), clock
