"""What an operator or an issuer withdraws stops soon after its file changed, and comes back with it."""

import socket
import time

import httpx
import pytest

from tests.access.issuer import AUDIENCE, ISSUER, ec_key, key_set
from tests.e2e.town import KEY, bearer
from tests.house import DOORS, number, tenant, until
from tests.reload.live import Live, live
from tests.replicas.fleet import Shot

pytestmark = pytest.mark.serial
STOPS_SECONDS = 1.0
FORGETS_SECONDS = 5.0


@pytest.fixture(scope="module")
def house(simulator, tmp_path_factory):
    """A gateway with two tenants and an issuer of tokens."""
    directory = tmp_path_factory.mktemp("stops")
    keys = directory / "jwks.json"
    keys.write_bytes(key_set(KEY))
    issuer = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_file": str(keys)}
    tenants = {name: tenant(name) for name in ("acme", "globex")}
    with live(directory, simulator.url, tenants, auth={"jwt": [issuer]}) as found:
        yield found


def _codes(house: Live, name: str, **headers: str) -> list[str | None]:
    return [house.gateway.call(door, name, number(), **headers).code for door in DOORS]


def _seconds_until(condition) -> float:
    begun = time.monotonic()
    until(condition)
    return time.monotonic() - begun


def test_a_suspended_tenant_stops_within_a_second(house):
    """Suspending one tenant stops its calls, not its reads, and nobody else's; lifting it mends that."""
    house.edit(lambda settings: settings["tenants"]["acme"].update(suspended=True))
    assert _seconds_until(lambda: _codes(house, "acme") == ["TENANT_SUSPENDED"] * 2) < STOPS_SECONDS
    assert _codes(house, "globex") == [None, None]
    assert house.gateway.get("/v1/calls", "acme").status_code == 200
    house.edit(lambda settings: settings["tenants"]["acme"].update(suspended=False))
    assert _seconds_until(lambda: _codes(house, "acme") == [None, None]) < STOPS_SECONDS


def test_a_pause_stops_every_call_within_a_second(house, simulator):
    """`paused: true` stops every tenant's calls with 503 PAUSED, dials nothing, and lets reads go on."""
    house.edit(lambda settings: settings.update(paused=True))
    assert _seconds_until(lambda: _codes(house, "acme") == ["PAUSED"] * 2) < STOPS_SECONDS
    simulator.clear()
    assert _codes(house, "globex") == ["PAUSED"] * 2
    assert simulator.dials() == []
    assert house.gateway.get("/v1/quota", "globex").status_code == 200
    house.edit(lambda settings: settings.update(paused=False))
    assert _seconds_until(lambda: _codes(house, "globex") == [None, None]) < STOPS_SECONDS


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"suspended": True}, "TENANT_SUSPENDED"),
        ({"paused": True}, "PAUSED"),
        ({"api_keys": []}, "UNAUTHENTICATED"),
        ({"policy": {"destinations": {"allow": []}}}, "DESTINATION_NOT_ALLOWED"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_slow_body_does_not_outlive_a_change(house, simulator, door, change, code):
    """A request whose body was still coming when the rules changed is judged by the new ones."""
    target = house.settings if "paused" in change else house.settings["tenants"]["acme"]
    before = dict(target)
    simulator.clear()
    raw = Shot(house.gateway, door, "acme", number()).raw()
    with socket.create_connection(("127.0.0.1", httpx.URL(house.gateway.url).port), 10) as client:
        client.sendall(raw[:-1])
        # The answer of a request that came later shows that this one's head has been read.
        house.gateway.get("/v1/calls", "acme")
        house.edit_and_wait(lambda _: target.update(change))
        client.sendall(raw[-1:])
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert f'"{code}"'.encode() in answer, answer
    assert simulator.dials() == []
    assert b"HTTP/1.1 500" not in answer
    target.clear()
    house.edit_and_wait(lambda _: target.update(before))


def test_a_removed_api_key_stops_within_five_seconds(house):
    """A key that its file no longer lists is 401, however often it was good; the others stay good."""
    assert _codes(house, "globex") == [None, None]
    keys = house.settings["tenants"]["globex"]["api_keys"]
    house.edit(lambda settings: settings["tenants"]["globex"].update(api_keys=[]))
    assert _seconds_until(lambda: _codes(house, "globex") == ["UNAUTHENTICATED"] * 2) < FORGETS_SECONDS
    assert _codes(house, "acme") == [None, None]
    house.edit(lambda settings: settings["tenants"]["globex"].update(api_keys=keys))
    until(lambda: _codes(house, "globex") == [None, None])


def test_a_changed_key_set_file_is_followed(house):
    """A new key's tokens are taken, and a withdrawn key's are refused, though they were good before."""
    keys = house.directory / "jwks.json"
    new_key = ec_key("town-2")
    claims = {"iat": int(time.time()) - 5, "exp": int(time.time()) + 600, "tenant": "acme"}
    new = {"Authorization": f"Bearer {new_key.token(**claims).decode()}"}
    old = bearer("acme")
    assert (_codes(house, "acme", **old), _codes(house, "acme", **new)) == (
        [None] * 2,
        ["UNAUTHENTICATED"] * 2,
    )
    draft = keys.with_suffix(".new")
    draft.write_bytes(key_set(new_key))
    draft.replace(keys)
    assert _seconds_until(lambda: _codes(house, "acme", **new) == [None, None]) < FORGETS_SECONDS
    assert _seconds_until(lambda: _codes(house, "acme", **old) == ["UNAUTHENTICATED"] * 2) < FORGETS_SECONDS
