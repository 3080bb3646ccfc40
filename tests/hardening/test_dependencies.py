"""What safety relies on in the packages below us, pinned: an update that changes it fails here first.

Two more are pinned where they are at home. That the transport never sends twice: `tests/wire/test_reuse.py`,
`test_no_request_is_ever_received_twice` and `test_what_a_kept_connection_swallowed_is_not_sent_again`. That
the shared store's client never retries: `tests/ledger/test_redis_faults.py`, `test_every_command_leaves_once`
and `test_a_command_whose_connection_breaks_is_not_sent_again`.
"""

import asyncio
import importlib.metadata
import json
import re
import tomllib
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import httptools
import orjson
import pytest
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from gateway.doors.bounds import Bounds
from gateway.doors.exchange import Direct, Exchange
from gateway.doors.server import server_of

ROOT = Path(__file__).parents[2]
BOUNDS = Bounds(header_bytes=16_384, header_seconds=5, body_seconds=5)


class Told:
    """Every callback of a parser, in its order."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *values: self.calls.append((name, *values))

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


def fed(data: bytes, kind: type = httptools.HttpRequestParser) -> Told:
    told = Told()
    kind(told).feed_data(data)
    return told


def test_what_is_relied_on_from_within_is_pinned_exactly():
    """Packages whose inside is subclassed or executed directly have one version, the installed one."""
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    exact = dict(pin.split("==") for pin in pins if "==" in pin)
    assert {"uvicorn", "strawberry-graphql", "graphql-core"} <= exact.keys()
    for name, version in exact.items():
        assert importlib.metadata.version(name) == version


def test_every_dependency_is_locked_with_its_hashes():
    """Nothing is installed that was not looked at: each line of both locks is exact and hashed."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text().replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
        assert len(lines) > 20
        loose = [line for line in lines if not re.match(r"\S+==\S+.*--hash=sha256:[0-9a-f]{64}", line)]
        assert not loose, loose


def test_the_server_gives_connections_what_they_use():
    """uvicorn's own names, which are no public interface."""
    assert vars(ServerState()).keys() == {"total_requests", "connections", "tasks", "default_headers"}
    config = Config(lambda: None, lifespan="off", log_config=None)
    config.load()
    assert all(hasattr(config, name) for name in ("loaded_app", "asgi_version", "root_path"))
    cycle = set(signature(RequestResponseCycle).parameters)
    assert cycle >= {"scope", "transport", "flow", "message_event", "keep_alive", "on_response"}
    assert {"body", "more_body", "disconnected", "response_started", "response_complete"} <= set(
        RequestResponseCycle.__init__.__code__.co_names
    )


@pytest.mark.parametrize("way", ["direct", "asgi"])
@pytest.mark.parametrize("how", ["close", "abort"])
def test_a_client_that_hangs_up_cancels_nothing(how, way):
    """The server lets the application finish: a call that was admitted is settled (promise 5)."""
    began, finish, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        began.set()
        await finish.wait()
        ended.set()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def serve(exchange: Exchange) -> None:
        began.set()
        await finish.wait()
        ended.set()
        await exchange.send(200, [(b"content-length", b"0")], b"", is_last=False)

    async def main() -> None:
        direct = Direct(lambda _path: way == "direct", serve)
        server = server_of(app, "127.0.0.1", 0, grace_seconds=5, bounds=BOUNDS, direct=direct)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  it is a plain attribute
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(began.wait(), 5)
        writer.transport.abort() if how == "abort" else writer.close()
        while server.server_state.connections:  # noqa: ASYNC110  it is a plain set
            await asyncio.sleep(0.01)
        finish.set()
        await asyncio.wait_for(ended.wait(), 5)
        server.should_exit = True
        await asyncio.wait_for(serving, 10)

    asyncio.run(main())


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 2\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length : 2\r\n",
        b"X: a\r\n b\r\n",
        b"X: a\nY: b\r\n",
    ],
)
def test_the_parser_refuses_framing_that_can_be_read_in_two_ways(framing):
    """llhttp's strictness, on which the rules of `doors.heads` build."""
    with pytest.raises(httptools.HttpParserError):
        fed(b"POST / HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n{}")


def test_the_parser_takes_what_heads_then_refuses():
    """Why `doors.heads` is there: these pass the parser."""
    fed(b"POST / HTTP/1.1\r\nHost: x\r\nHost: y\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
    fed(b"GET / HTTP/2.0\r\n\r\n")


def test_the_parser_shows_trailers_as_header_fields():
    """Why the protocol drops fields that come behind a body."""
    told = fed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-T: 1\r\n\r\n")
    assert told.names().index("on_body") < told.calls.index(("on_header", b"X-T", b"1"))


def test_the_parser_passes_over_the_body_behind_an_upgrade():
    """Why the protocol reads on with a new parser, from the place that the exception names."""
    head = b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n"
    told = Told()
    with pytest.raises(httptools.HttpParserUpgrade) as raised:
        httptools.HttpRequestParser(told).feed_data(head + b"{}GET / HTTP/1.1\r\n\r\n")
    assert raised.value.args[0] == len(head)
    assert "on_message_complete" in told.names()
    assert "on_body" not in told.names()


def test_the_parser_believes_that_a_204_has_no_body():
    """Why the wire shows a framed 204 as a 200."""
    told = Told()
    parser = httptools.HttpResponseParser(told)
    parser.feed_data(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n")
    assert told.names()[-1] == "on_message_complete"


def test_json_of_the_standard_library_is_bounded():
    """Deep nesting and long numbers raise, which both readers of JSON turn into a refusal."""
    with pytest.raises(RecursionError):
        json.loads("[" * 100_000)
    with pytest.raises(ValueError, match="digits"):
        json.loads("1" * 5_000)


def test_the_writer_of_json_refuses_what_has_no_utf_8():
    """A lone surrogate can't be written by orjson: the doors escape or refuse it before."""
    with pytest.raises(TypeError):
        orjson.dumps({"a": "\ud800"})
