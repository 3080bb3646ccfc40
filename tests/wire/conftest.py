"""What the wire's tests share: both event loops, a certificate authority, and wires to a raw upstream."""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from gateway.wire import Origin, Wire, WireAnswer, client_ssl_context
from tests.wire.upstream import RawUpstream

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass(frozen=True, slots=True)
class Tls:
    server: ssl.SSLContext
    client: ssl.SSLContext
    ca_file: Path


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request) -> Run:
    """Runs a coroutine on a fresh loop of either kind."""

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(main)

    return run


@pytest.fixture(scope="session")
def tls(tmp_path_factory) -> Tls:
    """A server certificate for localhost and 127.0.0.1, and a client that trusts only its CA."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    ca_file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return Tls(server, client_ssl_context(ca_file.read_text()), ca_file)


@pytest.fixture(params=["plain", "tls"])
def maybe_tls(request, tls) -> Tls | None:
    return tls if request.param == "tls" else None


def wire_to(upstream: RawUpstream | int, tls: Tls | None = None, **changes: Any) -> Wire:
    port = upstream if isinstance(upstream, int) else upstream.port
    settings = {
        "connect_timeout_seconds": 5.0,
        "reuse_connections": True,
        "idle_connection_seconds": 30.0,
        "ssl_context": tls.client if tls else None,
    }
    return Wire(Origin("https" if tls else "http", "127.0.0.1", port), **(settings | changes))


async def get(wire: Wire, target: bytes = b"/", deadline_seconds: float = 5.0, **more: Any) -> WireAnswer:
    return await wire.exchange(b"GET", target, None, deadline_seconds=deadline_seconds, **more)


async def only(wire: Wire, method: bytes, target: bytes, body: bytes | None, **more: Any) -> WireAnswer:
    """The one exchange of a wire, which is closed behind it."""
    try:
        return await wire.exchange(method, target, body, **({"deadline_seconds": 5.0} | more))
    finally:
        await wire.aclose()


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Yields to the loop until the condition holds; TimeoutError where it never does."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  the conditions are plain properties
            await asyncio.sleep(0.002)
