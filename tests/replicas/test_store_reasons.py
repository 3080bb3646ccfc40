"""Why a store does not serve stands in the log: once for each reason, idle or not, and when it is over."""

import os
import re
import signal
from pathlib import Path

from tests.house import Gateway, Simulator, number, run, tenant, until
from tests.ledger.valkey import Valkey
from tests.replicas.fleet import PATIENT, fleet, shared

REFUSES = "no call can be recorded, so none is placed"
ANSWERS = "the call ledger answers again"


def told(gateway: Gateway, what: str) -> list[str]:
    """The log's messages that say so."""
    return [line["message"] for line in gateway.lines("log") if what in line["message"]]


def refuses(gateway: Gateway, times: int) -> None:
    """Ask for calls in vain."""
    for _ in range(times):
        assert gateway.call("rest", "acme", number()).code == "STORE_UNAVAILABLE"


def test_the_log_says_why_and_until_when(simulator: Simulator, valkey: Valkey, tmp_path: Path) -> None:
    """A store that is away, one that was emptied while nobody calls, and the end of both; no line for
    each request."""
    settings = [shared(tmp_path / "0", simulator.url, valkey, {"acme": tenant("acme")})]
    with fleet(tmp_path, settings) as [gateway]:
        assert gateway.call("rest", "acme", number()).status == 202
        valkey.stop(signal.SIGKILL)
        refuses(gateway, 20)
        until(lambda: any("can't be reached" in line for line in told(gateway, REFUSES)))
        assert len(told(gateway, REFUSES)) <= 3, "each kind once"
        valkey.start()
        until(lambda: told(gateway, ANSWERS))
        counted = gateway.metric("gateway_ledger_errors_total", kind="emptied")
        valkey.ask("FLUSHALL")
        [line] = until(lambda: told(gateway, f"{REFUSES} (emptied)"))
        until(lambda: gateway.metric("gateway_ledger_errors_total", kind="emptied") >= counted + 2)
        assert "are lost" in line
        assert "gateway store acknowledge --config FILE" in line
        refuses(gateway, 5)
        acknowledge = run("store", "acknowledge", "--config", str(gateway.config), env=dict(os.environ))
        assert acknowledge.wait(30) == 0
        until(lambda: len(told(gateway, ANSWERS)) == 2)
        assert len(told(gateway, f"{REFUSES} (emptied)")) == 1


def test_the_line_of_a_read_says_which_fault_the_store_had(
    simulator: Simulator, valkey: Valkey, tmp_path: Path
) -> None:
    """As that of a call, through both doors."""
    settings = [shared(tmp_path / "0", simulator.url, valkey, {"acme": tenant("acme")})]
    with fleet(tmp_path, settings) as [gateway]:
        assert gateway.get("/v1/calls", "acme").status_code == 200
        valkey.stop(signal.SIGKILL)
        assert gateway.get("/v1/calls", "acme").status_code == 503
        query = {"query": "{ calls { edges { node { id } } } }"}
        told = gateway.client.post("/graphql", json=query, headers=gateway.headers("acme")).json()
        assert told["errors"][0]["extensions"]["code"] == "STORE_UNAVAILABLE"
        good, *bad = until(lambda: gateway.lines("request")[2:] and gateway.lines("request"))
        assert "ledger_error" not in good
        assert len(bad) == 2
        assert {line["ledger_error"] for line in bad} <= {"connect", "connection", "circuit"}


def test_the_log_names_a_wrong_password_and_does_not_repeat_it(
    simulator: Simulator, valkey: Valkey, tmp_path: Path
) -> None:
    """From the start, without a call; the server's own word for it, and no password."""
    valkey.ask("CONFIG", "SET", "requirepass", "right-canary")
    valkey.password = "right-canary"
    file = tmp_path / "password"
    file.write_text("wrong-canary\n")
    store = {"password_file": str(file), **PATIENT}
    settings = [shared(tmp_path / "0", simulator.url, valkey, {"acme": tenant("acme")}, store=store)]
    with fleet(tmp_path, settings) as [gateway]:
        [line] = until(lambda: told(gateway, f"{REFUSES} (auth)"))
        assert "WRONGPASS" in line
        refuses(gateway, 5)
        assert len(told(gateway, REFUSES)) == 1
        assert "canary" not in gateway.log.read_text()


def test_the_gauge_stays_down_while_no_call_can_be_recorded(
    simulator: Simulator, valkey: Valkey, tmp_path: Path
) -> None:
    """A store that is full, or a replica, is read as ever: neither a read nor the look of every second takes
    it for one that can record calls. Once it can, the gauge comes back without a call."""
    settings = [shared(tmp_path / "0", simulator.url, valkey, {"acme": tenant("acme")})]
    with fleet(tmp_path, settings) as [gateway]:
        assert gateway.call("rest", "acme", number()).status == 202
        for begin, end in (
            (("CONFIG", "SET", "maxmemory", "1000000"), ("CONFIG", "SET", "maxmemory", "0")),
            (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
        ):
            until(lambda: gateway.metric("gateway_ledger_up") == 1)
            valkey.ask(*begin)
            refuses(gateway, 1)
            refused_looks = rejected_writes(valkey)
            seen = set()
            while rejected_writes(valkey) < refused_looks + 3:
                assert gateway.calls("acme")
                seen.add(gateway.metric("gateway_ledger_up"))
            assert seen == {0}
            refuses(gateway, 1)
            valkey.ask(*end)
            until(lambda: gateway.metric("gateway_ledger_up") == 1)
            until(lambda: gateway.call("rest", "acme", number()).status == 202)


def rejected_writes(valkey: Valkey) -> int:
    """How often the store refused the look's write."""
    told = valkey.ask("INFO", "commandstats")
    assert isinstance(told, bytes)
    found = re.search(rb"cmdstat_set:.*rejected_calls=(\d+)", told)
    return int(found[1]) if found else 0
