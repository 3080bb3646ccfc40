"""What a client may send is judged by the limits in force, on open connections too."""

import pytest

from tests.house import number, tenant
from tests.reload.live import live

pytestmark = pytest.mark.serial
PADDING = "x" * 3000


@pytest.fixture(scope="module")
def house(simulator, tmp_path_factory):
    """A gateway with one tenant."""
    directory = tmp_path_factory.mktemp("bounds")
    with live(directory, simulator.url, {"acme": tenant("acme")}) as found:
        yield found


def test_limits_of_the_head_follow_the_configuration(house):
    """`limits.header_bytes` holds from the reload on, and so it does when it is widened again."""

    def status() -> int:
        return house.gateway.get("/v1/quota", "acme", **{"X-Padding": PADDING}).status_code

    assert status() == 200
    house.edit_and_wait(lambda settings: settings.update(limits={"header_bytes": 2048}))
    assert status() == 413
    house.edit_and_wait(lambda settings: settings.update(limits={"header_bytes": 16384}))
    assert status() == 200


def test_limits_of_the_body_follow_the_configuration(house):
    """`limits.body_bytes` too, at both doors alike."""
    body = number() | {"clientReference": "y" * 128}
    house.edit_and_wait(lambda settings: settings.update(limits={"body_bytes": 1024}))
    large = house.gateway.call("rest", "acme", body | {"unknown": "z" * 2000})
    assert (large.status, large.code) == (413, "TOO_LARGE")
    assert house.gateway.call("rest", "acme", body).status in {201, 202}
