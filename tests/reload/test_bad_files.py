"""A file that is wrong changes nothing, and says what is wrong with it."""

import json

import pytest

from tests.house import number, tenant, until
from tests.reload.live import live

REFUSED = "configuration not reloaded"


@pytest.fixture(scope="module")
def house(simulator, tmp_path_factory):
    """A gateway with one tenant."""
    with live(tmp_path_factory.mktemp("bad"), simulator.url, {"acme": tenant("acme")}) as found:
        yield found


def _faults(house) -> list[str]:
    return [line["message"] for line in house.gateway.lines() if line.get("message", "").startswith(REFUSED)]


def _successful(house) -> float:
    return house.gateway.metric("gateway_config_last_reload_successful")


def test_every_fault_is_logged_and_the_running_configuration_stays(house):
    """Two faults are two lines with their places; calls go on; the metric is 0 until the file is mended."""
    assert _successful(house) == 1
    good = json.dumps(house.settings, indent=1)
    bad = good.replace('"suspended"', '"suspendet"').replace('"policy"', '"polisy"')
    bad = bad.replace('"listen"', '"lissen"')
    house.write(bad)
    until(lambda: _successful(house) == 0)
    faults = _faults(house)
    assert len(faults) == 2
    assert all("gateway.yaml:" in fault for fault in faults)
    assert sorted(word for fault in faults for word in ("lissen", "polisy") if word in fault) == [
        "lissen",
        "polisy",
    ]
    assert house.gateway.call("rest", "acme", number()).status == 202
    house.write(good)
    until(lambda: _successful(house) == 1)
    assert house.gateway.call("graphql", "acme", number()).code is None


@pytest.mark.parametrize("text", ["", "tenants: [", "\x00", "- 1\n- 2\n", "a: &a [*a, *a]\n"])
def test_no_text_ends_the_watch(house, text):
    """Whatever the file holds, the gateway goes on, and takes the next good file."""
    house.write(text)
    until(lambda: _successful(house) == 0)
    assert house.gateway.call("rest", "acme", number()).status == 202
    house.write(json.dumps(house.settings))
    until(lambda: _successful(house) == 1)


def test_half_a_pair_keeps_the_whole_one(house):
    """A credential file that vanishes is a fault of the reload; calls go on with the pair that was whole."""
    before = len(_faults(house))
    (house.directory / "pair" / "..data" / "password").rename(house.directory / "password")
    until(lambda: len(_faults(house)) > before)
    assert _successful(house) == 0
    assert house.gateway.call("rest", "acme", number()).status == 202
    (house.directory / "password").rename(house.directory / "pair" / "..data" / "password")
    until(lambda: _successful(house) == 1)
