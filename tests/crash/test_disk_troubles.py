"""A disk that fills, fails or is damaged under the embedded ledger while calls come in: answers are
closed, nothing is dialled unrecorded, nothing admitted is lost, and with a sound disk it goes on."""

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.ailing import tell
from tests.crash.disk import (
    ENOUGH,
    TENANT,
    begun,
    config_of,
    faults_of_books,
    faults_of_refusals,
    fill,
    limit,
    small_disk,
    unlimit,
)
from tests.crash.load import STORE_AWAY
from tests.crash.victim import Ailment, serving
from tests.house import Simulator, simulated, stop, until


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """The upstream, whose ledger tells every dial."""
    with simulated(tmp_path / "dials.jsonl") as found:
        yield found


def refused_start(config: Path, *prefix: str) -> str:
    """The one line that says why a gateway, run under `prefix`, does not start."""
    command = [*prefix, sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1, done
    (line,) = done.stderr.strip().splitlines()
    return line


def test_a_disk_that_is_full_for_a_while(simulator: Simulator, tmp_path: Path) -> None:
    """Refused while no page is free; then it goes on by itself, and what was told meanwhile is recorded.
    Where no disk may be mounted, a limit on the size of files plays the full one."""
    place = tmp_path / "disk"
    with small_disk(place) as is_mounted:
        config = config_of(tmp_path, place, simulator)
        with serving(config, tmp_path / "gateway.log") as gateway:
            day = begun(gateway)
            fill(place) if is_mounted else limit(gateway, place)
            assert not faults_of_refusals(day, simulator)
            kind = "full" if is_mounted else "io"
            assert gateway.metric("gateway_ledger_errors_total", kind=kind) > 0
            (place / "filler").unlink() if is_mounted else unlimit(gateway)
            until(lambda: day.ask(9).status == 201)
            day.end()
            assert not faults_of_books(gateway, day, simulator, tmp_path)


def test_a_disk_that_takes_no_more_writes_for_a_while(simulator: Simulator, tmp_path: Path) -> None:
    """The same where writing fails with another error than a full disk's."""
    config = config_of(tmp_path, tmp_path, simulator)
    with serving(config, tmp_path / "gateway.log") as gateway:
        day = begun(gateway)
        limit(gateway, tmp_path)
        assert not faults_of_refusals(day, simulator)
        assert gateway.metric("gateway_ledger_errors_total", kind="io") > 0
        unlimit(gateway)
        until(lambda: day.ask(9).status == 201)
        day.end()
        assert not faults_of_books(gateway, day, simulator, tmp_path)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    ("call", "error", "kind"),
    [
        ("fdatasync", errno.EIO, "io"),
        ("pwrite64", errno.EIO, "io"),
        ("pwrite64", errno.EROFS, "io"),
        ("pwrite64", errno.ENOSPC, "full"),
    ],
)
def test_a_disk_that_fails_for_good(
    call: str, error: int, kind: str, how: signal.Signals, simulator: Simulator, tmp_path: Path
) -> None:
    """Refused until the process ends, in peace or by kill -9; the next one, on a sound disk, finds
    everything that was admitted, and writes down what was told when the disk no longer took it."""
    config = config_of(tmp_path, tmp_path, simulator)
    with serving(config, tmp_path / "gateway.log", Ailment(call, error)) as gateway:
        day = begun(gateway)
        tell(gateway.process.pid)
        assert not faults_of_refusals(day, simulator)
        assert gateway.metric("gateway_ledger_errors_total", kind=kind) > 0
        day.end()
        assert stop(gateway.process, how) == (0 if how == signal.SIGTERM else -how)
    with serving(config, tmp_path / "again.log") as again:
        assert not faults_of_books(again, day, simulator, tmp_path)


def test_a_full_disk_refuses_the_start(simulator: Simulator, tmp_path: Path) -> None:
    """One line that names the file and what to mend; with room again nothing that was admitted is lost."""
    place = tmp_path / "disk"
    with small_disk(place) as is_mounted:
        config = config_of(tmp_path, place, simulator)
        with serving(config, tmp_path / "gateway.log") as gateway:
            # Few and slowly: once the WAL has been begun anew, its file has room of its own on a full disk.
            day = begun(gateway, enough=5, pause_seconds=0.2)
            # A call in progress is what the next start must write down; without one it needs no room.
            simulator.process.send_signal(signal.SIGSTOP)
            until(lambda: gateway.calls(TENANT, status="IN_PROGRESS"))
            stop(gateway.process, signal.SIGKILL)
            simulator.process.send_signal(signal.SIGCONT)
            day.end()
        size = (place / "ledger.db-wal").stat().st_size
        if is_mounted:
            fill(place)
        told = refused_start(config, *(() if is_mounted else ("prlimit", f"--fsize={size}")))
        assert str(place / "ledger.db") in told
        assert "full" in told
        (place / "filler").unlink(missing_ok=True)
        with serving(config, tmp_path / "again.log") as again:
            assert not faults_of_books(again, day, simulator, tmp_path)


def test_a_read_only_place_refuses_the_start(simulator: Simulator, tmp_path: Path) -> None:
    """One line that says whose rights are missing; with them nothing that was admitted is lost."""
    place = tmp_path / "disk"
    place.mkdir()
    config = config_of(tmp_path, place, simulator)
    with serving(config, tmp_path / "gateway.log") as gateway:
        day = begun(gateway)
        stop(gateway.process, signal.SIGKILL)
        day.end()
    # Root may write anything, unless it gives that up.
    prefix = ("setpriv", "--bounding-set=-all", "--") if os.getuid() == 0 else ()
    files = sorted(place.iterdir())
    for path in (*files, place):
        path.chmod(0o555)
    told = refused_start(config, *prefix)
    assert str(place) in told
    assert "writable for the gateway's user" in told
    for path in (place, *files):
        path.chmod(0o700)
    with serving(config, tmp_path / "again.log") as again:
        assert not faults_of_books(again, day, simulator, tmp_path)


def damage(path: Path) -> None:
    """Overwrite every page but the first, and let another process's write make the gateway read anew."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
        with path.open("r+b", buffering=0) as file:
            file.seek(4096)
            file.write(b"\xa5" * (path.stat().st_size - 4096))
        other.execute("PRAGMA application_id = 1")


def test_a_file_that_is_damaged_while_it_is_served(simulator: Simulator, tmp_path: Path) -> None:
    """Refused as soon as it is read, and at the next start; a copy from before serves again, with all that
    was admitted until it was made."""
    config = config_of(tmp_path, tmp_path, simulator)
    path, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    with serving(config, tmp_path / "gateway.log") as gateway:
        day = begun(gateway)
        day.end()
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        damage(path)
        for number in range(ENOUGH):
            assert day.ask(number).code == STORE_AWAY
        assert not faults_of_refusals(day, simulator)
        assert gateway.metric("gateway_ledger_errors_total", kind="corrupt") > 0
        stop(gateway.process, signal.SIGKILL)
    told = refused_start(config)
    assert str(path) in told
    assert "damaged" in told
    assert "restore it from a backup" in told
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(copy, path)
    with serving(config, tmp_path / "again.log") as again:
        assert not faults_of_books(again, day, simulator, tmp_path)
