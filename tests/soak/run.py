"""The soak of one stand: traffic and faults for a time, two lulls, and the report's rows."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.house import PASSWORD, Gateway, stop
from tests.reload.conftest import OTHER_PASSWORD
from tests.soak.judge import Row, counted, course, flat, happened, left_behind, noted
from tests.soak.orders import compare
from tests.soak.samples import Sample, sample
from tests.soak.stand import Stand
from tests.soak.traffic import Traffic

CROWD = (
    *((Traffic.call, 16, 0.2), (Traffic.read, 4, 0.2), (Traffic.hostile, 2, 0.2)),
    *((Traffic.hang_up, 2, 0.3), (Traffic.dawdle, 12, 0.2)),
)
"""What is done by how many clients, and the mean pause of each in seconds."""
QUIET_SECONDS = 30
SETTLES_SECONDS = 3
"""Longer than an idle connection to the upstream is kept, and than a slow head is waited for."""
SAMPLES = 400
"""How many a whole run has, four a second at most."""
FEWEST = 8
"""Also where the machine is too busy for more."""


@dataclass
class Soak:
    """One run. `seconds` is how long the traffic goes, the lulls not counted."""

    stand: Stand
    seconds: float
    memory_mib: float
    samples: list[Sample] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.traffic = Traffic(self.stand.gateway.url, random.Random(7))

    async def rows(self) -> list[Row]:
        """Do all of it, and give the report."""
        await self.traffic.read_archive()
        async with asyncio.TaskGroup() as clients:
            for act, many, pause_seconds in CROWD:
                for _ in range(many):
                    clients.create_task(self.traffic.work(act, pause_seconds))
            await self._go(self.seconds / 4)
            first = await self._lull()
            await self._go(self.seconds * 3 / 4)
            self.traffic.ended = True
            self.traffic.going.set()
        last = await self._lull()
        await self.traffic.client.aclose()
        return [
            *flat(self.samples, self.memory_mib),
            course(self.samples),
            *left_behind(first, last),
            *await asyncio.to_thread(_facts, self.stand, self.traffic),
        ]

    async def _go(self, seconds: float) -> None:
        """Traffic and faults for a time, and a look at the process now and then."""
        self.traffic.going.set()
        ends = time.monotonic() + seconds
        async with asyncio.TaskGroup() as faults:
            for harm, times in self._harms():
                faults.create_task(_again(harm, max(1.5, self.seconds / times), ends))
            while time.monotonic() < ends or len(self.samples) < FEWEST:
                await asyncio.sleep(max(0.25, self.seconds / SAMPLES))
                self.samples.append(await self._sample())
        self.traffic.going.clear()

    def _harms(self) -> Iterable[tuple[Callable[[], Awaitable[None]], float]]:
        """What goes wrong, and how often in a whole run."""
        stand = self.stand
        yield stand.reload, 80
        yield stand.rotate, 55
        yield stand.leave_upstream, 15
        if stand.valkey is not None:
            yield stand.hurt_store, 30

    async def _lull(self) -> Sample:
        """A look at the process when every client has gone and nothing is under way."""
        async with asyncio.timeout(QUIET_SECONDS):
            while self.traffic.busy or await asyncio.to_thread(_under_way, self.stand.gateway):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        await self.traffic.client.aclose()
        await asyncio.sleep(SETTLES_SECONDS)
        self.traffic.connect()
        return await self._sample()

    async def _sample(self) -> Sample:
        return await sample(self.stand.gateway.process.pid, self.stand.window, self.began)


async def _again(harm: Callable[[], Awaitable[None]], every_seconds: float, ends: float) -> None:
    while time.monotonic() + every_seconds < ends:
        await asyncio.sleep(every_seconds)
        await harm()


def _under_way(gateway: Gateway) -> float:
    return gateway.metric("gateway_upstream_in_flight") + gateway.metric("http_server_active_requests")


def _facts(stand: Stand, traffic: Traffic) -> list[Row]:
    """What the gateway counted itself, how it ended, and the dial ledger held against what was asked for."""
    gateway = stand.gateway
    redactions = gateway.metric("gateway_redactions_total")
    internal = gateway.metric("gateway_calls_total", outcome="internal")
    status = stop(gateway.process)
    callees = list(stand.upstream.callees())
    heard = traffic.statuses
    return [
        *(counted(fault, times) for fault, times in compare(traffic.orders, callees).items()),
        counted("defects of the gateway (500)", heard[500] + internal),
        counted("redactions", redactions),
        counted("lines with a password", _leaks(gateway.log)),
        counted("exit status after SIGTERM", status),
        *(noted(f"answers of {code}", times) for code, times in sorted(heard.items())),
        happened("requests answered", heard.total()),
        happened("calls asked for", len(traffic.orders)),
        happened("dials", len(callees)),
        *(happened(what, times) for what, times in stand.done().items()),
    ]


def _leaks(log: Path) -> int:
    """How many log lines hold a password, plain, percent-encoded or as JSON writes it."""
    secrets = {
        form
        for word in (PASSWORD, OTHER_PASSWORD)
        for form in (word, quote(word, safe=""), json.dumps(word)[1:-1])
    }
    with log.open() as lines:
        return sum(any(secret in line for secret in secrets) for line in lines)


__all__ = ["Soak"]
