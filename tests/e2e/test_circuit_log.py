"""Why calls can't reach the upstream stands in the log: once, and when it is over."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.e2e.gate import gated
from tests.e2e.test_states import closed_port
from tests.house import (
    DOORS,
    PASSWORD,
    Gateway,
    configuration,
    number,
    serving,
    simulated,
    tenant,
    to,
    until,
)

CIRCUIT = {"failures": 3, "open_seconds": 1}


def told(gateway: Gateway) -> list[tuple[str, str]]:
    """What the log says of connections and circuits: level and message, oldest first."""
    lines = [line for line in gateway.lines("log") if line["logger"].startswith("gateway.upstream")]
    return [(line["level"], line["message"]) for line in lines]


def refused(gateway: Gateway, times: int) -> None:
    """Ask for calls in vain, through both doors in turn."""
    for index in range(times):
        answer = gateway.call(DOORS[index % 2], "acme", number())
        assert answer.code in {"UPSTREAM_UNREACHABLE", "CIRCUIT_OPEN"}


def test_a_port_that_refuses_and_then_does_not(tmp_path: Path) -> None:
    """The system's words for it, once for the first failure and once for the circuit, however many calls
    follow; then that it is over."""
    port = closed_port()
    settings = configuration(
        tmp_path,
        f"http://127.0.0.1:{port}",
        {"acme": tenant("acme")},
        upstream={"circuit": CIRCUIT},
    )
    with serving(tmp_path, settings) as gateway:
        refused(gateway, 12)
        (first, second) = until(lambda: len(told(gateway)) >= 2 and told(gateway))
        assert first[0] == "warning"
        assert first[1].startswith("no connection to the upstream (connect_error): ")
        assert second[0] == "error"
        assert second[1].startswith("circuit transport opened (connect_error): ")
        assert "refused" in first[1]
        assert "refused" in second[1]
        with simulated(tmp_path / "dials", "--port", str(port)):
            until(lambda: gateway.call("rest", "acme", number()).status == 202)
            over = ("warning", "circuit transport closed: a connection could be made")
            assert until(lambda: told(gateway)[2:]) == [over]


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings of a gateway whose upstream shows a certificate of an authority that it does not know."""
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    upstream = {"tls": {"ca_file": str(tmp_path / "other.pem")}, "circuit": CIRCUIT}
    with gated(context) as gate:
        yield configuration(tmp_path, gate.url, {"acme": tenant("acme")}, upstream=upstream)


def test_a_certificate_that_nobody_vouches_for(stranger: dict[str, Any], tmp_path: Path) -> None:
    """The TLS library's words, and neither the credential nor the query that would have been sent."""
    with serving(tmp_path, stranger) as gateway:
        refused(gateway, 6)
        lines = until(lambda: len(told(gateway)) >= 2 and told(gateway))
        (opened,) = (message for level, message in lines if level == "error")
        assert opened.startswith("circuit transport opened (tls_error): ")
        assert "CERTIFICATE_VERIFY_FAILED" in opened
        log = gateway.log.read_text()
        assert "auth_" not in log
        assert "2125551234" not in log
        assert PASSWORD not in log


def test_a_rejected_pair(simulator: Any, tmp_path: Path) -> None:
    """By its name, when its circuit opens and when a changed pair closes it."""
    settings = configuration(tmp_path, simulator.url, {"acme": tenant("acme")})
    with serving(tmp_path, settings) as gateway:
        for door in (*DOORS, *DOORS, *DOORS):
            gateway.call(door, "acme", to("0401"))
        name = "circuit credentials:default"
        opened = ("error", f"{name} opened: the upstream rejected the pair (401) 3 times in a row")
        assert until(lambda: told(gateway)) == [opened]
        (tmp_path / "credentials" / "username").write_text("another")
        closed = ("warning", f"{name} closed: the pair was accepted, or changed")
        assert until(lambda: told(gateway)[1:]) == [closed]
