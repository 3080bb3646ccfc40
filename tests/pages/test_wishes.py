"""One wish of a person rings once: what the console does with keys, lost answers and reloads."""

import pytest
from playwright.sync_api import Locator, Route

from tests.pages.conftest import House
from tests.pages.visitor import Visitor

pytestmark = pytest.mark.serial

DOORS = ("graphql", "rest")
_PATHS = {"graphql": "**/graphql", "rest": "**/v1/calls"}
RETRY = "Retry with the same key"


def _lose(route: Route) -> None:
    """The gateway hears and answers, and the answer never arrives."""
    if route.request.method == "POST":
        route.fetch()
        route.abort("connectionreset")
    else:
        route.continue_()


def _make_and_lose(visitor: Visitor, door: str) -> str:
    """A call is made, its answer lost; the whole text of the outcome."""
    visitor.page.route(_PATHS[door], _lose)
    told = visitor.make("Outcome unknown")
    visitor.page.unroute(_PATHS[door])
    visitor.faults = [fault for fault in visitor.faults if "ERR_CONNECTION_RESET" not in fault]  # what we did
    return told


def _key(visitor: Visitor) -> Locator:
    return visitor.page.get_by_label("Idempotency key")


def _help(visitor: Visitor) -> str:
    return visitor.page.locator("#idempotency-help").inner_text()


@pytest.mark.parametrize("door", DOORS)
def test_a_cleared_key_is_replaced_before_anything_is_asked(
    visitor: Visitor, house: House, door: str
) -> None:
    """Whoever empties the field still asks with a key, so a retry after a lost answer is no second dial."""
    house.simulator.clear()
    visitor.open("/", "acme").through(door).fill("2125550200")
    _key(visitor).fill("")
    _make_and_lose(visitor, door)
    assert _key(visitor).input_value()
    assert "Replayed" in visitor.press(RETRY).outcome("Requested")
    _key(visitor).fill("")
    assert "one is made" in _help(visitor)
    assert "Replayed" in visitor.make("Requested")
    assert len(house.simulator.dials("2125550200")) == 1
