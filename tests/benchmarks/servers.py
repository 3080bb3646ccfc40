"""The servers that are compared, each a process of its own, started as it would be in production."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.benchmarks.gateways import FEW, QUOTAS, Store, gateway
from tests.benchmarks.load import Door
from tests.benchmarks.upstream import Upstream, until_answering
from tests.house import PASSWORD, USERNAME, api_key, stop
from tests.ledger.valkey import free_port
from tests.node.runtime import installed_node

PEERS: Final = Path(__file__).parent / "peers"
ROOT: Final = Path(__file__).parent.parent.parent
STORES: Final[tuple[Store, ...]] = ("memory", "file", "valkey")
Tracing = Literal["off", "packaged", "hand"]


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    url: str
    pid: int


@dataclass(frozen=True)
class Server:
    """One way to run one process. `doors`: door -> the subject's name; `traced`: whether spans are sent.

    `patience` multiplies the seconds of a measurement, for one that answers few requests in them.
    """

    doors: dict[Door, str]
    start: Callable[[Path, Upstream], AbstractContextManager[Running]]
    traced: bool
    has_features: bool = True
    patience: int = 1


def ours(store: Store, traces_percent: int, *, native: bool = False) -> Server:
    """This gateway, both doors; `native`: as `make native` compiled it."""

    @contextmanager
    def start(place: Path, behind: Upstream) -> Iterator[Running]:
        with gateway(place, behind, store, native=native, traces_percent=traces_percent) as served:
            yield Running(served.url, served.process.pid)

    suffix = "" if traces_percent == 10 else f"-traces{traces_percent}"
    name = "native" if native else "ours"
    doors: dict[Door, str] = {door: f"{name}-{door}-{store}{suffix}" for door in ("rest", "graphql")}
    return Server(doors, start, traces_percent > 0)


def node(script: str, door: Door, tracing: Tracing) -> Server:
    """A Node peer; spans at 10 % unless they are off."""

    @contextmanager
    def start(place: Path, behind: Upstream) -> Iterator[Running]:
        port = free_port()
        runtime = installed_node(PEERS)
        environment = {
            "NODE_ENV": "production",
            "PORT": str(port),
            "UPSTREAM": behind.url,
            "UPSTREAM_USERNAME": USERNAME,
            "UPSTREAM_PASSWORD": PASSWORD,
            "TENANTS": json.dumps(_tenants()),
            "TRACING": tracing,
            "TRACE_RATIO": "0.1",
            "COLLECTOR": behind.url,
        }
        command = [runtime.program, "--require", str(PEERS / "tracing.cjs"), str(PEERS / f"{script}.cjs")]
        with _process(command, f"http://127.0.0.1:{port}", place / "log", environment) as running:
            yield running

    suffix = {"packaged": "", "off": "-traces0", "hand": "-hand"}[tracing]
    return Server({door: script + suffix}, start, tracing != "off")


def obvious() -> Server:
    """The obvious Python wiring, both doors, without any of the features."""

    @contextmanager
    def start(place: Path, behind: Upstream) -> Iterator[Running]:
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.peers.obvious:app"]
        options = ["--port", str(port), "--no-access-log", "--loop", "uvloop", "--http", "httptools"]
        environment = {"UPSTREAM": behind.url}
        url = f"http://127.0.0.1:{port}"
        with _process([*command, *options], url, place / "log", environment) as running:
            yield running

    return Server(
        {"rest": "obvious-rest", "graphql": "obvious-graphql"},
        start,
        traced=False,
        has_features=False,
        patience=3,
    )


def _tenants() -> dict[str, dict[str, object]]:
    """For the peers: digest of the key -> tenant and quotas, windows in seconds."""
    seconds = {"second": 1, "day": 86_400}
    return {
        hashlib.sha256(api_key(name).encode()).hexdigest(): {
            "tenant": name,
            "quotas": [{**quota, "seconds": seconds[str(quota["per"])]} for quota in limits],
        }
        for name, limits in (("acme", QUOTAS), ("few", FEW))
    }


@contextmanager
def _process(command: list[str], url: str, log: Path, environment: dict[str, str]) -> Iterator[Running]:
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            text=True,
            env={**os.environ, **environment},
        )
    try:
        until_answering(url, process)
        yield Running(url, process.pid)
    finally:
        stop(process, signal.SIGTERM)


def all_servers() -> list[Server]:
    """Every server of the comparison, in the order in which each round measures them."""
    peers: tuple[tuple[str, Door], ...] = (
        ("fastify", "rest"),
        ("mercurius", "graphql"),
        ("apollo", "graphql"),
        ("yoga", "graphql"),
    )
    tracings: tuple[Tracing, ...] = ("packaged", "hand", "off")
    return [
        *(ours(store, percent) for percent in (10, 0, 100) for store in STORES),
        *(node(script, door, tracing) for tracing in tracings for script, door in peers),
        obvious(),
    ]


def native_servers() -> list[Server]:
    """The compiled gateway, over each store."""
    return [ours(store, 10, native=True) for store in STORES]
