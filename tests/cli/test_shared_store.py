"""The commands on a shared store: what is wrong with it is told once."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import gateway
from tests.ledger.shared_store import answers, opened
from tests.ledger.valkey import Valkey, free_port
from tests.ledger.world import World
from tests.settings.files import GOOD, write_config


def config(directory: Path, url: str, timeout_ms: int = 5000) -> Path:
    """A configuration over that store."""
    store = (
        f"{url}\n  spool_directory: spool\n  connect_timeout_ms: {timeout_ms}\n"
        f"  command_timeout_ms: {timeout_ms}"
    )
    return write_config(directory, GOOD.replace("sqlite:///var/lib/gateway/gateway.db", store))


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[str]:
    """The URL of a store that a gateway has found without its data."""

    async def lose() -> None:
        async with opened(server.url) as ledger:
            world = World(ledger)
            await world.admitted()
            await asyncio.to_thread(server.ask, "FLUSHALL")
            assert not await answers(ledger, world)

    server = Valkey(tmp_path / "data").start()
    asyncio.run(lose())
    yield server.url
    server.stop()


@pytest.mark.parametrize(
    "command",
    [
        ("calls", "list"),
        ("calls", "list", "--format", "json"),
        ("calls", "resolve", "some-id", "--requested"),
        ("store", "acknowledge"),
    ],
    ids=" ".join,
)
def test_a_store_that_is_away_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Exit 1 and the reason on standard error, nothing on standard output."""
    port = free_port()

    done = gateway(*command, "--config", config(tmp_path, f"redis://127.0.0.1:{port}/0"))

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(
        f"gateway: the store is unavailable: the store at 127.0.0.1:{port} can't be reached: "
    )


def test_a_store_that_hangs_is_told_as_one(tmp_path: Path) -> None:
    """It takes the connection and says nothing: a time that ran out is named, and how long it was."""
    server = Valkey(tmp_path / "data").start()
    try:
        with server.paused():
            done = gateway("calls", "list", "--config", config(tmp_path, server.url, timeout_ms=200))
    finally:
        server.stop()

    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("gateway: the store is unavailable: the store at 127.0.0.1:")
    # Whichever of the two bounds, of the connection and of its first command, runs out first.
    assert line.endswith(("can't be reached: no answer within 0.2 s", "did not answer within 0.2 s"))


def test_what_is_acknowledged_is_not_told_as_a_fault(emptied: str, tmp_path: Path) -> None:
    """A store that lost its data refuses in one line, until it is acknowledged in silence."""
    path = config(tmp_path / "etc", emptied)

    refused = gateway("calls", "list", "--config", path)
    done = gateway("store", "acknowledge", "--config", path)
    listed = gateway("calls", "list", "--config", path)

    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (1, "", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert (listed.returncode, listed.stderr, len(listed.stdout.splitlines())) == (0, "", 1)
