"""SIGTERM: not ready, everything in flight is settled, and what outlasts the grace is unknown."""

import json
import signal
import socket
import subprocess
import sys
import time

import httpx

from tests.e2e.gate import gated
from tests.e2e.town import DAILY
from tests.house import DOORS, Gateway, asking, configuration, number, open_policy, serving, tenant, to, until

CALLEE = number()["callee"]["number"]


def records(gateway: Gateway) -> list[dict]:
    """All records, read beside or after the gateway."""
    line = [
        sys.executable,
        "-m",
        "gateway",
        "calls",
        "list",
        "--format",
        "json",
        "--config",
        str(gateway.config),
    ]
    return json.loads(subprocess.run(line, capture_output=True, text=True, timeout=30, check=True).stdout)


def ready(gateway: Gateway) -> int:
    return httpx.get(f"{gateway.admin_url}/readyz", trust_env=False).status_code


def terminate(gateway: Gateway) -> None:
    gateway.process.send_signal(signal.SIGTERM)
    until(lambda: "draining" in gateway.log.read_text())


def test_fifty_in_flight_are_all_settled(tmp_path):
    """All 50 clients hear that their call was requested, all 50 records say so, exit 0, nobody new."""
    with gated() as gate:
        settings = configuration(tmp_path, gate.url, {"acme": tenant("acme", quotas=[DAILY])})
        with serving(tmp_path, settings) as gateway:
            assert ready(gateway) == 200
            with gate.holding():
                answers, threads = asking(50, lambda i: gateway.call(DOORS[i % 2], "acme", number(), f"k{i}"))
                gate.await_dials(CALLEE, 50)
                terminate(gateway)
                assert ready(gateway) == 503
                assert httpx.get(f"{gateway.admin_url}/livez", trust_env=False).status_code == 200
                assert gateway.metric("gateway_draining") == 1
                assert answers == []
            for thread in threads:
                thread.join()
            assert gateway.process.wait(20) == 0
            assert [a.call["status"] for a in answers] == ["REQUESTED"] * 50
            assert [r["status"] for r in records(gateway)] == ["REQUESTED"] * 50
            assert gate.dials(CALLEE) == 50


def test_the_delay_keeps_serving(tmp_path):
    """Not ready at once, but calls are taken on new connections until the delay is over."""
    with gated() as gate:
        settings = configuration(
            tmp_path, gate.url, {"acme": tenant("acme", quotas=[DAILY])}, drain={"delay_seconds": 1.5}
        )
        with serving(tmp_path, settings) as gateway:
            began = time.monotonic()
            terminate(gateway)
            assert ready(gateway) == 503
            with httpx.Client(base_url=gateway.url, trust_env=False) as fresh:
                answer = fresh.post("/v1/calls", json=number(), headers=gateway.headers("acme"))
            assert answer.status_code == 202
            assert answer.headers["Connection"] == "close"
            assert gateway.process.wait(20) == 0
            assert time.monotonic() - began >= 1.5


def test_the_doors_stay_open_while_calls_are_under_way(tmp_path):
    """New connections hear of the draining in the catalogue's words and may read; idle ones are closed; when
    the last call is settled the doors close, and its client has its answer."""
    with gated() as gate:
        settings = configuration(tmp_path, gate.url, {"acme": tenant("acme", quotas=[DAILY])})
        with serving(tmp_path, settings) as gateway:
            host, port = gateway.url.removeprefix("http://").split(":")
            with gate.holding(), socket.create_connection((host, int(port)), timeout=10) as idle:
                idle.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
                assert idle.recv(12) == b"HTTP/1.1 200"
                answers, threads = asking(1, lambda _: gateway.call("rest", "acme", number(), "first"))
                gate.await_dials(CALLEE, 1)
                terminate(gateway)
                while idle.recv(65_536):
                    pass  # what is left of the answer, then the end of the connection
                for door in DOORS:
                    refused = gateway.call(door, "acme", to("7777"))
                    assert (refused.code, refused.call_state) == ("DRAINING", "NOT_PLACED")
                    assert refused.http.headers["Retry-After"] == "1"
                    assert refused.http.headers["Connection"] == "close"
                (listed,) = gateway.get("/v1/calls", "acme").json()["calls"]
                assert listed["status"] == "IN_PROGRESS"
            threads[0].join()
            assert answers[0].call["status"] == "REQUESTED"
            assert gateway.process.wait(10) == 0
            assert gate.dials("2125557777") == 0


def test_what_outlasts_the_grace_is_unknown(tmp_path):
    """A call that began under longer limits than the grace now in force: cut off when the grace is over,
    told as unknown, recorded and charged as unknown, exit 0."""
    quick = {"max_wait_seconds": 0, "max_delay_seconds": 0}
    with gated() as gate:
        policy = open_policy(**quick)
        settings = configuration(
            tmp_path,
            gate.url,
            {"acme": tenant("acme", quotas=[DAILY], policy=policy)},
            upstream={"answer_margin_seconds": 30},
        )
        with serving(tmp_path, settings) as gateway, gate.holding():
            answers, threads = asking(2, lambda i: gateway.call(DOORS[i], "acme", to("7777"), f"cut-{i}"))
            gate.await_dials("2125557777", 2)
            settings["upstream"]["answer_margin_seconds"] = 0.5
            settings["drain"] = {"grace_seconds": 1}
            gateway.config.write_text(json.dumps(settings))
            until(lambda: "configuration reloaded" in gateway.log.read_text())
            began = time.monotonic()
            terminate(gateway)
            for thread in threads:
                thread.join()
            assert gateway.process.wait(20) == 0
            assert 1 <= time.monotonic() - began < 8
            assert {(a.code, a.call_state) for a in answers} == {("OUTCOME_UNKNOWN", "UNKNOWN")}
            assert [r["status"] for r in records(gateway)] == ["UNKNOWN"] * 2
        with serving(tmp_path, settings) as again:
            assert again.remaining("acme") == {"daily": 998}
            replay = again.call("rest", "acme", to("7777"), "cut-0")
            assert (replay.status, replay.replayed) == (504, True)
            assert gate.dials("2125557777") == 2
