"""An answer that leaves in one write is byte for byte the one that uvicorn's own cycle writes."""

import asyncio

import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.doors.protocol import Bounds, bounded

NAMES = st.sampled_from([b"content-type", b"x-request-id", b"connection", b"location", b"ratelimit"])
FIELDS = st.sampled_from([b"close", b"keep-alive", b"text/plain", b"a b", b"bad\r\nx: y", b"nul\0"])
REQUESTS = st.sampled_from(
    [
        b"POST /v1/calls HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        b"GET / HTTP/1.0\r\n\r\n",
        b"HEAD /docs HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a%2Fb?c=d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ]
)


class Pipe(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self):
        super().__init__()
        self.writes: list[bytes] = []
        self.is_over = False

    def get_extra_info(self, _name, default=None):
        return default

    def write(self, data):
        self.writes.append(bytes(data))

    def is_closing(self):
        return self.is_over

    def close(self):
        self.is_over = True

    def pause_reading(self):
        """Nothing more will come."""

    def resume_reading(self):
        """Nothing more will come."""


async def _served(protocol: type, app, request: bytes) -> Pipe:
    config = uvicorn.Config(
        app, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False
    )
    config.load()
    pipe, state = Pipe(), ServerState()
    connection = protocol(config=config, server_state=state, app_state={})
    connection.connection_made(pipe)
    connection.data_received(request)
    await asyncio.gather(*state.tasks)
    connection.connection_lost(None)
    return pipe


@settings(max_examples=200, deadline=None)
@given(REQUESTS, st.sampled_from([200, 202, 404, 503]), st.lists(st.tuples(NAMES, FIELDS)), st.data())
def test_one_write_says_what_uvicorn_says(request, status, headers, data):
    """Same bytes, same end of the connection, same request as the application saw it."""
    body = data.draw(st.binary(max_size=20))
    is_split = data.draw(st.booleans())
    length = data.draw(st.sampled_from([len(body), len(body), len(body), len(body) + 1, None]))
    if length is not None:
        headers = [*headers, (b"content-length", b"%d" % length)]
    seen = []

    async def app(scope, receive, send):
        kept = ("method", "path", "raw_path", "query_string", "http_version", "headers")
        seen.append({name: scope[name] for name in kept})
        seen.append(await receive())
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if is_split:
            await send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await send({"type": "http.response.body", "body": body[3:] if is_split else body})

    async def both() -> tuple[Pipe, Pipe]:
        bounds = Bounds(16_384, 10, 10)
        return await _served(bounded(bounds), app, request), await _served(HttpToolsProtocol, app, request)

    ours, theirs = asyncio.run(both())
    assert b"".join(ours.writes) == b"".join(theirs.writes)
    assert ours.is_over == theirs.is_over
    assert seen[:2] == seen[2:]


def test_a_usual_answer_is_one_write():
    """Head and body leave together."""

    async def app(scope, _receive, send):
        taken = scope["extensions"]["gateway.whole_body"]["take"]
        assert (taken(), taken()) == (b"{}", None)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    request = b"POST /v1/calls HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
    pipe = asyncio.run(_served(bounded(Bounds(16_384, 10, 10)), app, request))
    assert len(pipe.writes) == 1
    assert pipe.writes[0].endswith(b"\r\n\r\n{}")
