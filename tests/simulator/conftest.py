"""Plays the simulator on a real socket, in a thread with an event loop of its own."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import uvloop

from gateway.simulator import SimulatorOptions, serve

PATH = "/api/json/calls/make/"
CREDENTIALS = {"auth_username": "user", "auth_password": "password"}


def written(params: dict[str, str], separator: str = ";") -> str:
    """A query or form body, as any careful client writes it."""
    return separator.join(f"{name}={quote(value, safe='')}" for name, value in params.items())


@dataclass(frozen=True)
class Heard:
    """An answer as an ordinary HTTP client hears it."""

    status: int
    headers: dict[str, str]
    body: bytes

    def codes(self) -> list[tuple[str, str]]:
        """The (code, key) of every entry of `responses`."""
        return [(entry["code"], entry["key"]) for entry in json.loads(self.body)["responses"]]


@dataclass(frozen=True)
class Simulator:
    """A running simulator and the ways to talk to it."""

    port: int

    def connect(self) -> socket.socket:
        """A fresh TCP connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def say(
        self, method: str, target: str, body: str | None = None, content_type: str | None = None
    ) -> Heard:
        """One request over a connection of its own."""
        headers = {} if content_type is None else {"Content-Type": content_type}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as client:
            client.request(method, target, body, headers)
            answer = client.getresponse()
            return Heard(answer.status, dict(answer.getheaders()), answer.read())

    def call(self, **params: str) -> Heard:
        """A GET call with the default pair and numbers, but for what is given."""
        query = written({**CREDENTIALS, "snumber": "101", "cnumber": "102", **params})
        return self.say("GET", f"{PATH}?{query}")

    def ledger(self) -> list[dict]:
        """The requests of the dial ledger."""
        heard = self.say("GET", "/_ledger")
        assert heard.status == 200
        return json.loads(heard.body)["requests"]


@contextlib.contextmanager
def playing(runner=asyncio.run, **options) -> Iterator[Simulator]:
    """A simulator for as long as the block lasts, on one loop or another; raises what serve raises."""
    listening: Future[tuple[int, Callable[[], None]]] = Future()

    async def run() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()

        def ready(port: int) -> None:
            listening.set_result((port, lambda: loop.call_soon_threadsafe(stop.set)))

        try:
            await serve(SimulatorOptions(port=0, **options), ready=ready, stop=stop)
        except BaseException as fault:
            if listening.done():
                raise
            listening.set_exception(fault)

    thread = threading.Thread(target=runner, args=(run(),))
    thread.start()
    try:
        port, end = listening.result(20)
        try:
            yield Simulator(port)
        finally:
            end()
    finally:
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="session", params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def simulator(request) -> Iterator[Simulator]:
    """One with the defaults, its ledger in memory; shared, so look for your own entries only."""
    with playing(request.param) as plays:
        yield plays
