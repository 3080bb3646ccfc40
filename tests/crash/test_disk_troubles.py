"""A disk that fills, fails or is damaged under the embedded ledger while calls come in: answers are
closed, nothing is dialled unrecorded, nothing admitted is lost, and with a sound disk it goes on."""

import errno
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.ailing import tell
from tests.crash.disk import (
    begun,
    config_of,
    faults_of_books,
    faults_of_refusals,
    fill,
    limit,
    small_disk,
    unlimit,
)
from tests.crash.victim import Ailment, serving
from tests.house import Simulator, simulated, stop, until


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """The upstream, whose ledger tells every dial."""
    with simulated(tmp_path / "dials.jsonl") as found:
        yield found


def refused_start(config: Path) -> str:
    """The one line that says why a gateway does not start."""
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
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
            day = begun(gateway)
            stop(gateway.process, signal.SIGKILL)
            day.end()
