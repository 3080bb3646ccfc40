"""The gauges of calls in flight say of each lane what its next call will hear."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.gate import Gate, gated
from tests.house import DOORS, Gateway, asking, configuration, number, serving, tenant

NOW = number()
WAITING = {**NOW, "waitSeconds": 5}
CALLEE = NOW["callee"]["number"]


@pytest.fixture
def gate() -> Iterator[Gate]:
    """An upstream that nobody else dials."""
    with gated() as found:
        yield found


@contextmanager
def holding(gateway: Gateway, gate: Gate, *bodies: dict[str, Any]) -> Iterator[None]:
    """These calls on the wire, while the block runs."""
    with gate.holding():
        answers, threads = asking(len(bodies), lambda n: gateway.call("rest", "acme", bodies[n]))
        gate.await_dials(CALLEE, len(bodies))
        yield
    for thread in threads:
        thread.join()
    assert [answer.code for answer in answers] == [None] * len(bodies)


def lanes(gateway: Gateway) -> dict[str, tuple[float, float]]:
    """Of each lane, how many calls it holds and how many it may."""
    return {
        lane: (
            gateway.metric("gateway_upstream_in_flight", lane=lane),
            gateway.metric("gateway_upstream_in_flight_limit", lane=lane),
        )
        for lane in ("now", "waiting")
    }


@pytest.mark.parametrize(
    ("limits", "held", "told"),
    [
        ((2, 2), [NOW, WAITING], {"now": (1, 1), "waiting": (1, 1)}),
        ((2, 2), [WAITING, WAITING], {"now": (0, 0), "waiting": (2, 2)}),
        ((2, 2), [NOW, NOW], {"now": (2, 2), "waiting": (0, 0)}),
        ((3, 1), [NOW, WAITING], {"now": (1, 2), "waiting": (1, 1)}),
        ((3, 2), [NOW, WAITING], {"now": (1, 2), "waiting": (1, 2)}),
    ],
    ids=["both", "all waiting", "none waiting", "waiting alone is full", "room for both"],
)
def test_a_lane_is_full_where_its_next_call_is_refused(gate, limits, held, told, tmp_path):
    """Through both doors: at its limit a lane answers OVERLOADED, whichever calls took the places, and
    where any call is refused the fullest lane has as many calls as it may."""
    upstream = {"max_in_flight": limits[0], "max_in_flight_waiting": limits[1]}
    settings = configuration(tmp_path, gate.url, {"acme": tenant("acme")}, upstream=upstream)
    with serving(tmp_path, settings) as gateway:
        with holding(gateway, gate, *held):
            assert lanes(gateway) == told
            full = {lane for lane, (taken, limit) in told.items() if taken == limit}
            for lane, body in (("now", NOW), ("waiting", WAITING)):
                if lane in full:
                    assert [gateway.call(door, "acme", body).code for door in DOORS] == ["OVERLOADED"] * 2
            assert not full or any(told[lane][0] for lane in full)
        assert lanes(gateway) == {"now": (0, limits[0]), "waiting": (0, limits[1])}


def test_one_limit_bounds_both_lanes(simulator, tmp_path):
    """With `max_in_flight` alone no lane is said to have more places than there are."""
    settings = configuration(
        tmp_path, simulator.url, {"acme": tenant("acme")}, upstream={"max_in_flight": 10}
    )
    with serving(tmp_path, settings) as gateway:
        assert lanes(gateway) == {"now": (0, 10), "waiting": (0, 10)}
