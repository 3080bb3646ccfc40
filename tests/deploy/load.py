"""A constant rate of calls, and what became of each."""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.house import api_key, number

HELD_EVERY = 5
"""Every fifth call asks to be held for its reference."""


@dataclass
class Load:
    """Calls at a constant rate from a thread of its own, each with its own key; never retried."""

    url: str
    per_second: float
    statuses: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Load":
        """Begin."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Send no more, and wait for every answer."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=90)

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=400, max_keepalive_connections=400)
        headers = {"Authorization": f"Bearer {api_key('acme')}"}
        async with httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=60, limits=limits, trust_env=False
        ) as client:
            begun, sent, tasks = time.monotonic(), 0, set()
            while not self._stop.is_set():
                tasks.add(asyncio.create_task(self._one(client, sent)))
                sent += 1
                await asyncio.sleep(max(0.0, begun + sent / self.per_second - time.monotonic()))
            await asyncio.gather(*tasks)

    async def _one(self, client: httpx.AsyncClient, count: int) -> None:
        body: dict[str, Any] = number() | {"clientReference": f"load-{count}"}
        if count % HELD_EVERY == 0:
            body["waitSeconds"] = 5
        try:
            answer = await client.post("/v1/calls", json=body, headers={"Idempotency-Key": f"load-{count}"})
        except httpx.TransportError as fault:
            self.faults.append(f"load-{count}: {fault!r}")
            return
        self.statuses.append(answer.status_code)
        if answer.status_code not in {201, 202}:
            self.faults.append(f"load-{count}: {answer.status_code} {answer.text}")
