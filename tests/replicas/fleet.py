"""Several gateway processes over one shared store, and ways to ask them all at once."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.house import (
    MAKE_CALL,
    Answer,
    DoorName,
    Gateway,
    configuration,
    graphql_answer,
    rest_answer,
    started,
)
from tests.ledger.valkey import Valkey

PATIENT = {"connect_timeout_ms": 2000, "command_timeout_ms": 2000}
"""For tests of exactness: a machine that runs other tests beside these is slower than a store should be."""
WIDE = {"max_in_flight": 4096, "max_in_flight_waiting": 4096, "max_in_flight_per_tenant": 4096}


def shared(
    directory: Path,
    upstream_url: str,
    valkey: Valkey,
    tenants: Mapping[str, Mapping[str, Any]],
    **more: Any,
) -> dict[str, Any]:
    """One replica's configuration, with its own spool in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    store = {"url": valkey.url, "spool_directory": str(directory / "spool"), **more.pop("store", {})}
    return configuration(directory, upstream_url, tenants, store=store, **more)


@contextmanager
def fleet(
    directory: Path, replicas: Sequence[Mapping[str, Any]], environments: Sequence[Mapping[str, str]] = ()
) -> Iterator[list[Gateway]]:
    """A gateway process for each configuration, started side by side; `environments` beside them."""
    with ExitStack() as stack, ThreadPoolExecutor(len(replicas)) as pool:

        def start(index: int) -> Gateway:
            config = directory / f"gateway-{index}.yaml"
            config.write_text(json.dumps(replicas[index]))
            environment = environments[index] if environments else {}
            return stack.enter_context(started(config, directory / f"gateway-{index}.log", **environment))

        gateways = list(pool.map(start, range(len(replicas))))
        try:
            yield gateways
        finally:
            for gateway in gateways:  # side by side: each is then only waited for
                if gateway.process.poll() is None:
                    gateway.process.terminate()


@dataclass(frozen=True)
class Shot:
    """One call request to one replica."""

    gateway: Gateway
    door: DoorName
    tenant: str
    body: Mapping[str, Any]
    key: str | None = None

    def raw(self) -> bytes:
        """As it goes over the wire."""
        path, content = "/v1/calls", json.dumps(self.body)
        if self.door == "graphql":
            path, content = (
                "/graphql",
                json.dumps({"query": MAKE_CALL, "variables": {"input": self.body}}),
            )
        headers = {
            **self.gateway.headers(self.tenant, self.key),
            "Host": "gateway.test",
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "Connection": "close",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {path} HTTP/1.1\r\n{head}\r\n{content}".encode()


def volley(shots: Sequence[Shot]) -> list[Answer]:
    """Every request begun on a connection of its own; then all are let go at one moment."""
    return asyncio.run(_volley(shots))


async def _volley(shots: Sequence[Shot]) -> list[Answer]:
    waiting = len(shots)
    go = asyncio.Event()

    async def fire(shot: Shot) -> Answer:
        nonlocal waiting
        port = httpx.URL(shot.gateway.url).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            raw = shot.raw()
            writer.write(raw[:-1])
            await writer.drain()
            waiting -= 1
            if not waiting:
                go.set()
            await go.wait()
            writer.write(raw[-1:])
            return _read(shot.door, await reader.read())
        finally:
            writer.close()

    return await asyncio.wait_for(asyncio.gather(*map(fire, shots)), 60)


def _read(door: DoorName, raw: bytes) -> Answer:
    head, _, content = raw.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("ascii").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    answer = httpx.Response(int(status_line.split(" ")[1]), headers=headers, content=content)
    return rest_answer(answer) if door == "rest" else graphql_answer(answer)
