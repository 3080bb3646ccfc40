"""Other authorities for the upstream, in the same file: the next connection must satisfy them."""

import signal
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.e2e.gate import Gate, gated
from tests.house import DOORS, number, tenant, until
from tests.reload.live import Live, live

CALLEE = number()["callee"]["number"]


@dataclass(frozen=True)
class Town:
    """A gateway, its upstream over TLS, and the file of authorities between them."""

    house: Live
    gate: Gate
    server: ssl.SSLContext
    ca_file: Path

    def idle_connections(self) -> float:
        """How many connections the gateway keeps for its next calls."""
        return self.house.gateway.metric("gateway_upstream_connections", state="idle")

    def codes(self) -> list[str | None]:
        """What a call comes to at each door."""
        return [self.house.gateway.call(door, "acme", number()).code for door in DOORS]


@pytest.fixture
def town(tmp_path) -> Iterator[Town]:
    """One that works; connections are kept for longer than a test lasts, and no circuit holds calls back."""
    authority, server, ca_file = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.cert_pem.write_to_path(str(ca_file))
    upstream = {"tls": {"ca_file": str(ca_file)}, "idle_connection_seconds": 300, "circuit": "off"}
    with (
        gated(server) as gate,
        live(tmp_path, gate.url, {"acme": tenant("acme")}, upstream=upstream) as house,
    ):
        yield Town(house, gate, server, ca_file)


def _rename(town: Town, content: bytes) -> None:
    draft = town.ca_file.with_suffix(".new")
    draft.write_bytes(content)
    draft.replace(town.ca_file)


def _hang_up(town: Town, content: bytes) -> None:
    town.ca_file.write_bytes(content)
    town.house.gateway.process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("change", [_rename, _hang_up])
def test_other_authorities_count_from_the_next_connection(town, change):
    """Not even a connection that is kept serves on after the old ones went; the new ones are trusted."""
    assert town.codes() == [None, None]
    assert town.idle_connections() == 1
    other = trustme.CA()
    change(town, other.cert_pem.bytes())
    until(lambda: town.house.reloads() > 0)
    before = town.gate.dials(CALLEE)
    assert town.codes() == ["UPSTREAM_UNREACHABLE"] * 2
    assert town.gate.dials(CALLEE) == before
    other.issue_cert("127.0.0.1").configure_cert(town.server)
    assert town.codes() == [None, None]
    assert town.gate.dials(CALLEE) == before + 2


def test_a_call_on_the_wire_ends_where_it_began(town):
    """Its connection was good when the call began: it is neither cut off nor made again."""
    with ThreadPoolExecutor(1) as pool, town.gate.holding():
        calling = pool.submit(town.house.gateway.call, "rest", "acme", number())
        town.gate.await_dials(CALLEE)
        _rename(town, trustme.CA().cert_pem.bytes())
        until(lambda: town.house.reloads() > 0)
        assert not calling.done()
    assert calling.result(30).call["status"] == "REQUESTED"
    assert town.gate.dials(CALLEE) == 1
    until(lambda: town.idle_connections() == 0)


def test_the_same_authorities_cost_no_connection(town):
    """A reload for another reason keeps the connections, as the file holds what it held."""
    assert town.codes() == [None, None]
    town.house.edit_and_wait(lambda settings: settings.update(console=False))
    assert town.idle_connections() == 1


def test_no_authorities_keep_the_old_ones(town):
    """An emptied file is a fault, and never means the system's authorities."""
    town.ca_file.write_text("")
    until(lambda: town.house.gateway.metric("gateway_config_last_reload_successful") == 0)
    assert town.codes() == [None, None]
