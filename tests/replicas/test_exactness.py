"""Four replicas decide as one: exact quotas, and one dial for one key."""

from collections import Counter

import pytest

from tests.house import DOORS, number
from tests.replicas.fleet import Shot, volley


@pytest.mark.serial
def test_a_thousand_at_once_through_four_replicas_admit_exactly_the_limit(replicas, simulator):
    """Of 1,000 concurrent requests over four processes and both doors, 50 are admitted: the limit."""
    simulator.clear()
    shots = [Shot(replicas[n % 4], DOORS[n // 4 % 2], "fifty", number()) for n in range(1000)]
    answers = volley(shots)
    told = Counter((answer.door, answer.code) for answer in answers)
    assert {code for _, code in told} == {None, "QUOTA_EXCEEDED"}, told
    assert told["rest", None] + told["graphql", None] == 50
    assert len(simulator.dials()) == 50
    assert [gateway.remaining("fifty") for gateway in replicas] == [{"daily": 0}] * 4


@pytest.mark.serial
def test_one_key_at_once_through_four_replicas_dials_once(replicas, simulator):
    """Of 200 concurrent requests with one key one is dialled; the others replay it or are told to wait."""
    simulator.clear()
    shots = [Shot(replicas[n % 4], DOORS[n // 4 % 2], "keyed", number(), "one-key") for n in range(200)]
    answers = volley(shots)
    told = Counter(answer.code for answer in answers)
    assert set(told) <= {None, "CALL_IN_PROGRESS"}, told
    assert len(simulator.dials()) == 1
    placed = [answer.call for answer in answers if answer.call is not None]
    assert len({call["id"] for call in placed}) == 1
    assert sum(not answer.replayed for answer in answers if answer.code is None) == 1
    assert replicas[3].remaining("keyed") == {"daily": 999}
    for gateway in replicas:
        replay = gateway.call("rest", "keyed", number(), "one-key")
        assert replay.replayed
        assert replay.call == placed[0]
