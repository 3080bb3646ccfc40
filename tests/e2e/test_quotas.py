"""Limits are exact: N + 1 at once at limit N admits N; refusals spend nothing; refunds come once."""

import math
import time

import pytest

from tests.e2e.town import PERIODS, SCOPES, N, bearer, counted
from tests.house import DOORS, asking, at_once, number, to, until

EXTRA = 6


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("per", PERIODS)
def test_at_limit_n_exactly_n_are_admitted(per, scope, gateway, simulator):
    """N + 6 concurrent requests through both doors: N dials, 6 refusals that name the quota and spend
    nothing of the other one; the neighbour (another user, another callee) is not touched."""
    name, callee = counted(per, scope), f"77{PERIODS.index(per)}{SCOPES.index(scope)}88"
    body = {"caller": {"number": "1"}, "callee": {"number": callee}}
    began = time.monotonic()
    answers = at_once(N + EXTRA, lambda i: gateway.call(DOORS[i % 2], name, body))
    # A bucket of one a second refills while the requests are under way.
    refilled = math.floor(time.monotonic() - began) if per == "second" else 0
    admitted = [a for a in answers if a.code is None]
    refused = [a for a in answers if a.code is not None]
    assert N <= len(admitted) <= N + refilled
    assert len(simulator.dials(callee)) == len(admitted)
    for answer in refused:
        assert (answer.code, answer.call_state, answer.retryable) == ("QUOTA_EXCEEDED", "NOT_PLACED", True)
        violated = answer.body["violated-policies" if answer.door == "rest" else "violatedPolicies"]
        assert violated == ["tight"]
        retry = int(answer.http.headers["Retry-After"])
        longest = {"second": 1, "minute": 15, "hour": 900, "day": 90_000, "month": 31 * 86_400 + 3600}[per]
        assert 1 <= retry <= longest
        if answer.door == "graphql":
            assert answer.body["quotaRetryAfterSeconds"] == retry
    assert gateway.remaining(name)["daily"] == 1000 - len(admitted)
    if scope == "user":
        assert gateway.call("rest", name, body, **bearer(name, user="someone-else")).code is None
    if scope == "callee":
        assert gateway.call("graphql", name, {**body, "callee": {"number": callee + "9"}}).code is None


@pytest.mark.parametrize("scope", SCOPES)
def test_at_most_n_are_in_flight(scope, held, gate):
    """A concurrent quota of N lets N on the wire and no more; as they end it lets others in."""
    name, callee = f"n-concurrent-{scope}", f"55{SCOPES.index(scope)}66"
    body = {"caller": {"number": "1"}, "callee": {"number": callee}}
    with gate.holding():
        answers, threads = asking(N + EXTRA, lambda i: held.call(DOORS[i % 2], name, body))
        until(lambda: len(answers) == EXTRA)
        gate.await_dials(callee, N)
        assert {a.code for a in answers} == {"QUOTA_EXCEEDED"}
        assert all(int(a.http.headers["Retry-After"]) >= 1 for a in answers)
        (tight,) = [q for q in held.get("/v1/quota", name).json()["quotas"] if q["name"] == "tight"]
        assert (tight["inUse"], tight["remaining"]) == ((None, None) if scope == "callee" else (N, 0))
    for thread in threads:
        thread.join()
    assert gate.dials(callee) == N
    assert held.remaining(name)["daily"] == 1000 - N
    assert [held.call(d, name, body).code for d in DOORS] == [None, None]


def test_every_violated_quota_is_named(door, gateway):
    """A call that two quotas refuse names both, waits for the later one, and spends of none."""
    gateway.call(door, f"twice-{door}", number())
    answer = gateway.call(door, f"twice-{door}", number())
    violated = answer.body["violated-policies" if door == "rest" else "violatedPolicies"]
    assert sorted(violated) == ["hour", "month"]
    quotas = {q["name"]: q for q in gateway.get("/v1/quota", f"twice-{door}").json()["quotas"]}
    later = max(quotas[name]["resetSeconds"] for name in violated)  # the hour's, in a month's last hour
    assert abs(int(answer.http.headers["Retry-After"]) - later) <= 2
    assert gateway.remaining(f"twice-{door}") == {"daily": 999, "month": 0, "hour": 0}


def test_refunds_come_once_and_unknown_stays_charged(door, gateway):
    """Rejected and not placed give back what they took, replays and refusals change nothing."""
    left = gateway.remaining("globex")["daily"]
    for digits, cost in (("0400", 0), ("0403", 0), ("0401", 0), ("0402", 0), ("0501", 1), ("0204", 1)):
        gateway.call(door, "globex", to(digits), f"refund-{digits}-{door}")
        left -= cost
        assert gateway.remaining("globex")["daily"] == left, digits
        if digits not in {"0401", "0402"}:
            gateway.call(door, "globex", to(digits), f"refund-{digits}-{door}")
            assert gateway.remaining("globex")["daily"] == left, digits


def test_a_rejected_call_counts_for_no_quota_of_any_kind(door, gateway):
    """With room for one call a month and one at once, calls that are refunded never fill it, and their
    own headers tell the refunded state."""
    for digits in ("0400", "0403", "0402", "0400"):
        answer = gateway.call(door, "lean", to(digits))
        assert answer.code not in {None, "QUOTA_EXCEEDED"}
        assert '"once";r=1;' in answer.http.headers["RateLimit"]
    assert gateway.remaining("lean") == {"once": 1, "line": 1}


QUOTA = "{ quota { name per scope limit remaining inUse resetSeconds } }"


def test_both_doors_tell_the_same_quota(gateway):
    """GET /v1/quota and GraphQL's `quota` agree; callee scopes can't be told; asking spends nothing."""
    gateway.call("rest", "rated", number())
    until(lambda: gateway.remaining("rated")["burst"] == 9)
    rest = gateway.get("/v1/quota", "rated").json()
    assert set(rest) == {"quotas"}
    graphql = gateway.query("rated", QUOTA)["quota"]
    for one, other in zip(rest["quotas"], graphql, strict=True):
        assert set(one) == {"name", "per", "scope", "limit", "remaining", "inUse", "resetSeconds"}
        assert {**one, "resetSeconds": None} == {**other, "resetSeconds": None}
    by_name = {quota["name"]: quota for quota in rest["quotas"]}
    assert by_name["at-once"]["inUse"] == 0
    assert by_name["daily"]["inUse"] is None
    callee = by_name["same-callee"]
    assert (callee["remaining"], callee["inUse"], callee["resetSeconds"]) == (None, None, None)
    assert gateway.remaining("rated") == {name: q["remaining"] for name, q in by_name.items()}


def test_users_have_their_own_share(gateway):
    """A user-scoped quota counts the API key's user and each token's subject apart."""
    name = counted("hour", "user")
    one, two = bearer(name, user="one"), bearer(name, user="two")
    path = "/v1/quota"

    def left(headers) -> int:
        quotas = gateway.get(path, name, **headers).json()["quotas"]
        return next(q["remaining"] for q in quotas if q["name"] == "tight")

    assert (left(one), left(two)) == (N, N)
    gateway.call("rest", name, number(), **one)
    assert (left(one), left(two)) == (N - 1, N)
