"""A gateway process that is to die at a crash point, or whose disk is to fail, or that serves as ever.

By hand: `python -m tests.crash.victim CONFIG STORE 'crash: NAME' HITS`. Tests fork them from a server
that has imported everything already, which saves a second each.
"""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import httpx

from gateway.app import serve
from tests.crash.ailing import fail_when_told
from tests.crash.points import STORES
from tests.crash.trap import Trap, arm
from tests.house import Gateway, ports_of, stop, until

_FORKS: Final = multiprocessing.get_context("forkserver")
_LOCK: Final = threading.Lock()
_FORKS.set_forkserver_preload(["tests.crash.victim", "gateway.ledger.sqlite", "gateway.ledger.redis"])


@dataclass(frozen=True, slots=True)
class Doom:
    """The crash point of a store at which to die, and at which of the times that it is reached.
    `store_pid` is the store's process, for points where that dies or hangs."""

    store: str
    name: str
    hits: int
    store_pid: int = 0

    @property
    def traps(self) -> list[tuple[Trap, int]]:
        """The one that kills, and before it the one that takes the store away."""
        point = STORES[self.store][self.name]
        if point.away is None:
            return [(point.trap, self.hits)]
        away = replace(point.away, act=lambda _: os.kill(self.store_pid, point.away_by))
        return [(away, self.hits), (point.trap, 1)]


@dataclass(frozen=True, slots=True)
class Ailment:
    """The system call that fails once told (see `ailing`), and the errno that it fails with."""

    call: str
    error: int


class _Serving(logging.Handler):
    """Calls `then` when the gateway says that it serves: to trace its start as well takes twice as long."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then = then
        logging.getLogger(serve.__module__).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith("serving on"):
            self._then()


def live(config: Path, fate: Doom | Ailment | None) -> int:
    """Serve until SIGTERM or until doomed; the exit status."""
    if isinstance(fate, Ailment):
        fail_when_told(fate.call, fate.error)
    elif fate is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it; a torn write is to kill
        _Serving(arm(*fate.traps))
    return serve(config)


def _forked(config: Path, log: Path, fate: Doom | Ailment | None) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(out, standard)
    os.close(out)
    sys.exit(live(config, fate))


class Forked:
    """A forked process, asked as a `subprocess.Popen` is; from any thread."""

    def __init__(self, process: BaseProcess) -> None:
        """`process` is started here."""
        self._process = process
        with _LOCK:
            process.start()

    def poll(self) -> int | None:
        """The exit code, None while it runs; minus the signal that ended it."""
        with _LOCK:  # the module reads an exit code once only, and whoever comes second makes one up
            return self._process.exitcode

    def wait(self, timeout: float = 20) -> int:
        """The exit code, in so many seconds at most."""
        until(lambda: self.poll() is not None, timeout)
        return self.poll() or 0

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid or 0

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9."""
        self.send_signal(signal.SIGKILL)


@contextmanager
def serving(config: Path, log: Path, fate: Doom | Ailment | None = None) -> Iterator[Gateway]:
    """A gateway process over a configuration file; ended at the end, unless it has ended."""
    log.touch()
    process: Any = Forked(_FORKS.Process(target=_forked, args=(config, log, fate), daemon=True))
    try:
        port, admin_port = ports_of(process, log)
        url = f"http://127.0.0.1:{port}"
        # Plain HTTP: to load the authorities for every gateway would cost as much as its start.
        with httpx.Client(base_url=url, timeout=60, trust_env=False, verify=False) as client:  # noqa: S501
            yield Gateway(url, f"http://127.0.0.1:{admin_port}", process, log, config, client)
    finally:
        stop(process)


DEATHS: Final = frozenset({-signal.SIGKILL, -signal.SIGXFSZ})
"""The exit codes of a process that died at its crash point."""


if __name__ == "__main__":
    _, _config, _store, _name, _hits = sys.argv
    sys.exit(live(Path(_config), Doom(_store, _name, int(_hits))))
