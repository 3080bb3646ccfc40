"""Listens, tells calls from the ledger's own requests, and takes every call down before its answer."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from .answers import Answer, page
from .connection import Connection, Reply, Request
from .ledger import DialLedger, Entry
from .options import SimulatorOptions
from .query import pairs
from .switch import Switch

_CALLS_PATH = "/calls/make/"
_LEDGER_PATH = "/_ledger"
_FORM = b"application/x-www-form-urlencoded"
# A benchmark opens its connections all at once.
_BACKLOG = 4096


async def serve(options: SimulatorOptions, *, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """Plays the legacy API until `stop` is set; then connections are cut and the ledger is closed.

    ready: called once with the port that listens (options.port may be 0).
    Raises OSError if it cannot listen or the ledger's file cannot be opened or written, ValueError if
    that file is no ledger.
    """
    ledger = DialLedger(options.ledger_path)
    connections: set[Connection] = set()
    try:
        desk = Desk(Switch(options), ledger)
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(desk.receive, connections), options.host, options.port, backlog=_BACKLOG
        )
        async with server:
            try:
                ready(server.sockets[0].getsockname()[1])
                await _until(stop, ledger)
            finally:
                server.close()
                await _cut(connections)
    finally:
        await ledger.close()


class Desk:
    """Routes whole requests: calls to the switch and the ledger, the ledger's own to the ledger."""

    def __init__(self, switch: Switch, ledger: DialLedger) -> None:
        self._switch = switch
        self._ledger = ledger

    def receive(self, request: Request) -> Reply:
        """The reply to a request, a call already in the ledger."""
        target = request.target.decode("latin-1")
        path, _, query = target.partition("?")
        if path.endswith(_CALLS_PATH):
            return self._call(request, target, path, query)
        if path == _LEDGER_PATH:
            return self._show_or_clear(request.method)
        return Reply(page(HTTPStatus.NOT_FOUND, "There is nothing here."))

    def _call(self, request: Request, target: str, path: str, query: str) -> Reply:
        raw = query.encode("latin-1")
        if request.method == "POST":
            # Its query is not read, but stays to be seen: a credential there would be in access logs.
            path, raw = target, bytes(request.body)
        readable = request.method != "POST" or request.content_type.partition(b";")[0].strip() == _FORM
        params = pairs(raw) if readable else ()
        answer = (
            self._switch.judge(target, params)
            if request.method in ("GET", "POST")
            else _not_allowed("GET, POST")
        )
        at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        entry = Entry(request.method, path, raw.decode("latin-1"), params, answer.code, at)
        return Reply(answer, self._ledger.append(entry))

    def _show_or_clear(self, method: str) -> Reply:
        if method == "GET":
            return Reply(Answer(self._ledger.rendered()))
        if method == "DELETE":
            return Reply(Answer(status=HTTPStatus.NO_CONTENT), self._ledger.clear())
        return Reply(_not_allowed("GET, DELETE"))


def _not_allowed(methods: str) -> Answer:
    return page(HTTPStatus.METHOD_NOT_ALLOWED, "Another method is needed.", (("Allow", methods),))


async def _until(stop: asyncio.Event, ledger: DialLedger) -> None:
    stopped = asyncio.create_task(stop.wait())
    ends: tuple[asyncio.Future[Any], ...] = (stopped, ledger.broken)
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
    if ledger.broken.done():
        # A witness that cannot take down what it hears must not go on answering.
        raise ledger.broken.result()


async def _cut(connections: set[Connection]) -> None:
    closing = [connection.closed for connection in connections]
    for connection in tuple(connections):
        connection.abort()
    await asyncio.gather(*closing)
