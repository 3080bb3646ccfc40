"""The stage of a ledger whose disk fails: a small disk, limits, and calls under way meanwhile."""

import contextlib
import json
import resource
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.books import QUOTAS, Dials, await_outcomes, faults_of_calls, faults_of_quotas, read_books
from tests.crash.load import STORE_AWAY, Crowd, Wish, ask, wishes
from tests.house import DOORS, Answer, DoorName, Gateway, Simulator, configuration, tenant, until

TENANT = "acme"
ENOUGH = 40
"""Calls heard of before the trouble begins, and refusals before it ends."""
DISK_BYTES = 4_000_000


@contextmanager
def small_disk(place: Path) -> Iterator[bool]:
    """A disk of its own at `place` while the block runs; False where this user may not mount one."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> None:
    """Leave not one page free."""
    with (place / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))


def limit(gateway: Gateway, place: Path) -> None:
    """No file of the gateway may grow beyond what its log has now: writes fail with EFBIG."""
    size = (place / "ledger.db-wal").stat().st_size
    _, hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def unlimit(gateway: Gateway) -> None:
    _, hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def config_of(directory: Path, place: Path, simulator: Simulator) -> Path:
    """A ledger at `place`, and a spool on a disk that is sound."""
    settings = configuration(
        directory,
        simulator.url,
        {TENANT: tenant(TENANT, quotas=QUOTAS)},
        upstream={"answer_margin_seconds": 1, "circuit": "off"},
        store={"url": f"sqlite://{place}/ledger.db", "spool_directory": str(directory / "spool")},
    )
    config = directory / "gateway.yaml"
    config.write_text(json.dumps(settings))
    return config


def dials(simulator: Simulator) -> Dials:
    found: Dials = defaultdict(list)
    for dial in simulator.dials():
        found[dict(dial["params"])["cnumber"]].append(dial["code"])
    return found


@dataclass
class Day:
    """Calls under way before, in and after a trouble."""

    crowd: Crowd
    thread: threading.Thread

    def ask(self, number: int, door: DoorName = "rest") -> Answer:
        """One more call, with a key of its own."""
        wish = Wish(f"7001{number:04d}0200", door, f"more-{number}", 1)
        heard = ask(self.crowd.gateway, TENANT, wish, door)
        assert heard.answer is not None
        self.crowd.heard.append(heard)
        return heard.answer

    def refused(self) -> int:
        """How many have heard that the store is away."""
        return sum(one.answer is not None and one.answer.code == STORE_AWAY for one in self.crowd.heard)

    def end(self) -> None:
        """No more calls; those under way are waited for."""
        self.crowd.is_over.set()
        self.thread.join(60)


def begun(gateway: Gateway, *, enough: int = ENOUGH, pause_seconds: float = 0.02) -> Day:
    """Calls under way, so many of them answered."""
    crowd = Crowd(gateway, TENANT, wishes(7, "7000"), most=10**6, pause_seconds=pause_seconds)
    thread = threading.Thread(target=crowd.ask)
    thread.start()
    until(lambda: len(crowd.heard) >= enough)
    return Day(crowd, thread)


def faults_of_refusals(day: Day, simulator: Simulator) -> list[str]:
    """Once the disk has failed every call is refused, and nothing more is dialled."""
    until(lambda: day.refused() >= ENOUGH)
    before = len(simulator.dials())
    answers = [day.ask(number, door) for number, door in enumerate(DOORS)]
    found = [
        f"{answer.status} {answer.body}"
        for answer in answers
        if (answer.code, answer.call_state, answer.retryable) != (STORE_AWAY, "UNKNOWN", True)
        or answer.status != (503 if answer.door == "rest" else 200)
    ]
    dialled = len(simulator.dials()) - before
    return found + ([f"{dialled} dials"] if dialled else [])


def spooled(directory: Path) -> int:
    """Bytes of settlements that wait."""
    return sum(path.stat().st_size for path in (directory / "spool").glob("settle-*.spool"))


def faults_of_books(gateway: Gateway, day: Day, simulator: Simulator, directory: Path) -> list[str]:
    """Whatever was told is what is recorded, once what waited is written."""
    until(lambda: not spooled(directory))
    await_outcomes(gateway, TENANT)
    books = read_books(gateway, TENANT, dials(simulator))
    return [*faults_of_quotas(books), *faults_of_calls(books, day.crowd.heard)]
