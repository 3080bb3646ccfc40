"""A rolling update, as the shared overlay does it: the next replica first, then the old one drains."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.engine import Engine
from tests.deploy.load import Load
from tests.deploy.proxy import CHECK_MS, balanced
from tests.deploy.running import Contained, contained, free_ports, settings
from tests.house import Simulator, simulated
from tests.ledger.valkey import Valkey

pytestmark = [pytest.mark.serial, pytest.mark.timeout(900)]

PER_SECOND = 20
DELAY_SECONDS = 2
SETTLED_SECONDS = 1.5
"""How long each state is watched under load."""


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Simulator]:
    """A telephone system that takes half a second to answer, so that calls are always in flight."""
    with simulated(tmp_path / "dials", "--latency-ms", "500") as simulator:
        yield simulator


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Valkey]:
    """The store that all generations share."""
    server = Valkey(tmp_path / "valkey").start()
    yield server
    server.stop()


@pytest.fixture
def start(
    containers: Engine, image: str, upstream: Simulator, store: Valkey, tmp_path: Path
) -> Iterator[Callable[[str, tuple[int, int]], Contained]]:
    """Starts a generation on two ports."""
    with ExitStack() as stack:

        def start_one(name: str, ports: tuple[int, int]) -> Contained:
            more: dict[str, Any] = {
                "listen": {"port": ports[0]},
                "admin": {"port": ports[1]},
                "drain": {"delay_seconds": DELAY_SECONDS, "grace_seconds": 75},
                "store": {
                    "url": store.url,
                    "spool_directory": "/var/lib/gateway/spool",
                    "connect_timeout_ms": 2000,
                    "command_timeout_ms": 2000,
                },
            }
            (tmp_path / name).mkdir()
            one = contained(containers, image, tmp_path / name, settings(upstream.url, **more))
            return stack.enter_context(one)

        yield start_one


def replaced(old: Contained) -> bytes:
    """Let a generation go as the kubelet does, when the next is ready; its exit code."""
    time.sleep(CHECK_MS / 1000 * 3)  # the proxy has seen the next one
    out, _ = old.terminate().communicate(timeout=90)
    return bytes(out).strip()


def test_generations_replace_each_other_and_nothing_is_lost(
    start: Callable[[str, tuple[int, int]], Contained], upstream: Simulator, tmp_path: Path
) -> None:
    """Under a constant load two generations take turns on two pairs of ports, twice: every call is
    requested, none fails, none is dialled twice, and each old one exits with 0."""
    front, *ports = free_ports(5)
    blue, green = (ports[0], ports[1]), (ports[2], ports[3])
    running = start("first", blue)
    with balanced(tmp_path, front, {"blue": blue, "green": green}) as url, Load(url, PER_SECOND) as load:
        time.sleep(SETTLED_SECONDS)
        for name, place in (("second", green), ("third", blue)):
            following = start(name, place)
            assert replaced(running) == b"0"
            running = following
            time.sleep(SETTLED_SECONDS)
    assert not load.faults
    assert len(load.statuses) > PER_SECOND * SETTLED_SECONDS * 3
    # Each answer says that its call was dialled, so as many dials as answers are one for each.
    assert len(upstream.dials()) == len(load.statuses)
