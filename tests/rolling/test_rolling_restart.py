"""Three replicas restarted one after the other behind a real proxy, under constant load."""

import json
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.house import Gateway, simulated, started, stop, tenant, until
from tests.ledger.valkey import Valkey, free_port
from tests.replicas.fleet import PATIENT, shared
from tests.replicas.load import body_of, callee_of, door_of, load
from tests.rolling.proxy import Proxy, Replica, proxied

RESTARTS = int(os.environ.get("ROLLING_RESTARTS", "4"))
"""How many replicas are restarted, in turn; the issue's twenty rounds of three are 60."""
DELAY_SECONDS = 0.5
LATENCY_MS = 700
"""Longer than the delay: calls are on the wire when a replica closes its door."""
ENDS_SECONDS = 15
"""How soon a replica has ended: long before its grace, because no call takes that long."""
WORKERS = 24


class Fleet:
    """Three replicas that can be ended and started again at the same ports. `under_way` counts the calls
    that were on the wire when one began to drain."""

    def __init__(self, directory: Path, upstream_url: str, store: Valkey) -> None:
        self.places = [Replica(f"replica-{n}", free_port(), free_port()) for n in range(3)]
        self.under_way = 0
        self._directory = directory
        quotas = [{"name": "daily", "limit": 1_000_000, "per": "day"}]
        for place in self.places:
            settings = shared(
                directory / place.name,
                upstream_url,
                store,
                {"acme": tenant("acme", quotas=quotas)},
                store=PATIENT,
                listen={"port": place.port},
                admin={"port": place.admin_port},
                drain={"delay_seconds": DELAY_SECONDS, "grace_seconds": 75},
            )
            (directory / place.name / "gateway.yaml").write_text(json.dumps(settings))
        with ThreadPoolExecutor(3) as pool:
            self._running = list(pool.map(self._start, self.places))

    def _start(self, place: Replica) -> tuple[ExitStack, Gateway]:
        directory = self._directory / place.name
        stack = ExitStack()
        log = directory / f"gateway-{time.monotonic_ns()}.log"
        return stack, stack.enter_context(started(directory / "gateway.yaml", log))

    def __getitem__(self, index: int) -> Gateway:
        return self._running[index][1]

    def restart(self, index: int) -> None:
        """End one replica as Kubernetes would, and start it anew; it must end in good order and in time."""
        stack, gateway = self._running[index]
        assert stop(gateway.process, timeout=ENDS_SECONDS) == 0
        self.under_way += sum(int(line["message"].split()[1]) for line in _drainings(gateway))
        stack.close()
        self._running[index] = self._start(self.places[index])

    def close(self) -> None:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda running: running[0].close(), self._running))


def _drainings(gateway: Gateway) -> list[dict[str, Any]]:
    lines = gateway.lines("log")
    return [line for line in lines if line["message"].startswith("draining: ")]


def _refuse_foreign(answer: httpx.Response) -> None:
    """An answer that no gateway gave is a broken request; the proxy's own are HTML."""
    if "json" not in answer.headers.get("content-type", ""):
        raise httpx.RemoteProtocolError(f"the proxy answered {answer.status_code}")


@pytest.fixture
def simulator(tmp_path):
    """The simulated legacy API, which takes its time."""
    with simulated(tmp_path / "dials.jsonl", "--latency-ms", str(LATENCY_MS)) as found:
        yield found


@pytest.fixture
def store(tmp_path):
    """The store that all replicas share."""
    server = Valkey(tmp_path / "valkey").start()
    yield server
    server.stop()


@pytest.fixture
def fleet(tmp_path, simulator, store):
    """Three replicas."""
    found = Fleet(tmp_path, simulator.url, store)
    yield found
    found.close()


def _are_up(proxy: Proxy) -> bool:
    return set(proxy.states().values()) == {"UP"}


@pytest.mark.serial
@pytest.mark.timeout(120 + 15 * RESTARTS)
def test_a_rolling_restart_costs_no_call(fleet, simulator, tmp_path):
    """Replicas end one after the other, exit 0 within the grace, and come back: no request fails, no
    outcome is unknown, no call is dialled twice, through either door."""
    hooks = {"response": [_refuse_foreign]}
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    with (
        proxied(tmp_path, fleet.places) as proxy,
        httpx.Client(
            base_url=proxy.url, timeout=30, trust_env=False, limits=limits, event_hooks=hooks
        ) as client,
    ):
        front = Gateway(proxy.url, "", fleet[0].process, fleet[0].log, fleet[0].config, client)
        until(lambda: _are_up(proxy))

        def ask(n: int):
            return front.call(door_of(n), "acme", body_of(n), f"key-{n}")

        with load(ask, workers=WORKERS) as asked:
            for turn in range(RESTARTS):
                fleet.restart(turn % 3)
                until(lambda: _are_up(proxy))
        told = Counter(each.told for each in asked)
        assert told.keys() == {"202 None", "200 None"}, told
        numbers = [callee_of(each.number) for each in asked]
        dialled = [dict(dial["params"])["cnumber"] for dial in simulator.dials()]
        assert sorted(dialled) == sorted(numbers)
        assert fleet.under_way > 0
        assert fleet[0].calls("acme", status="UNKNOWN") == []
        assert fleet[0].remaining("acme") == {"daily": 1_000_000 - len(numbers)}
