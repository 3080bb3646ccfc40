"""A store that stops, hangs, restarts or is emptied, under load: closed, recorded, back by itself."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.house import DOORS, Gateway, Simulator, number, run, tenant, until
from tests.ledger.valkey import Valkey
from tests.replicas.fleet import fleet, shared
from tests.replicas.load import Asked, body_of, callee_of, door_of, load

CLOSED_SECONDS = 1.0
"""How soon a 503 must be there (promise 4)."""
FAULT_SECONDS = 1.2


@pytest.fixture
def pair(simulator, valkey, tmp_path) -> Iterator[list[Gateway]]:
    """Two replicas on the test's own store, with the timeouts that a gateway has by default."""
    simulator.clear()
    tenants = {"acme": tenant("acme", quotas=[{"name": "daily", "limit": 100_000, "per": "day"}])}
    settings = [shared(tmp_path / str(n), simulator.url, valkey, tenants) for n in range(2)]
    with fleet(tmp_path, settings) as found:
        yield found


def _stop_and_start(valkey: Valkey) -> None:
    valkey.stop(signal.SIGTERM)
    time.sleep(FAULT_SECONDS)
    valkey.start()


def _kill_and_start(valkey: Valkey) -> None:
    valkey.stop(signal.SIGKILL)
    time.sleep(FAULT_SECONDS / 4)
    valkey.start()


def _pause(valkey: Valkey) -> None:
    with valkey.paused():
        time.sleep(FAULT_SECONDS)


def _records(gateway: Gateway) -> list[str]:
    """The callee of every record, page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 100} if cursor is None else {"limit": 100, "cursor": cursor}
        page = gateway.client.get("/v1/calls", params=query, headers=gateway.headers("acme")).json()
        found += [call["calleeNumber"] for call in page["calls"] if call["status"] == "REQUESTED"]
        cursor = page["nextCursor"]
        if cursor is None:
            return found


@pytest.mark.serial
@pytest.mark.parametrize("fault", [_stop_and_start, _kill_and_start, _pause])
def test_a_store_that_goes_and_comes_back_leaves_no_call_unrecorded(pair, simulator, valkey, fault):
    """Under load: 503 STORE_UNAVAILABLE within a second and no dial, every dial recorded once, every
    refusal refunded, and calls again as soon as the store is back, with nobody's help."""

    def ask(n: int):
        return pair[n % 2].call(door_of(n // 2), "acme", body_of(n), f"key-{n}")

    with load(ask) as asked:
        until(lambda: len(asked) >= 20)
        fault(valkey)
        seen = len(asked)
        until(lambda: Counter(each.told for each in asked[seen:])["202 None"] >= 20)
    told = Counter(each.told for each in asked)
    assert {_kind(each) for each in asked} == {"requested", "STORE_UNAVAILABLE"}, told
    refused = [each for each in asked if _kind(each) == "STORE_UNAVAILABLE"]
    assert max(each.seconds for each in refused) < CLOSED_SECONDS
    placed = [callee_of(each.number) for each in asked if _kind(each) == "requested"]
    dialled = [dict(dial["params"])["cnumber"] for dial in simulator.dials()]
    assert sorted(dialled) == sorted(placed)
    until(lambda: sorted(_records(pair[0])) == sorted(dialled))
    # What was admitted without anybody hearing of it is undone, also in the counters.
    until(lambda: pair[1].remaining("acme") == {"daily": 100_000 - len(dialled)})


def _kind(asked: Asked) -> str:
    answer = asked.answer
    if answer is None:
        return asked.fault
    return "requested" if answer.code is None else answer.code


@pytest.mark.serial
def test_a_flushed_store_is_closed_until_it_is_acknowledged(pair, simulator: Simulator, valkey):
    """FLUSHALL is noticed by every replica: 503 and no dial until `gateway store acknowledge`."""
    assert pair[0].call("rest", "acme", number(), "before").status == 202
    valkey.ask("FLUSHALL")
    for gateway in pair:
        for door in DOORS:
            refused = gateway.call(door, "acme", number(), "before")
            assert (refused.code, refused.call_state) == ("STORE_UNAVAILABLE", "UNKNOWN")
            assert refused.http.headers["Retry-After"]
    assert [gateway.metric("gateway_ready") for gateway in pair] == [1, 1]
    assert len(simulator.dials()) == 1
    command = run("store", "acknowledge", "--config", str(pair[0].config), env=dict(os.environ))
    assert command.wait(30) == 0
    for gateway in pair:
        until(lambda gateway=gateway: gateway.call("rest", "acme", number()).status == 202)
    assert pair[0].remaining("acme") == pair[1].remaining("acme")
