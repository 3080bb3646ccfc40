"""An issuer that comes to a running gateway, and goes from it again."""

import pytest

from tests.access.issuer import AUDIENCE, ISSUER, key_set
from tests.e2e.town import KEY, bearer
from tests.house import DOORS, number, tenant
from tests.reload.live import live


@pytest.fixture
def house(simulator, tmp_path):
    """A gateway without an issuer."""
    with live(tmp_path, simulator.url, {"acme": tenant("acme")}) as found:
        yield found


def test_the_first_issuer_may_come_by_a_reload(house):
    """Its tokens are taken while it is configured, and only then; the tenant's key serves throughout."""
    keys = house.directory / "jwks.json"
    keys.write_bytes(key_set(KEY))
    issuer = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_file": str(keys)}
    token = bearer("acme")

    def codes(**headers):
        return [house.gateway.call(door, "acme", number(), **headers).code for door in DOORS]

    for auth, told in (({}, "UNAUTHENTICATED"), ({"jwt": [issuer]}, None), ({}, "UNAUTHENTICATED")):
        if auth or "auth" in house.settings:
            house.edit_and_wait(lambda settings, auth=auth: settings.update(auth=auth))
        assert codes(**token) == [told] * 2
        assert codes() == [None] * 2
