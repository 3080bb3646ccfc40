"""`gateway serve`: start, serve, reload, drain. Exits with 0 drained, 1 no start, 2 bad configuration."""

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import uvloop

from gateway.app.gateway import Gateway
from gateway.app.inputs import read_inputs
from gateway.app.processor import keep_to_one
from gateway.doors.admin import admin_app
from gateway.doors.bounds import Bounds
from gateway.doors.server import Server, server_of
from gateway.ledger import StoreUnavailable
from gateway.settings.credentials import BadCredentials
from gateway.settings.files import files_of
from gateway.settings.findings import BadConfiguration
from gateway.settings.load import load
from gateway.settings.model import Settings
from gateway.settings.watch import Fingerprint, fingerprint, watch

_ADMIN_BOUNDS: Final = Bounds(header_bytes=16_384, header_seconds=10, body_seconds=10)
ADMIN_GRACE_SECONDS: Final = 1
GC_THRESHOLDS: Final = (5_000, 20, 20)
"""Allocations before a young collection, and such collections before an older one: calls make no
cycles, so what is found is little, and the default of 700 looks for it at every third request."""

_log = logging.getLogger(__name__)


def serve(path: Path, *, stays: bool = False) -> int:
    """Serve until SIGTERM or SIGINT, then drain. `stays`: on one processor at a time."""
    path = path.absolute()
    seen = fingerprint((path,))
    try:
        settings = load(path)
        # Told before anything is read: what changes while the gateway starts is then noticed.
        seen = {**fingerprint(files_of(settings, path)), **seen}
        inputs = read_inputs(settings)
    except BadConfiguration as bad:
        print(bad, file=sys.stderr)  # noqa: T201 - the command's own error output
        return 2
    except (BadCredentials, OSError) as fault:
        print(fault, file=sys.stderr)  # noqa: T201
        return 2
    _raise_descriptor_limit()
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of every file beside ours

    async def main() -> int:
        staying = asyncio.ensure_future(keep_to_one()) if stays else None
        ended = await run(Gateway(path, inputs), seen=seen)
        if staying is not None:
            staying.cancel()
        return ended

    return uvloop.run(main())


def _settle_memory() -> None:
    """Free what is garbage, and let no later collection walk what lives on.

    At the start and with each configuration: 30 ms, with ten thousand tenants 250. Left to itself a
    collection would walk a new configuration as long, again and again, among calls.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def run(
    gateway: Gateway,
    *,
    seen: Fingerprint | None = None,
    announce: Callable[[int, int], None] | None = None,
) -> int:
    """Run a gateway to its end. `seen` is what its files held when they were read, `announce` is told
    the public and the admin port when it is ready."""
    stop = asyncio.Event()
    public, admin = _servers(gateway)

    async def reload() -> None:
        await gateway.reload()
        _settle_memory()  # the configuration that was replaced goes, the new one stays
        public.keep_to(_bounds_of(gateway.settings), gateway.settings.drain.grace_seconds)

    _on_signals(reload, stop)
    try:
        admin_served = await _start(admin)
        await gateway.open()
        public_served = await _start(public)
    except (StoreUnavailable, OSError) as fault:
        print(f"gateway: can't start: {fault}", file=sys.stderr)  # noqa: T201
        await gateway.close()
        return 1
    _settle_memory()
    gc.set_threshold(*GC_THRESHOLDS)
    gateway.health.is_started = True
    ports = _port(public), _port(admin)
    _log.info("serving on port %d, admin on port %d", *ports)
    if announce is not None:
        announce(*ports)
    watching = asyncio.ensure_future(watch(gateway.watched_paths, reload, stop, seen=seen))
    await _until(stop, public_served, admin_served)
    await _drain(gateway, public, public_served)
    watching.cancel()
    admin.should_exit = True
    await admin_served
    await gateway.close()
    return 0


def _servers(gateway: Gateway) -> tuple[Server, Server]:
    """The public and the admin server, not started."""
    settings = gateway.settings
    public = server_of(
        gateway,
        settings.listen.host,
        settings.listen.port,
        grace_seconds=settings.drain.grace_seconds,
        bounds=_bounds_of(settings),
        direct=gateway.direct(),
    )
    admin = server_of(
        admin_app(gateway.health, gateway.telemetry.metrics.scrape.render),
        settings.admin.host,
        settings.admin.port,
        grace_seconds=ADMIN_GRACE_SECONDS,
        bounds=_ADMIN_BOUNDS,
    )
    return public, admin


def _bounds_of(settings: Settings) -> Bounds:
    limits = settings.limits
    return Bounds(limits.header_bytes, limits.header_seconds, limits.body_seconds)


async def _start(server: Server) -> asyncio.Task[None]:
    """A server that accepts connections. Raises OSError where its address can't be had."""
    served = asyncio.get_running_loop().create_task(server.serve())
    while not server.started:
        if served.done():
            failure = served.exception()
            host, port = server.config.host, server.config.port
            raise OSError(f"{host}:{port} can't be listened on{_reason(failure)}") from failure
        await asyncio.sleep(0.005)
    return served


def _reason(failure: BaseException | None) -> str:
    if not isinstance(failure, OSError) or failure.errno is None:
        return ""
    # Failures to resolve a name have negative numbers, and words of their own.
    return f": {os.strerror(failure.errno) if failure.errno > 0 else failure.strerror}"


def _port(server: Server) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


async def _until(stop: asyncio.Event, *served: asyncio.Task[None]) -> None:
    """Serve until told to stop, or until a server ends by itself."""
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((stopping, *served), return_when=asyncio.FIRST_COMPLETED)
    stop.set()


async def _drain(gateway: Gateway, public: Server, served: asyncio.Task[None]) -> None:
    """Not ready, keep serving for the delay, then refuse new calls and settle all within the grace.

    The doors are open for as long as calls are under way: whoever asks meanwhile hears that the gateway is
    draining, in the catalogue's words, and reads go on.
    """
    drain, loop = gateway.settings.drain, asyncio.get_running_loop()
    gateway.health.is_draining = True
    _log.info("draining: %d calls under way", len(gateway.tasks))
    await asyncio.sleep(drain.delay_seconds)
    gateway.refuses_new = True
    public.hang_up()  # a proxy that kept one turns to another gateway, and need not be refused by this one
    over_at = loop.time() + drain.grace_seconds
    await gateway.tasks.drain(drain.grace_seconds)
    public.end_within(max(0.0, over_at - loop.time()))
    await served
    # A request that was being read when the door closed may have become a call meanwhile.
    await gateway.tasks.drain(drain.grace_seconds)


def _on_signals(reload: Callable[[], Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for sent in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sent, stop.set)
    reloads: set[asyncio.Task[None]] = set()

    def on_hangup() -> None:
        task = loop.create_task(reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, on_hangup)


def _raise_descriptor_limit() -> None:
    """Connections are files: take all that the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
