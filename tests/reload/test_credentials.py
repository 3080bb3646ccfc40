"""The upstream pair is read anew when the upstream refuses it, and calls in flight keep the old one."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from tests.house import USERNAME, number, tenant, to, until
from tests.reload.conftest import OTHER_PASSWORD, OTHER_USERNAME
from tests.reload.live import live

CALLEE = number()["callee"]["number"]
TENANTS = {"acme": tenant("acme")}


def _rereads(gateway) -> float:
    return gateway.metric("gateway_credentials_reloads_total", result="success")


def test_a_refused_pair_is_read_anew_at_once(simulator, tmp_path):
    """One upstream 401 makes the gateway read the pair once more, though no file has changed."""
    with live(tmp_path, simulator.url, TENANTS, upstream={"circuit": "off"}) as house:
        before = _rereads(house.gateway)
        refused = house.gateway.call("rest", "acme", to("0401"))
        assert (refused.status, refused.code) == (502, "UPSTREAM_CREDENTIALS_REJECTED")
        until(lambda: _rereads(house.gateway) == before + 1)
        assert house.reloads() == 0


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
