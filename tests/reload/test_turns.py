"""A request that waits for the answer before its own is answered by the configuration of its turn."""

import json
import socket

import httpx
import pytest

from tests.house import number, tenant
from tests.reload.live import live

CALLEE = number()["callee"]["number"]
SHOWN = {"console": True, "graphql": {"introspection": True}}
HIDDEN = {"console": False, "graphql": {"introspection": False}}


@pytest.fixture
def house(gate, tmp_path):
    """A gateway that shows all of itself."""
    with live(tmp_path, gate.url, {"acme": tenant("acme")}, **SHOWN) as found:
        yield found


def _request(house, method: str, path: str, body: object = None, *fields: str) -> bytes:
    text = b"" if body is None else json.dumps(body).encode()
    headers = house.gateway.headers("acme") | {"Host": "a", "Content-Length": str(len(text))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), *fields]
    if body is not None:
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + text


def test_what_waits_behind_a_call_follows_the_configuration(house, gate):
    """What was read before a reload and begins after it shows no page and no schema that is hidden now."""
    sent = [
        _request(house, "POST", "/v1/calls", number()),
        _request(house, "GET", "/docs"),
        _request(house, "POST", "/graphql", {"query": "{__schema{types{name}}}"}, "Connection: close"),
    ]
    before = gate.dials(CALLEE)
    with socket.create_connection(("127.0.0.1", httpx.URL(house.gateway.url).port), 10) as client:
        with gate.holding():
            client.sendall(b"".join(sent))
            gate.await_dials(CALLEE, before + 1)
            house.edit_and_wait(lambda settings: settings.update(HIDDEN))
        answers = b"".join(iter(lambda: client.recv(65536), b""))
    call, page, schema = answers.split(b"HTTP/1.1 ")[1:]
    assert call.startswith((b"201", b"202")), call
    assert page.startswith(b"404"), page
    assert b'"types"' not in schema
    assert b'"errors"' in schema
