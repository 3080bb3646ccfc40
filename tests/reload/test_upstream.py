"""Another upstream while calls are on the wire: they end where they began, the next ones go there."""

import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.gate import gated
from tests.house import DOORS, number, tenant
from tests.reload.live import live
from tests.replicas.fleet import Shot

CALLEE = number()["callee"]["number"]


@pytest.fixture
def other():
    """The upstream that the configuration is changed to."""
    with gated() as found:
        yield found


@pytest.fixture
def house(gate, tmp_path):
    """A gateway that dials the first upstream."""
    with live(tmp_path, gate.url, {"acme": tenant("acme")}) as found:
        yield found


def _move(house, url: str) -> None:
    house.edit_and_wait(lambda settings: settings["upstream"].update(base_url=f"{url}/local/api/json"))


def test_calls_on_the_wire_end_where_they_began(house, gate, other):
    """A changed base URL neither ends nor repeats a call; what comes after it goes to the new place."""
    before = gate.dials(CALLEE)
    with ThreadPoolExecutor(2) as pool, gate.holding():
        calling = [pool.submit(house.gateway.call, door, "acme", number()) for door in DOORS]
        gate.await_dials(CALLEE, before + 2)
        _move(house, other.url)
        for door in DOORS:
            assert house.gateway.call(door, "acme", number()).code is None
        assert not any(call.done() for call in calling)
    assert [call.result(30).code for call in calling] == [None, None]
    assert (gate.dials(CALLEE), other.dials(CALLEE)) == (before + 2, 2)
    assert all(b"/local/api/json/calls/make/" in request for request in other.upstream.requests)


@pytest.mark.parametrize("door", DOORS)
def test_a_request_that_is_still_being_read_is_not_lost(house, gate, other, door):
    """A request whose body comes in before and after the change is placed, once, like any other."""
    before = gate.dials(CALLEE) + other.dials(CALLEE)
    raw = Shot(house.gateway, door, "acme", number()).raw()
    with socket.create_connection(("127.0.0.1", httpx.URL(house.gateway.url).port)) as client:
        client.sendall(raw[:-1])
        # Answers of requests that came later show that this one's head has been read.
        house.gateway.get("/v1/calls", "acme")
        _move(house, other.url)
        assert house.gateway.call(door, "acme", number()).code is None
        client.sendall(raw[-1:])
        client.settimeout(10)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 20"), answer
    assert b'"REQUESTED"' in answer
    assert gate.dials(CALLEE) + other.dials(CALLEE) == before + 2
