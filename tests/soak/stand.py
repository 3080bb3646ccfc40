"""One gateway under soak: its store, its simulator, its mounted files, and what goes wrong with each."""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gateway.ledger import StoreUnavailable
from gateway.ledger.sqlite import SqliteLedger
from tests.house import PASSWORD, USERNAME, Gateway, run, started, stop
from tests.ledger.cases import WHOLE
from tests.ledger.valkey import Valkey, free_port
from tests.ledger.world import DAY_US, World
from tests.reload.conftest import OTHER_PASSWORD, OTHER_USERNAME
from tests.reload.mount import write_mount, write_pair
from tests.soak import served
from tests.soak.town import ARCHIVE, PLENTY, settings

StoreName = Literal["sqlite", "valkey"]
PAIRS = ((USERNAME, PASSWORD), (OTHER_USERNAME, OTHER_PASSWORD))
LATENCY_MS = 20
AT_ONCE = 200
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
"""Whatever becomes of the server process, nothing that it admitted is lost."""


@dataclass
class Upstream:
    """A simulator that can go away and come back, at the same port and over the same dial ledger."""

    ledger: Path
    port: int
    process: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        pairs = [word for pair in PAIRS for word in ("--username", pair[0], "--password", pair[1])]
        self.process = run(
            *("simulate", "--port", str(self.port), "--ledger", str(self.ledger)),
            *("--latency-ms", str(LATENCY_MS), *pairs),
            stdout=-1,
        )
        assert json.loads(self.process.stdout.readline())["url"]

    def stop(self) -> None:
        stop(self.process, signal.SIGKILL)
        self.process.stdout.close()

    def callees(self) -> Iterator[str]:
        """The callee of each dial, oldest first."""
        with self.ledger.open() as lines:
            for line in lines:
                yield dict(json.loads(line)["params"])["cnumber"]


@dataclass
class Stand:
    """What is soaked, and by what name; the numbers count what was done to it."""

    name: StoreName
    directory: Path
    gateway: Gateway
    upstream: Upstream
    valkey: Valkey | None
    configuration: dict[str, Any]
    window: Path
    reloads: int = 0
    rotations: int = 0
    pauses: int = 0
    restarts: int = 0
    absences: int = 0

    async def reload(self) -> None:
        """Another configuration: a tenant comes or goes and a quota changes; every third one is bad."""
        self.reloads += 1
        tenants = dict(self.configuration["tenants"])
        if self.reloads % 2:
            tenants["guest"] = tenants["strict"] | {"api_keys": []}
        tenants["pinned"] = tenants["pinned"] | {"quotas": [PLENTY | {"limit": 900_000 + self.reloads % 7}]}
        text = json.dumps(self.configuration | {"tenants": tenants})
        write_mount(self.directory / "config", {"gateway.yaml": text[:-1] if self.reloads % 3 == 0 else text})

    async def rotate(self) -> None:
        """The other pair."""
        self.rotations += 1
        write_pair(self.directory / "pair", *PAIRS[self.rotations % 2])

    async def leave_upstream(self) -> None:
        """The telephone system is killed and comes back."""
        self.absences += 1
        await asyncio.to_thread(self.upstream.stop)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(self.upstream.start)

    async def hurt_store(self) -> None:
        """The store hangs, for shorter and for longer than a command may take; every fourth time it is
        killed, and comes back with all that it had."""
        assert self.valkey is not None
        if (self.pauses + self.restarts) % 4 == 1:
            self.restarts += 1
            await asyncio.to_thread(self.valkey.stop)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(self.valkey.start)
        else:
            self.pauses += 1
            with self.valkey.paused():
                await asyncio.sleep((0.1, 0.5, 1.5)[self.pauses % 3])

    def done(self) -> dict[str, int]:
        """What was done to it, and how often."""
        store = {} if self.valkey is None else {"store hangs": self.pauses, "store restarts": self.restarts}
        done = {"reloads": self.reloads, "rotations": self.rotations, "upstream restarts": self.absences}
        return {**done, **store}


async def _fill(path: Path, records: int) -> None:
    """A ledger that has seen that many calls, or some fewer where the disk is slow."""
    ledger = SqliteLedger(
        path, retention_us=DAY_US, unknown_retention_us=30 * DAY_US, clock=lambda: time.time_ns() // 1000
    )
    await ledger.open()
    world = World(ledger, tenant=ARCHIVE)

    async def call() -> None:
        with contextlib.suppress(StoreUnavailable):
            await world.settle(await world.admitted(client_reference="x" * 100), WHOLE)

    for _ in range(0, records, AT_ONCE):
        await asyncio.gather(*(call() for _ in range(AT_ONCE)))
    await ledger.close()


@contextmanager
def stand(name: StoreName, directory: Path, archived: int) -> Iterator[Stand]:
    """A gateway over that kind of store, with everything around it; all of it ended after the block.
    `archived` is how many calls an embedded store has seen before."""
    directory.mkdir(parents=True)
    with ExitStack() as stack:
        upstream = Upstream(directory / "dials.jsonl", free_port())
        upstream.start()
        stack.callback(upstream.stop)
        valkey, store = None, {"url": f"sqlite://{directory}/ledger.db"}
        if name == "valkey":
            valkey = Valkey(directory / "valkey", DURABLE).start()
            stack.callback(valkey.stop)
            store = {"url": valkey.url, "spool_directory": str(directory / "spool")}
        else:
            asyncio.run(_fill(directory / "ledger.db", archived))
        configuration = settings(directory, upstream.url, store)
        configuration["upstream"]["credentials"]["default"]["directory"] = str(directory / "pair")
        write_pair(directory / "pair", *PAIRS[0])
        config, window = directory / "config" / "gateway.yaml", directory / "window"
        write_mount(config.parent, {config.name: json.dumps(configuration)})
        environment = {served.WINDOW: str(window)}
        gateway = stack.enter_context(
            started(config, directory / "gateway.log", module=served.__name__, **environment)
        )
        yield Stand(name, directory, gateway, upstream, valkey, configuration, window)
