"""What a shared store is asked for a call, and what a second gateway process on it costs the first.

    python -m tests.benchmarks.scaling [--rounds 3] [--seconds 5]

REST over a Valkey of its own. Commands are what `MONITOR` shows of a hundred calls, script time is the
server's own count (`INFO commandstats`) over the measured calls. Two processes are asked at once, by 32
connections each, as the one alone is.
"""

import argparse
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.checks import Asker
from tests.benchmarks.figures import spread
from tests.benchmarks.gateways import served, settings, valkey
from tests.benchmarks.load import drive
from tests.benchmarks.process import Cpu, favour
from tests.benchmarks.results import command, table
from tests.benchmarks.upstream import Upstream, upstream
from tests.house import Gateway
from tests.ledger.valkey import Valkey, text

CONNECTIONS: Final = 32


_CALLS: Final = 100
_LINGER_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Scripts:
    """How often a Valkey server has run scripts, and the time they took."""

    count: int
    microseconds: int


def read(commandstats: str) -> Scripts:
    """Read `INFO commandstats`."""
    found = re.search(r"^cmdstat_evalsha:calls=(\d+),usec=(\d+)", commandstats, re.MULTILINE)
    return Scripts(int(found[1]), int(found[2])) if found else Scripts(0, 0)


def scripts(server: Valkey) -> Scripts:
    """The counts so far."""
    return read(text(server.ask("INFO", "commandstats")).decode())


def over_the_wire(monitored: str) -> int:
    """How many of the commands that `MONITOR` shows were not a script's own."""
    return len(re.findall(r"^\+[\d.]+ \[\d+ (?!lua)", monitored, re.MULTILINE))


def watched(server: Valkey, act: Callable[[], None]) -> tuple[int, float]:
    """Commands over the wire from before `act` until some seconds after it, and how long that was."""
    with socket.create_connection(("127.0.0.1", server.port)) as monitor:
        monitor.sendall(b"MONITOR\r\n")
        assert monitor.recv(5) == b"+OK\r\n"
        began = time.monotonic()
        act()
        monitor.settimeout(0.2)
        seen, until = b"", time.monotonic() + _LINGER_SECONDS
        while time.monotonic() < until:
            with suppress(TimeoutError):
                seen += monitor.recv(65_536)
        return over_the_wire(seen.decode()), time.monotonic() - began


def round_trips(server: Valkey, gateway: Gateway) -> float:
    """Commands over the wire for a call, over a hundred calls, less what comes in that time without any."""
    asker = Asker(gateway.url, "rest")

    def calls() -> None:
        for number in range(_CALLS):
            asker.requested(f"trip-{number}")

    count, seconds = watched(server, calls)
    at_rest, rest_seconds = watched(server, lambda: None)
    asker.close()
    return (count - at_rest / rest_seconds * seconds) / _CALLS


@dataclass(frozen=True)
class Round:
    """What a call cost in the gateways and in the store, and what the store was asked for it."""

    gateway_us: float
    store_us: float
    script_us: float
    store_bytes: float
    log_bytes: float


def used_bytes(server: Valkey) -> int:
    """What the store's data hold, by its own count."""
    found = re.search(rb"^used_memory:(\d+)", text(server.ask("INFO", "memory")), re.MULTILINE)
    assert found is not None
    return int(found[1])


def logged_bytes(gateways: list[Gateway]) -> int:
    """How long their logs are."""
    return sum(gateway.log.stat().st_size for gateway in gateways)


def one_round(server: Valkey, gateways: list[Gateway], behind: Upstream, run: str, seconds: int) -> Round:
    """Ask every gateway at once."""
    assert server.process is not None
    for gateway in gateways:
        favour(gateway.process.pid, os.getpriority(os.PRIO_PROCESS, 0))
    dialled, before = behind.requests(), scripts(server)
    held, logged = used_bytes(server), logged_bytes(gateways)
    cpu, store = [Cpu(gateway.process.pid) for gateway in gateways], Cpu(server.process.pid)

    def ask(index: int) -> None:
        drive(gateways[index].url, "rest", run=f"{run}{index}-", seconds=seconds, connections=CONNECTIONS)

    with ThreadPoolExecutor(len(gateways)) as pool:
        list(pool.map(ask, range(len(gateways))))
    spent, stored = sum(each.seconds() for each in cpu), store.seconds()
    dialled, after = behind.requests() - dialled, scripts(server)
    return Round(
        spent / dialled * 1e6,
        stored / dialled * 1e6,
        (after.microseconds - before.microseconds) / (after.count - before.count),
        (used_bytes(server) - held) / dialled,
        (logged_bytes(gateways) - logged) / dialled,
    )


def rounds(options: argparse.Namespace, behind: Upstream) -> tuple[float, dict[int, list[Round]]]:
    """Commands a call; the rounds of one process, and of two. Both run all the time, so all else is alike."""
    found: dict[int, list[Round]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as directory, valkey(Path(directory)) as server, ExitStack() as stack:
        places = [Path(directory) / name for name in ("one", "two")]
        gateways = [
            stack.enter_context(served(place, settings(place, behind, url=server.url))) for place in places
        ]
        for index, gateway in enumerate(gateways):
            drive(gateway.url, "rest", run=f"warm-{index}-", seconds=2)
        trips = round_trips(server, gateways[0])
        for number in range(options.rounds):
            for count, taken in found.items():
                run = f"{number}-{count}-"
                taken.append(one_round(server, gateways[:count], behind, run, options.seconds))
                sys.stderr.write(f"{count} process(es): {taken[-1]}\n")
    return trips, found


def told(options: argparse.Namespace) -> str:
    """The section."""
    with upstream() as behind:
        trips, found = rounds(options, behind)
    one, two = found[1], found[2]
    growth = [second.gateway_us / first.gateway_us for first, second in zip(one, two, strict=True)]
    rows = [
        ["commands to the store a call", f"{trips:.2f}", "2"],
        ["µs a script", spread([each.script_us for each in one]).text(), "≤ 60"],
        ["µs CPU a call in the store's process", spread([each.store_us for each in one]).text(), ""],
        ["bytes a call in the store's memory", spread([each.store_bytes for each in one]).text(), ""],
        ["bytes of log lines a call", spread([each.log_bytes for each in one]).text(), ""],
        ["µs CPU a call in one gateway process", spread([each.gateway_us for each in one]).text(), ""],
        ["µs CPU a call in two", spread([each.gateway_us for each in two]).text(), ""],
        ["two / one", spread(growth).text(2), "≤ 1.10"],
    ]
    how = f"REST over one Valkey without persistence, spans at 10 %, {CONNECTIONS} connections a process."
    return f"{how}\n\n" + table(["", "", "aim"], rows)


def main(given: Sequence[str] | None = None) -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    command("scaling", "A shared store", parser, told, given)


if __name__ == "__main__":
    main()
