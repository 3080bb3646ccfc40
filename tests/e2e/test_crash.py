"""kill -9 at every point of a call: afterwards it is unknown, charged, and never dialled again."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest

from tests.e2e.gate import gated
from tests.e2e.town import DAILY
from tests.house import DOORS, Gateway, asking, configuration, number, serving, started, tenant, until
from tests.wire.upstream import RawUpstream

QUOTAS = [DAILY, {"name": "at-once", "limit": 1, "per": "concurrent"}]
CALLEE = number()["callee"]["number"]


def kill(gateway: Gateway) -> None:
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait()


@contextmanager
def restarted(gateway: Gateway) -> Iterator[Gateway]:
    with started(gateway.config, gateway.log.with_name("again.log")) as again:
        yield again


def check_unknown(again: Gateway) -> None:
    """The one record reads unknown through every reader, is charged, holds no slot, and replays as 504; the
    metric and the log say that it was found."""
    (record,) = again.calls("acme")
    assert (record["status"], record["code"], record["reference"]) == ("UNKNOWN", "OUTCOME_UNKNOWN", None)
    assert again.remaining("acme") == {"daily": 999, "at-once": 1}
    for door in DOORS:
        for _ in range(2):
            answer = again.call(door, "acme", number(), "the-key")
            assert (answer.code, answer.call_state, answer.retryable) == ("OUTCOME_UNKNOWN", "UNKNOWN", False)
            assert answer.status == (504 if door == "rest" else 200)
            assert answer.replayed
            named = answer.body["callId"] if door == "rest" else answer.body["unknownCall"]["id"]
            assert named == record["id"]
    until(lambda: again.metric("gateway_ledger_recovered_total"))
    assert again.metric("gateway_ledger_recovered_total") == 1
    (told,) = until(lambda: [line for line in again.lines("log") if "now unknown" in line["message"]])
    assert told["level"] == "warning"
    assert told["message"].startswith("1 calls were left unsettled")
    assert "gateway calls resolve" in told["message"]


@pytest.mark.parametrize("door", DOORS)
def test_killed_after_the_commit_and_before_the_dial(door, tmp_path):
    """The connection stands, its TLS handshake never ends, no byte of the call has left: recorded before."""
    with RawUpstream(lambda peer: peer.receive() and peer.wait_closed()) as upstream:
        url = f"https://127.0.0.1:{upstream.port}"
        with serving(
            tmp_path, configuration(tmp_path, url, {"acme": tenant("acme", quotas=QUOTAS)})
        ) as gateway:
            _, threads = asking(1, lambda _: _swallow(gateway, door))
            until(lambda: upstream.connections == 1)
            until(lambda: [c["status"] for c in gateway.calls("acme")] == ["IN_PROGRESS"])
            kill(gateway)
            with restarted(gateway) as again:
                check_unknown(again)
                assert upstream.connections == 1
            threads[0].join()


@pytest.mark.parametrize("door", DOORS)
def test_killed_during_the_dial(door, tmp_path):
    """The upstream has the call and has said nothing yet."""
    with (
        gated() as gate,
        serving(
            tmp_path, configuration(tmp_path, gate.url, {"acme": tenant("acme", quotas=QUOTAS)})
        ) as gateway,
    ):
        with gate.holding():
            _, threads = asking(1, lambda _: _swallow(gateway, door))
            gate.await_dials(CALLEE)
            kill(gateway)
        with restarted(gateway) as again:
            check_unknown(again)
            assert gate.dials(CALLEE) == 1
            assert again.call(door, "acme", number(), "another-key").call["status"] == "REQUESTED"
            assert gate.dials(CALLEE) == 2
        threads[0].join()


@pytest.mark.parametrize("door", DOORS)
def test_killed_after_the_dial(door, tmp_path):
    """The upstream has answered, the store can't take it down: the client hears the truth all the same.
    Killed then, the record reads unknown afterwards, and nothing is dialled again."""
    with (
        gated() as gate,
        serving(
            tmp_path, configuration(tmp_path, gate.url, {"acme": tenant("acme", quotas=QUOTAS)})
        ) as gateway,
    ):
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
            with gate.holding():
                answers, threads = asking(1, lambda _: gateway.call(door, "acme", number(), "the-key"))
                gate.await_dials(CALLEE)
                other.execute("BEGIN EXCLUSIVE")
            threads[0].join()
            assert answers[0].call["status"] == "REQUESTED"
            kill(gateway)
            other.execute("ROLLBACK")
        with restarted(gateway) as again:
            check_unknown(again)
            assert gate.dials(CALLEE) == 1


def test_the_record_follows_when_the_store_is_back(tmp_path):
    """An outcome that the store could not take down is written as soon as it can be, and replays."""
    with (
        gated() as gate,
        serving(
            tmp_path, configuration(tmp_path, gate.url, {"acme": tenant("acme", quotas=QUOTAS)})
        ) as gateway,
    ):
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
            with gate.holding():
                answers, threads = asking(1, lambda _: gateway.call("rest", "acme", number(), "the-key"))
                gate.await_dials(CALLEE)
                other.execute("BEGIN EXCLUSIVE")
            threads[0].join()
            other.execute("ROLLBACK")
        call_id = answers[0].call["id"]
        until(lambda: gateway.find("acme", call_id)["status"] == "REQUESTED")
        replay = gateway.call("graphql", "acme", number(), "the-key")
        assert replay.call["id"] == call_id
        assert gate.dials(CALLEE) == 1


def test_killed_after_it_was_settled(tmp_path, simulator):
    """What was answered before the crash replays as it was."""
    settings = configuration(tmp_path, simulator.url, {"acme": tenant("acme", quotas=QUOTAS)})
    with serving(tmp_path, settings) as gateway:
        told = gateway.call("rest", "acme", number(), "the-key")
        until(lambda: gateway.find("acme", told.call["id"])["status"] == "REQUESTED")
        kill(gateway)
        with restarted(gateway) as again:
            replay = again.call("rest", "acme", number(), "the-key")
            assert replay.replayed
            assert (replay.status, replay.call) == (202, told.call)
            assert again.remaining("acme") == {"daily": 999, "at-once": 1}


def _swallow(gateway: Gateway, door) -> None:
    """A call whose connection dies with the gateway."""
    try:
        gateway.call(door, "acme", number(), "the-key")
    except httpx.TransportError:
        return
