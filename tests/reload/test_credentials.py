"""The upstream pairs: when they are read anew, what is told of it, and calls in flight keep the old one."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.house import PASSWORD, USERNAME, Gateway, number, tenant, to, until
from tests.reload.conftest import OTHER_PASSWORD, OTHER_USERNAME
from tests.reload.live import Live, live
from tests.reload.mount import write_pair

CALLEE = number()["callee"]["number"]
TENANTS = {"acme": tenant("acme")}


@pytest.fixture
def house(simulator, tmp_path) -> Iterator[Live]:
    """A gateway with two pairs, `default` and `spare`."""
    write_pair(tmp_path / "spare", OTHER_USERNAME, OTHER_PASSWORD)
    pairs = {"default": {}, "spare": {"directory": str(tmp_path / "spare")}}
    with live(tmp_path, simulator.url, TENANTS, upstream={"credentials": pairs}) as found:
        yield found


def _rereads(gateway: Gateway, result: str = "success") -> float:
    return gateway.metric("gateway_credentials_reloads_total", result=result)


def _taken_at(gateway: Gateway, *names: str) -> list[float]:
    return [
        gateway.metric("gateway_credentials_loaded_timestamp_seconds", credentials=name) for name in names
    ]


def _is_reloaded(gateway: Gateway) -> bool:
    return gateway.metric("gateway_config_last_reload_successful") == 1


def test_a_refused_pair_is_read_anew_at_once(simulator, tmp_path):
    """One upstream 401 makes the gateway read the pair once more, though no file has changed."""
    with live(tmp_path, simulator.url, TENANTS, upstream={"circuit": "off"}) as house:
        before, age = _rereads(house.gateway), _taken_at(house.gateway, "default")
        refused = house.gateway.call("rest", "acme", to("0401"))
        assert (refused.status, refused.code) == (502, "UPSTREAM_CREDENTIALS_REJECTED")
        until(lambda: _rereads(house.gateway) == before + 1)
        assert house.reloads() == 0
        assert _taken_at(house.gateway, "default") == age


def test_calls_in_flight_keep_the_pair_they_began_with(gate, tmp_path):
    """A rotation while a call is on the wire neither ends nor repeats it; the next call has the new pair."""
    with live(tmp_path, gate.url, TENANTS) as house:
        dials, seen = gate.dials(CALLEE), len(gate.upstream.requests)
        with ThreadPoolExecutor(1) as pool, gate.holding():
            calling = pool.submit(house.gateway.call, "graphql", "acme", number(), "k-1")
            gate.await_dials(CALLEE, dials + 1)
            house.rotate(OTHER_USERNAME, OTHER_PASSWORD)
            until(lambda: house.reloads() > 0)
            assert not calling.done()
        assert calling.result(30).call["status"] == "REQUESTED"
        assert house.gateway.call("rest", "acme", number()).status == 202
        first, second = (request for request in tuple(gate.upstream.requests)[seen:])
        assert f"auth_username={quote(USERNAME, safe='')}".encode() in first
        assert f"auth_username={OTHER_USERNAME}".encode() in second


def _moved(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))


def _emptied(file: Path) -> None:
    file.write_text("")


def _garbled(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")


@pytest.mark.parametrize("break_it", [_moved, _emptied, _garbled])
def test_a_pair_that_breaks_is_one_failure(house: Live, break_it: Callable[[Path], None]) -> None:
    """Its alert sees it; mended, the pair is as old as it was, for it is the one that went on."""
    gateway, names = house.gateway, ("default", "spare")
    told, taken = _rereads(gateway), _taken_at(gateway, *names)
    assert _rereads(gateway, "failure") == 0
    break_it(house.directory / "pair" / "..data" / "password")
    until(lambda: not _is_reloaded(gateway))
    assert _rereads(gateway, "failure") == 1
    assert gateway.call("rest", "acme", number()).status == 202
    house.rotate(USERNAME, PASSWORD)
    until(lambda: _is_reloaded(gateway))
    assert (_rereads(gateway), _rereads(gateway, "failure")) == (told, 1)
    assert _taken_at(gateway, *names) == taken


def test_a_new_pair_that_cannot_be_read_is_one_failure(house: Live) -> None:
    """So is one that only the refused configuration names, beside its other faults."""
    bad = {"directory": str(house.directory / "nowhere")}
    house.edit(
        lambda settings: settings["upstream"].update(credentials={**_pairs(house), "third": bad}, no=1)
    )
    until(lambda: not _is_reloaded(house.gateway))
    assert _rereads(house.gateway, "failure") == 1


def test_other_faults_are_no_failures_of_a_pair(house: Live) -> None:
    """A configuration that is refused for a reason of its own says nothing of the credentials."""
    house.write("tenants: [")
    until(lambda: not _is_reloaded(house.gateway))
    assert _rereads(house.gateway, "failure") == 0


def test_only_a_rotation_renews_a_pair(house: Live) -> None:
    """Neither an edit, nor a signal, nor another upstream makes a pair younger; its own change does, and
    no other pair's."""
    gateway, names = house.gateway, ("default", "spare")
    told, taken = _rereads(gateway), _taken_at(gateway, *names)
    house.edit_and_wait(lambda settings: settings.update(console=False))
    house.edit_and_wait(lambda settings: settings["upstream"].update(idle_connection_seconds=3))
    reloads = house.reloads()
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: house.reloads() > reloads)
    assert (_rereads(gateway), _taken_at(gateway, *names)) == (told, taken)
    house.rotate(OTHER_USERNAME, OTHER_PASSWORD)
    until(lambda: _rereads(gateway) == told + 1)
    now = _taken_at(gateway, *names)
    assert now[0] > taken[0]
    assert now[1] == taken[1]


def test_a_pair_comes_and_goes_with_its_age(house: Live) -> None:
    """One that the configuration has no more can't be told as stale; one that is new is young."""
    gateway, pairs = house.gateway, _pairs(house)
    first, taken = _rereads(gateway), _taken_at(gateway, "spare")
    house.edit_and_wait(
        lambda settings: settings["upstream"].update(credentials={"default": pairs["default"]})
    )
    assert _taken_at(gateway, "spare") == [0]
    house.edit_and_wait(lambda settings: settings["upstream"].update(credentials=pairs))
    assert _taken_at(gateway, "spare") > taken
    assert _rereads(gateway) == first + 1


def _pairs(house: Live) -> dict[str, dict[str, str]]:
    return dict(house.settings["upstream"]["credentials"])
