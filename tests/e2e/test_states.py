"""Rows of section 5 that need a gateway in a certain state: away, held back, paused, full, ending."""

import json
import signal
import socket
import sqlite3
import ssl
import threading
from contextlib import closing

import pytest
import trustme

from tests.e2e.gate import gated
from tests.e2e.town import DAILY
from tests.house import (
    DOORS,
    PASSWORD,
    Answer,
    Gateway,
    api_key,
    configuration,
    number,
    open_policy,
    serving,
    simulated,
    stop,
    tenant,
    to,
    until,
)

AWAY = "CallUpstreamUnavailable"


def refused(answer: Answer, code: str, state: str = "NOT_PLACED") -> None:
    """A 503 of that code, with all that goes with it."""
    assert (answer.code, answer.call_state, answer.retryable) == (code, state, True), answer.body
    assert answer.status == (503 if answer.door == "rest" else 200)
    assert answer.member == (None if answer.door == "rest" else AWAY)
    assert int(answer.http.headers["Retry-After"]) >= 1
    if answer.door == "graphql":
        assert answer.body["retryAfterSeconds"] == int(answer.http.headers["Retry-After"])
    words = answer.body["detail" if answer.door == "rest" else "message"]
    assert ("same key only" in words) is (state == "UNKNOWN")


def two_tenants(**more) -> dict:
    return {name: tenant(name, quotas=[DAILY], **more) for name in ("acme", "globex")}


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_unreachable_then_the_transport_circuit(tmp_path):
    """Nothing can be connected to: not placed, refunded, the key released; after five such failures in a
    row CIRCUIT_OPEN without trying, and without a record."""
    settings = configuration(tmp_path, f"http://127.0.0.1:{closed_port()}", two_tenants())
    with serving(tmp_path, settings) as gateway:
        for index in range(5):
            door = DOORS[index % 2]
            refused(gateway.call(door, "acme", number(), "same-key"), "UPSTREAM_UNREACHABLE")
        records = gateway.calls("acme")
        assert [(r["status"], r["code"]) for r in records] == [("NOT_PLACED", "UPSTREAM_UNREACHABLE")] * 5
        for door in DOORS:
            for key in (None, "same-key"):
                refused(gateway.call(door, "acme", number(), key), "CIRCUIT_OPEN")
        assert len(gateway.calls("acme")) == 5
        assert gateway.remaining("acme") == {"daily": 1000}
        assert gateway.metric("gateway_circuit_state", circuit="transport", state="open") == 1


def test_an_upstream_that_proves_who_it_is(tmp_path):
    """Over TLS a call is made where `ca_file` vouches for the upstream; else nothing is sent to it."""
    authority, stranger = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    for name, ca in (("ours", authority), ("other", stranger)):
        ca.cert_pem.write_to_path(str(tmp_path / f"{name}.pem"))
    with gated(context) as gate:
        tls = {"tls": {"ca_file": str(tmp_path / "other.pem")}}
        settings = configuration(tmp_path, gate.url, two_tenants(), upstream=tls)
        with serving(tmp_path, settings) as gateway:
            refused(gateway.call("rest", "acme", number(), "k"), "UPSTREAM_UNREACHABLE")
            assert gate.upstream.requests == []
        settings["upstream"]["tls"]["ca_file"] = str(tmp_path / "ours.pem")
        with serving(tmp_path, settings) as gateway:
            assert gateway.call("rest", "acme", number(), "k").status == 202
            assert gate.dials("2125551234") == 1


def test_faults_after_the_connection_open_no_circuit(tmp_path, simulator):
    """Answers that make no sense, however many in a row, are no failures to connect."""
    settings = configuration(tmp_path, simulator.url, two_tenants(), upstream={"answer_margin_seconds": 1})
    with serving(tmp_path, settings) as gateway:
        for digits in ("0590", "0591", "0501", "0599", "0590", "0593", "0591"):
            assert gateway.call("rest", "acme", to(digits)).code == "OUTCOME_UNKNOWN"
        assert gateway.call("rest", "acme", number()).status == 202


def test_the_credentials_circuit_is_the_pairs_own(tmp_path, simulator):
    """Three 401s in a row hold back every tenant of that pair and nobody else, through both doors; the
    circuit closes when the pair is changed, and a circuit is not opened by 401s that are not in a row."""
    settings = configuration(tmp_path, simulator.url, two_tenants())
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for name, value in (("username", "svc"), ("password", "wrong")):
        (wrong / name).write_text(value)
        (wrong / name).chmod(0o600)
    settings["upstream"]["credentials"]["second"] = {"directory": str(wrong)}
    settings["tenants"]["globex"]["credentials"] = "second"
    with serving(tmp_path, settings) as gateway:
        for digits in ("0401", "0401", "0200", "0401", "0401"):
            gateway.call("rest", "acme", to(digits))
        assert gateway.call("rest", "acme", to("0204")).status == 202
        for _ in range(3):
            answer = gateway.call("graphql", "globex", number())
            assert answer.code == "UPSTREAM_CREDENTIALS_REJECTED"
        dials = len(simulator.dials())
        for door in DOORS:
            refused(gateway.call(door, "globex", number(), "k"), "CIRCUIT_OPEN")
        assert len(simulator.dials()) == dials
        assert gateway.call("rest", "acme", to("0204")).status == 202
        right = tmp_path / "credentials"
        for name in ("username", "password"):
            (wrong / name).write_text((right / name).read_text())
        until(lambda: gateway.call("rest", "globex", number(), "k").status == 202)
        assert PASSWORD not in gateway.log.read_text()


def test_paused(tmp_path, simulator):
    """No dials at all, known keys replay and reads go on, dry runs too; lifted by a reload."""
    settings = configuration(tmp_path, simulator.url, two_tenants())
    with serving(tmp_path, settings) as gateway:
        first = gateway.call("rest", "acme", number(), "before")
        gateway.config.write_text(json.dumps({**settings, "paused": True}))
        until(lambda: gateway.call("rest", "acme", number()).code == "PAUSED")
        dials = len(simulator.dials())
        for door in DOORS:
            for key in (None, "while"):
                refused(gateway.call(door, "acme", number(), key), "PAUSED")
            replay = gateway.call(door, "acme", number(), "before")
            assert replay.replayed
            assert replay.call == first.call
            assert gateway.call(door, "acme", to("0204", dryRun=True)).code is None
        assert gateway.find("acme", first.call["id"]) == first.call
        assert len(simulator.dials()) == dials
        gateway.config.write_text(json.dumps(settings))
        until(lambda: gateway.call("rest", "acme", number(), "while").status == 202)


def in_background(work) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def overloads(gateway: Gateway) -> list[tuple[str, list[str]]]:
    """Tenant and rules of each audit line of an OVERLOADED call."""
    audit = (line for line in gateway.lines("audit") if line["code"] == "OVERLOADED")
    return [(line["tenant"], line["rules"]) for line in audit]


@pytest.mark.parametrize(
    ("limits", "who", "body"),
    [
        ({"max_in_flight": 1}, "globex", number()),
        ({"max_in_flight_per_tenant": 1}, "acme", number()),
        ({"max_in_flight_waiting": 1}, "globex", {**number(), "waitSeconds": 5}),
    ],
    ids=["all", "tenant", "waiting"],
)
def test_overloaded(limits, who, body, tmp_path):
    """With every slot of a kind taken the next call is refused at once, through both doors, uncharged and
    without a record; with a key its state is unknown; and the slot is free again when the call ends. The
    audit line alone says which bound it was, and whose call."""
    with gated() as gate:
        settings = configuration(tmp_path, gate.url, two_tenants(), upstream=limits)
        with serving(tmp_path, settings) as gateway:
            with gate.holding():
                first = {**number(), "waitSeconds": 5}
                thread = in_background(lambda: gateway.call("rest", "acme", first, "first"))
                gate.await_dials("2125551234")
                for door in DOORS:
                    answer = gateway.call(door, who, body)
                    refused(answer, "OVERLOADED")
                    assert "max_in_flight" not in answer.http.text
                    refused(gateway.call(door, who, body, "keyed"), "OVERLOADED", "UNKNOWN")
                if "max_in_flight" not in limits:
                    free = ("globex", body) if who == "acme" else ("globex", number())
                    other = in_background(lambda: gateway.call("rest", *free))
                    gate.await_dials("2125551234", 2)
            thread.join()
            if "max_in_flight" not in limits:
                other.join()
            assert gate.dials("2125551234") == (1 if "max_in_flight" in limits else 2)
            rules = [f"upstream.{key}: {bound}" for key, bound in limits.items()]
            assert until(lambda: overloads(gateway)[3:] and overloads(gateway)) == [(who, rules)] * 4
            assert gateway.call("rest", who, body, "keyed").status == 202


def test_no_slot_for_waiting_calls(tmp_path, simulator):
    """`max_in_flight_waiting: 0`: calls that wait are refused, the others are made."""
    upstream = {"max_in_flight_waiting": 0}
    settings = configuration(tmp_path, simulator.url, two_tenants(), upstream=upstream)
    with serving(tmp_path, settings) as gateway:
        for door in DOORS:
            refused(gateway.call(door, "acme", {**number(), "waitSeconds": 1}), "OVERLOADED")
            assert gateway.call(door, "acme", number()).call["status"] == "REQUESTED"
        assert gateway.metric("gateway_upstream_in_flight_limit", lane="waiting") == 0


def raw_call(gateway: Gateway, path: str, body: bytes, key: str) -> tuple[socket.socket, bytes]:
    """A connection with a request on it that lacks the last bytes of its body, and those bytes."""
    host, port = gateway.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api_key('acme')}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {key}\r\n\r\n"
    )
    connection.sendall(head.encode() + body[:-5])
    return connection, body[-5:]


def test_draining(tmp_path):
    """A call that is asked for while the gateway shuts down is refused; with a key its state is unknown."""
    from tests.house import MAKE_CALL  # noqa: PLC0415 - only here

    call = json.dumps(number()).encode()
    mutation = json.dumps({"query": MAKE_CALL, "variables": {"input": number()}}).encode()
    with gated() as gate:
        settings = configuration(tmp_path, gate.url, two_tenants())
        with serving(tmp_path, settings) as gateway:
            late = [
                raw_call(gateway, path, body, f"late{path}")
                for path, body in (("/v1/calls", call), ("/graphql", mutation))
            ]
            with gate.holding():
                thread = in_background(lambda: gateway.call("rest", "globex", to("1111")))
                gate.await_dials("2125551111")
                gateway.process.send_signal(signal.SIGTERM)
                until(lambda: "draining" in gateway.log.read_text())
                answers = []
                for connection, rest in late:
                    with connection:
                        connection.sendall(rest)
                        answers.append(connection.makefile("rb").read().decode())
            thread.join()
            assert stop(gateway.process) == 0
            rest, graphql = answers
            assert rest.startswith("HTTP/1.1 503")
            assert '"DRAINING"' in rest
            assert '"UNKNOWN"' in rest
            assert "same key only" in rest
            assert graphql.startswith("HTTP/1.1 200")
            assert '"DRAINING"' in graphql
            assert all("retry-after: 1" in answer.lower() for answer in answers)
            assert gate.dials("2125551234") == 0


def test_store_unavailable(tmp_path, simulator):
    """While another process holds the file nothing is dialled and nothing is charged; the answers come
    within a second or so, reads are 503 too where they can't be had, and calls go on when it lets go."""
    settings = configuration(tmp_path, simulator.url, two_tenants())
    with serving(tmp_path, settings) as gateway:
        assert gateway.call("rest", "acme", number(), "before").status == 202
        dials = len(simulator.dials())
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for door in DOORS:
                for key, state in ((None, "NOT_PLACED"), ("k", "UNKNOWN")):
                    answer = gateway.call(door, "acme", number(), key)
                    refused(answer, "STORE_UNAVAILABLE", state)
                    assert answer.http.elapsed.total_seconds() < 1.5
            assert gateway.get("/v1/calls", "acme").status_code in {200, 503}
            other.execute("ROLLBACK")
        assert len(simulator.dials()) == dials
        until(lambda: gateway.call("rest", "acme", number(), "k").status == 202)
        assert len(simulator.dials()) == dials + 1
        until(lambda: gateway.remaining("acme") == {"daily": 998})


def test_reads_go_on_while_suspended(tmp_path, simulator):
    """A suspension that comes by reload stops calls and replays, and no reads."""
    settings = configuration(tmp_path, simulator.url, two_tenants())
    with serving(tmp_path, settings) as gateway:
        first = gateway.call("rest", "acme", number(), "before")
        settings["tenants"]["acme"]["suspended"] = True
        gateway.config.write_text(json.dumps(settings))
        trial = to("0204", dryRun=True)
        until(lambda: gateway.call("rest", "acme", trial).code == "TENANT_SUSPENDED")
        assert gateway.call("graphql", "acme", number(), "before").call_state == "UNKNOWN"
        assert gateway.find("acme", first.call["id"]) == first.call
        assert gateway.remaining("acme") == {"daily": 999}
        assert gateway.call("rest", "globex", number()).status == 202


def test_the_role_that_allows_nothing(tmp_path):
    """A service user without the role: 502 and not placed for every call, no circuit, no charge."""
    with simulated(tmp_path / "dials", "--role", "none") as simulator:
        settings = configuration(tmp_path, simulator.url, {"acme": tenant("acme", policy=open_policy())})
        with serving(tmp_path, settings) as gateway:
            for index in range(4):
                answer = gateway.call(DOORS[index % 2], "acme", number(), "k")
                assert (answer.code, answer.call_state) == ("UPSTREAM_ROLE_FORBIDS", "NOT_PLACED")
            assert len(simulator.dials()) == 4
