"""However a request comes, and whichever way it goes, it is seen alike and answered byte for byte alike."""

import asyncio
from dataclasses import asdict
from functools import partial
from typing import Any

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.doors.bounds import Bounds, Terms
from gateway.doors.edge import EdgeOptions, Endpoint
from gateway.doors.exchange import Arrival, Direct, Reply
from gateway.doors.protocol import Connection
from gateway.telemetry import RequestAccount, parse_traceparent

BODY_BYTES = 40
PATHS = ("/v1/calls", "/a b")
NAMES = st.sampled_from([b"location", b"ratelimit", b"retry-after"])
VALUES = st.sampled_from([b"1", b"a b", b"a\tb", b"bad\r\nx: y", b"nul\0", b"\x7f", b""])
SENT = st.sampled_from(
    [
        b"",
        b"Connection: close\r\n",
        b"Expect: 100-continue\r\n",
        b"Origin: https://a.example\r\n",
        b"Prefer: wait=1\r\nprefer: wait=2\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
    ]
)


@st.composite
def requests(draw: Any) -> bytes:
    """One request that every server takes, with a body in one of its framings or none."""
    method = draw(st.sampled_from([b"POST", b"POST", b"GET", b"HEAD", b"PUT"]))
    target = draw(st.sampled_from([b"/v1/calls", b"/v1/c%61lls", b"/a%20b", b"/v1/calls?a=b%20c", b"/else"]))
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0"]))
    body = draw(st.binary(max_size=BODY_BYTES + 5))
    fields = b"Host: a\r\nX-Request-ID: r1\r\n" + draw(SENT)
    framing = draw(st.sampled_from(["none", "length", "length", "chunks"]))
    if framing == "chunks" and version == b"1.1":
        fields += b"Transfer-Encoding: chunked\r\n"
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    elif framing == "length":
        fields += b"Content-Length: %d\r\n" % len(body)
    else:
        body = b""
    return b"%b %b HTTP/%b\r\n%b\r\n%b" % (method, target, version, fields, body)


class Pipe(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_over = False

    def get_extra_info(self, _name: str, default: Any = None) -> Any:
        return default

    def write(self, data: Any) -> None:
        assert not self.is_over, "uvloop raises for what is written to a closed transport"
        self.writes.append(bytes(data))

    @property
    def answers(self) -> int:
        return b"".join(self.writes).count(b"HTTP/1.1 ")

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        self.is_over = True

    def pause_reading(self) -> None:
        """Nothing more will come."""

    def resume_reading(self) -> None:
        """Nothing more will come."""


class Served:
    """What one server made of some requests."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.arrivals: list[Any] = []
        self.accounts: list[Any] = []
        self.pipe = Pipe()
        self.asked_by_asgi = 0
        options = EdgeOptions(
            BODY_BYTES, 1, parse_traceparent, lambda: None, self.finished, is_winding_down=lambda: False
        )
        self.endpoints = {
            path: Endpoint(
                options, path, "rest", {"POST": self.answer, "GET": self.answer, "HEAD": self.answer}
            )
            for path in PATHS
        }
        self.other = Endpoint(options, "else", None, {"*": self.answer})

    async def answer(self, arrival: Arrival) -> Reply:
        body = await arrival.body()
        seen = (arrival.method, arrival.path, arrival.query, arrival.headers, arrival.repeated)
        self.arrivals.append((*seen, arrival.scheme, arrival.request_id, body))
        return self.reply

    def finished(self, account: RequestAccount) -> None:
        told = asdict(account)
        for varies in ("trace", "duration_seconds", "started_at_ns"):
            del told[varies]
        self.accounts.append(told)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked_by_asgi += 1
        await self.endpoints.get(scope["path"], self.other)(scope, receive, send)

    def direct(self) -> Direct:
        return Direct(
            lambda path: path in self.endpoints, lambda asked: self.endpoints[asked.path].serve(asked)
        )

    def connected(self, protocol: Any) -> tuple[Any, set[Any]]:
        """A connection, and the tasks of its requests."""
        config = uvicorn.Config(
            self.app,
            http=protocol,
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            proxy_headers=False,
        )
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"today")]
        connection = protocol(config=config, server_state=state, app_state={})
        connection.connection_made(self.pipe)
        return connection, state.tasks

    async def run(self, protocol: Any, pieces: list[bytes]) -> "Served":
        connection, tasks = self.connected(protocol)
        for piece in pieces:
            if not self.pipe.is_over:  # no transport reads on then
                connection.data_received(piece)
                while tasks:
                    before = len(self.pipe.writes), len(self.arrivals), len(tasks)
                    for _ in range(8):
                        await asyncio.sleep(0)
                    if before == (len(self.pipe.writes), len(self.arrivals), len(tasks)):
                        break  # it waits for the rest of a body
        if not self.pipe.is_over:
            connection.connection_lost(None)
        await asyncio.gather(*tasks)
        return self

    def told(self) -> Any:
        return b"".join(self.pipe.writes), self.arrivals, self.accounts, self.pipe.is_over


def connections(served: Served, *, is_direct: bool) -> Any:
    direct = served.direct() if is_direct else None
    return partial(Connection, terms=Terms(Bounds(16_384, 10, 10), direct))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_all_ways_are_one(data: Any) -> None:
    """Straight from the connection, by ASGI, and as uvicorn's own protocol serves the same application."""
    sent = b"".join(data.draw(st.lists(requests(), min_size=1, max_size=3)))
    cuts = sorted(data.draw(st.lists(st.integers(1, len(sent)), max_size=3)))
    pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True) if a < b]
    reply = Reply(
        data.draw(st.sampled_from([200, 202, 429, 503])),
        data.draw(st.binary(max_size=20)),
        b"application/json",
        tuple(data.draw(st.lists(st.tuples(NAMES, VALUES), max_size=3))),
    )

    async def served() -> list[Served]:
        ways = [Served(reply) for _ in range(3)]
        protocols: list[Any] = [connections(ways[0], is_direct=True), connections(ways[1], is_direct=False)]
        protocols.append(HttpToolsProtocol)
        return [await way.run(protocol, pieces) for way, protocol in zip(ways, protocols, strict=True)]

    direct, asgi, theirs = asyncio.run(served())
    assert direct.told() == asgi.told()
    if b"Upgrade" not in sent:  # of which uvicorn loses the body
        assert asgi.told() == theirs.told()


def post(body: bytes, fields: bytes = b"") -> bytes:
    return b"POST /v1/calls HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (fields, len(body), body)


def test_a_request_that_came_whole_is_answered_without_asgi_in_one_write() -> None:
    """Head and body leave together; the application is never asked, but for what comes in pieces."""
    served = Served(Reply(202, b"{}", b"application/json"))
    whole = post(b"{}", b"X-Request-ID: r1\r\n")
    asyncio.run(served.run(connections(served, is_direct=True), [whole, whole[:-1], whole[-1:]]))
    assert served.asked_by_asgi == 1
    assert len(served.arrivals) == 2
    assert served.pipe.writes[0] == b"".join(served.pipe.writes[1:])
    assert served.pipe.writes[0].endswith(b"\r\n\r\n{}")


class Held(Served):
    """Answers when it is told to."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.release = asyncio.Event()

    async def answer(self, arrival: Arrival) -> Reply:
        reply = await super().answer(arrival)
        await self.release.wait()
        return reply

    async def lose(self, sent: bytes, *, is_direct: bool, begins: bool) -> None:
        """The client goes away, before its first request `begins` or while it is held."""
        connection, tasks = self.connected(connections(self, is_direct=is_direct))
        connection.data_received(sent)
        if begins:
            await asyncio.sleep(0)
        connection.connection_lost(None)
        self.release.set()
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("is_direct", [True, False])
@pytest.mark.parametrize(("begins", "status"), [(True, 202), (False, 499)])
def test_a_client_that_is_gone_is_told_of_alike(begins: bool, status: int, is_direct: bool) -> None:
    """What had begun is answered for nobody; what had not is not begun. Nothing is written."""
    served = Held(Reply(202, b"{}", b"application/json"))
    asyncio.run(served.lose(post(b"{}"), is_direct=is_direct, begins=begins))
    assert served.pipe.writes == []
    assert len(served.arrivals) == begins
    assert [account["status"] for account in served.accounts] == [status]


@pytest.mark.parametrize("is_direct", [True, False])
def test_a_client_that_is_gone_with_requests_waiting_makes_no_fault(caplog: Any, is_direct: bool) -> None:
    """The one that was begun ends and is told; those behind it never begin."""
    served = Held(Reply(202, b"{}", b"application/json"))
    asyncio.run(served.lose(post(b"{}") * 3, is_direct=is_direct, begins=True))
    assert served.pipe.writes == []
    assert len(served.arrivals) == 1
    assert [account["status"] for account in served.accounts] == [202]
    assert not caplog.records
