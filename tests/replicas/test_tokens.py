"""People with tokens, through both doors of any replica: scopes, quotas of their own, known tenants."""

import pytest

from tests.e2e.town import bearer
from tests.house import DOORS, number


@pytest.mark.parametrize("door", DOORS)
def test_a_user_quota_counts_the_subject_over_all_replicas(replicas, door):
    """Two calls are one agent's share wherever they are made; another agent, or the key, has its own."""
    agent, other = (bearer("people", user=f"{name}-{door}") for name in ("agent", "other"))
    for gateway in replicas[:2]:
        assert gateway.call(door, "people", number(), **agent).code is None
    refused = replicas[2].call(door, "people", number(), **agent)
    assert refused.code == "QUOTA_EXCEEDED"
    assert replicas[3].call(door, "people", number(), **other).code is None
    quota = replicas[3].client.get("/v1/quota", headers=other).json()["quotas"]
    assert [(each["name"], each["remaining"]) for each in quota] == [("agent", 1)]
    assert replicas[0].remaining("people") == {"agent": 2}


@pytest.mark.parametrize("door", DOORS)
def test_making_calls_takes_the_scope_to_make_them(replicas, simulator, door):
    """A token that may only read is refused 403 INSUFFICIENT_SCOPE, with nothing dialled."""
    simulator.clear()
    refused = replicas[0].call(door, "keyed", number(), **bearer("keyed", scope="calls:read"))
    assert refused.code == "INSUFFICIENT_SCOPE"
    assert refused.status == (403 if door == "rest" else 200)
    assert refused.call_state == "NOT_PLACED"
    assert simulator.dials() == []


def test_reading_takes_the_scope_to_read(replicas):
    """A token that may only make calls reads neither calls nor quotas, at either door."""
    headers = bearer("keyed", scope="calls:make")
    client = replicas[1].client
    for path in ("/v1/calls", "/v1/quota"):
        refused = client.get(path, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "INSUFFICIENT_SCOPE")
    body = client.post("/graphql", json={"query": "{ quota { name } }"}, headers=headers).json()
    assert body["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"


@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_tenant_is_nobody(replicas, door):
    """A token for a tenant that the configuration lacks is 401, like one that is forged."""
    refused = replicas[0].call(door, "keyed", number(), **bearer("stranger"))
    assert (refused.status, refused.code) == (401, "UNAUTHENTICATED")
    assert "www-authenticate" in refused.http.headers
