"""One wish of a person rings once: what the console does with keys, lost answers and reloads."""

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.house import api_key
from tests.pages.conftest import House
from tests.pages.visitor import Visitor

pytestmark = pytest.mark.serial

# Most ask as `free`, who has no quota: the same number is called more often than `acme` may.
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
    visitor.open("/", "free").through(door).fill("2125550200")
    _key(visitor).fill("")
    _make_and_lose(visitor, door)
    assert _key(visitor).input_value()
    assert "Replayed" in visitor.press(RETRY).outcome("Requested")
    _key(visitor).fill("")
    assert "one is made" in _help(visitor)
    assert "Replayed" in visitor.make("Requested")
    assert len(house.simulator.dials("2125550200")) == 1


def _stall(visitor: Visitor, door: str) -> None:
    """Make a call that the gateway answers, while the page waits for that answer for ever."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route(_PATHS[door], hold, times=1)
    with visitor.page.expect_request(_PATHS[door]):
        visitor.press("Make the call")
    expect(visitor.page.locator("#outcome .banner.busy")).to_be_visible()
    (route,) = held
    assert route.fetch().ok


LEAVING = {
    "reload": lambda visitor: visitor.page.reload(),
    "a link and back": lambda visitor: (
        visitor.page.get_by_role("link", name="API reference").click(),
        visitor.page.wait_for_url("**/docs"),
        visitor.page.go_back(),
    ),
    "another visit": lambda visitor: visitor.page.goto(visitor.url + "/"),
}


@pytest.mark.parametrize("way", LEAVING)
@pytest.mark.parametrize("door", DOORS)
def test_a_page_left_while_it_waited_offers_that_call_again(
    visitor: Visitor, house: House, door: str, way: str
) -> None:
    """The browser asks before it leaves; the page that comes back knows the call and its key: one dial."""
    house.simulator.clear()
    asked: list[str] = []
    visitor.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    visitor.open("/", "free").through(door).fill("2125550200")
    key = _key(visitor).input_value()
    _stall(visitor, door)
    LEAVING[way](visitor)
    assert asked == ["beforeunload"]
    told = visitor.outcome("Outcome unknown")
    assert "its answer was not seen" in told
    assert "1234567 → 2125550200" in told
    visitor.fill("2125550200")
    assert _key(visitor).input_value() == key
    assert "Replayed" in visitor.press(RETRY).outcome("Requested")
    assert "Replayed" in visitor.make("Requested")
    assert len(house.simulator.dials("2125550200")) == 1
    visitor.page.reload()
    expect(visitor.page.locator("#outcome")).to_contain_text("Nothing asked yet")


def test_what_one_key_asked_for_is_not_offered_to_another(visitor: Visitor) -> None:
    """A page that is loaded anew shows the numbers of a lost call only to the API key that asked."""
    visitor.open("/", "free").fill("2125550200")
    _make_and_lose(visitor, "graphql")
    visitor.page.reload()
    visitor.outcome("Outcome unknown")
    outcome = visitor.page.locator("#outcome")
    visitor.key.fill(api_key("acme"))
    expect(outcome).to_contain_text("Nothing asked yet")
    visitor.press("Forget")
    expect(outcome).to_contain_text("Forgotten with the key.")
    visitor.key.fill(api_key("free"))
    visitor.outcome("Outcome unknown")


@pytest.mark.parametrize("door", DOORS)
def test_a_retry_is_never_asked_as_another_tenant(visitor: Visitor, house: House, door: str) -> None:
    """While another API key is in use, the retry is not there; with the one that asked it is: one dial."""
    house.simulator.clear()
    visitor.open("/", "free").through(door).fill("2125550200")
    _make_and_lose(visitor, door)
    retry = visitor.page.locator("#outcome .retry")
    note = visitor.page.get_by_text("Another API key asked for this.")
    expect(note).to_be_hidden()
    visitor.key.fill(api_key("acme"))
    expect(retry).to_be_hidden()
    expect(note).to_be_visible()
    retry.evaluate("(button) => button.click()")
    expect(visitor.page.locator("#outcome .banner.unknown")).to_be_visible()
    visitor.key.fill(api_key("free"))
    expect(note).to_be_hidden()
    assert "Replayed" in visitor.press(RETRY).outcome("Requested")
    assert len(house.simulator.dials("2125550200")) == 1


PROMISE = "dials nothing"
ANSWERS = {
    "2125550200": ("free", "Requested", True),
    "2125550590": ("acme", "Outcome unknown", True),
    "2125550403": ("acme", "Not placed", True),
    "2125550401": ("free", "Not placed", False),
    "2125550402": ("acme", "Not placed", False),
    "299": ("strict", "Not placed", False),
}
"""Callee -> tenant, title, and whether the gateway keeps the answer for the key."""


@pytest.mark.parametrize("door", DOORS)
def test_only_after_an_answer_that_is_kept_a_retry_is_said_to_dial_nothing(
    visitor: Visitor, house: House, door: str
) -> None:
    """What the page says of asking again is what asking again does, by the dials that are counted."""
    visitor.open("/").through(door)
    for callee, (name, title, is_kept) in ANSWERS.items():
        house.simulator.clear()
        visitor.key.fill(api_key(name))
        visitor.fill(callee).press("New key").make(title)
        first = len(house.simulator.dials(callee))
        assert (PROMISE in _help(visitor)) is is_kept, callee
        visitor.make(title)
        asked_again = len(house.simulator.dials(callee)) - first
        assert asked_again == (0 if is_kept or name == "strict" else 1), callee


def test_a_key_that_was_refused_promises_nothing(visitor: Visitor, house: House) -> None:
    """After a wrong API key the right one makes the call, which nobody had said it would not."""
    house.simulator.clear()
    visitor.open("/").fill("2125550204").key.fill("gw_wrong")
    visitor.make("Outcome unknown")
    assert PROMISE not in _help(visitor)
    visitor.key.fill(api_key("free"))
    assert "another API key" in _help(visitor)
    visitor.make("Requested")
    assert PROMISE in _help(visitor)
    assert len(house.simulator.dials("2125550204")) == 1
    visitor.key.fill(api_key("acme"))
    assert PROMISE not in _help(visitor)


def test_a_typed_key_does_not_displace_that_of_an_asked_input(visitor: Visitor, house: House) -> None:
    """A key typed for other input in between leaves the first input its own: one dial."""
    house.simulator.clear()
    visitor.open("/", "free").fill("2125550200")
    first = _key(visitor).input_value()
    _make_and_lose(visitor, "graphql")
    visitor.fill("2125550202")
    _key(visitor).fill("mine")
    assert "Your own" in _help(visitor)
    visitor.fill("2125550200")
    assert _key(visitor).input_value() == first
    assert "Replayed" in visitor.make("Requested")
    assert len(house.simulator.dials("2125550200")) == 1
    visitor.fill("2125550202")
    assert _key(visitor).input_value() == "mine"
    visitor.fill("2125550200")
    _key(visitor).fill("mine")
    assert "another call" in _help(visitor)


@pytest.mark.parametrize("given", ["ключ", "two words", '"half', "é"])
@pytest.mark.parametrize("door", DOORS)
def test_a_key_that_is_none_is_marked_and_nothing_is_asked(
    visitor: Visitor, house: House, door: str, given: str
) -> None:
    """No outcome is told of a request that no door could take; the field says what a key is."""
    house.simulator.clear()
    asked: list[str] = []
    visitor.open("/", "free").through(door).fill("2125550200")
    visitor.page.on("request", lambda request: asked.append(request.method))
    _key(visitor).fill(given)
    expect(_key(visitor)).to_have_attribute("aria-invalid", "true")
    visitor.press("Make the call").press("Dry run")
    assert visitor.focused() == "idempotency"
    assert "visible ASCII" in _help(visitor)
    expect(visitor.page.locator("#outcome")).to_contain_text("Nothing asked yet")
    visitor.press("New key")
    expect(_key(visitor)).not_to_have_attribute("aria-invalid", "true")
    assert "POST" not in asked
    visitor.make("Requested")
    assert len(house.simulator.dials("2125550200")) == 1


def test_a_key_in_quotes_is_one_key_through_both_doors(visitor: Visitor, house: House) -> None:
    """The quotes of a header's string are not part of the key, whichever door hears it: one dial."""
    house.simulator.clear()
    visitor.open("/", "free").through("graphql").fill("2125550200")
    _key(visitor).fill('"quoted-1"')
    visitor.make("Requested")
    assert _key(visitor).input_value() == "quoted-1"
    _key(visitor).fill('"quoted-1"')
    assert "Replayed" in visitor.through("rest").make("Requested")
    assert len(house.simulator.dials("2125550200")) == 1


def test_what_no_header_can_hold_is_told_as_not_sent(visitor: Visitor) -> None:
    """Where the browser can't form the request, the outcome is certain."""
    script = """async () => {
        const { ask } = await import('/assets/kit.js');
        const { read } = await import('/assets/answers.js');
        const headers = { 'Idempotency-Key': 'ключ' };
        return read('rest', await ask('/v1/calls', { method: 'POST', headers, body: '{}' }));
    }"""
    told = visitor.open("/").page.evaluate(script)
    assert (told["title"], told["kind"], told["retryable"]) == ("Not sent", "refused", False)


def test_a_refused_api_key_leaves_none_in_use(visitor: Visitor, house: House) -> None:
    """The key before it is not used behind the reader's back: nothing is dialled until one is pasted."""
    house.simulator.clear()
    visitor.open("/", "free").fill("2125550200").key.fill("other key with space")
    expect(visitor.page.locator("#key-help")).to_contain_text("None is in use")
    expect(visitor.page.locator("#quotas")).to_contain_text("Paste a key")
    visitor.make("Outcome unknown")
    assert visitor.fact("Code") == "UNAUTHENTICATED"
    assert house.simulator.dials("2125550200") == []
    visitor.key.fill(api_key("free"))
    expect(visitor.page.locator("#key-help")).to_contain_text("In use")
    visitor.make("Requested")
    assert len(house.simulator.dials("2125550200")) == 1


@pytest.mark.parametrize("door", DOORS)
def test_a_gateway_that_hangs_is_not_awaited_for_ever(visitor: Visitor, house: House, door: str) -> None:
    """Fifteen seconds past the call's wait, the same key is offered: one dial."""
    house.simulator.clear()
    visitor.page.clock.install()
    visitor.open("/", "acme").through(door).fill("2125550200")
    visitor.page.get_by_label("Wait seconds").fill("5")
    _stall(visitor, door)
    visitor.page.clock.fast_forward(16_000)
    expect(visitor.page.locator("#outcome .clock")).to_contain_text("16")
    visitor.page.clock.fast_forward(5_000)
    assert "No answer came back" in visitor.outcome("Outcome unknown")
    assert "Replayed" in visitor.press(RETRY).outcome("Requested")
    assert len(house.simulator.dials("2125550200")) == 1


def test_a_dry_run_that_is_not_answered_rang_nobody(visitor: Visitor, house: House) -> None:
    """No unknown outcome is told of what can't dial."""
    house.simulator.clear()
    visitor.open("/", "free").fill("2125550200")
    visitor.page.route(_PATHS["graphql"], lambda route: route.fulfill(status=502, body="<html></html>"))
    assert "dials nothing" in visitor.press("Dry run").outcome("No answer")
    assert house.simulator.dials() == []
