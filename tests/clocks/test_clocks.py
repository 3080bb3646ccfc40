"""Replicas whose clocks are an hour apart: the store's clock is the one that counts."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.gate import Gate, gated
from tests.house import DOORS, Gateway, number, tenant
from tests.ledger.valkey import Valkey
from tests.replicas.fleet import PATIENT, fleet, shared

SHIFTS_SECONDS = (0, 3600, -3600)
CALLEE = number()["callee"]["number"]
HOUSEKEEPING_SECONDS = 2.5
"""Every replica has looked for records past their deadline in this time."""


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    """An upstream that can hold its answers."""
    with gated() as found:
        yield found


@pytest.fixture(scope="module")
def apart(gate, tmp_path_factory) -> Iterator[list[Gateway]]:
    """Three replicas: one in time, one an hour ahead, one an hour behind."""
    directory = tmp_path_factory.mktemp("clocks")
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    faked = {"LD_PRELOAD": str(library), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    quotas = [
        {"name": "hourly", "limit": 6, "per": "hour", "burst": 3},
        {"name": "daily", "limit": 100, "per": "day"},
    ]
    tenants = {
        **{door: tenant(door, quotas=quotas) for door in DOORS},
        "daily": tenant("daily", quotas=[{"name": "daily", "limit": 4, "per": "day"}]),
        "held": tenant("held", quotas=[{"name": "at-once", "limit": 1, "per": "concurrent"}]),
        "keyed": tenant("keyed"),
    }
    store = Valkey(directory / "valkey").start()
    settings = [shared(directory / str(n), gate.url, store, tenants, store=PATIENT) for n in range(3)]
    environments = [{**faked, "FAKETIME": f"{shift:+d}s"} for shift in SHIFTS_SECONDS]
    try:
        with fleet(directory, settings, environments) as found:
            yield found
    finally:
        store.stop()


def _seconds_from_now(told: str) -> float:
    return (datetime.fromisoformat(told) - datetime.now(UTC)).total_seconds()


def test_the_clocks_are_really_apart(apart):
    """The processes' own log lines are an hour apart: what follows is no empty promise."""
    told = [_seconds_from_now(gateway.lines()[0]["time"]) for gateway in apart]
    assert told == [pytest.approx(shift, abs=120) for shift in SHIFTS_SECONDS]


@pytest.mark.parametrize("door", DOORS)
def test_no_bucket_refills_by_a_fast_clock(apart, door):
    """An hour would refill the whole bucket; it admits its three calls all the same, and then no more."""
    for gateway in apart:
        assert gateway.call(door, door, number()).code is None
    assert [gateway.call(door, door, number()).code for gateway in apart] == ["QUOTA_EXCEEDED"] * 3
    assert [gateway.remaining(door)["hourly"] for gateway in apart] == [0, 0, 0]


def test_all_count_in_the_same_day(apart):
    """A daily quota has one window for all, whatever the time is by their own clocks."""
    told = [apart[n % 3].call("rest", "daily", number()).code for n in range(5)]
    assert told == [None] * 4 + ["QUOTA_EXCEEDED"]
    resets = [gateway.get("/v1/quota", "daily").json()["quotas"][0]["resetSeconds"] for gateway in apart]
    assert max(resets) - min(resets) <= 5


@pytest.mark.parametrize("first", range(3))
def test_a_key_is_known_to_all_and_its_call_dated_by_the_store(apart, gate, first):
    """Whoever makes the call, the others replay it, and its times are the store's."""
    dials = gate.dials(CALLEE)
    made = apart[first].call("rest", "keyed", number(), f"key-{first}")
    assert made.call is not None
    assert _seconds_from_now(made.call["requestedAt"]) == pytest.approx(0, abs=60)
    for gateway in apart:
        for door in DOORS:
            replay = gateway.call(door, "keyed", number(), f"key-{first}")
            assert (replay.replayed, replay.call) == (True, made.call)
    assert gate.dials(CALLEE) == dials + 1


def test_a_fast_clock_ends_no_call_of_another(apart, gate):
    """A call on the wire keeps record, key and slot, though by an hour-ahead clock it is long over."""
    in_time, ahead, behind = apart
    dials = gate.dials(CALLEE)
    with ThreadPoolExecutor(1) as pool:
        with gate.holding():
            calling = pool.submit(in_time.call, "rest", "held", number(), "held-key")
            gate.await_dials(CALLEE, dials + 1)
            time.sleep(HOUSEKEEPING_SECONDS)
            (record,) = ahead.calls("held")
            assert record["status"] == "IN_PROGRESS"
            assert ahead.call("graphql", "held", number(), "held-key").code == "CALL_IN_PROGRESS"
            for gateway in (ahead, behind):
                assert gateway.call("rest", "held", number()).code == "QUOTA_EXCEEDED"
        assert calling.result(30).status == 202
    assert gate.dials(CALLEE) == dials + 1
    assert behind.find("held", record["id"])["status"] == "REQUESTED"
