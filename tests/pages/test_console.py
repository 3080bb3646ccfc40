"""The console in a real browser."""

import re
import shlex
from itertools import pairwise

import httpx
import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from gateway.call import PARAMETERS
from gateway.errors import Code
from tests.house import api_key, configuration, serving, tenant
from tests.pages.conftest import House
from tests.pages.visitor import PHONE, Visitor, visiting

pytestmark = pytest.mark.serial

DOORS = ("graphql", "rest")


@pytest.mark.parametrize("door", DOORS)
def test_a_call_is_made_and_told(visitor: Visitor, house: House, door: str) -> None:
    """The outcome, the record with its reference, the trace, the quotas and the recent calls are shown."""
    house.simulator.clear()
    visitor.open("/", "acme").through(door).fill("2125550200")
    visitor.page.get_by_label("Wait seconds").fill("5")
    told = visitor.make("Requested")
    assert "asterisk01" in told
    assert len(visitor.fact("Trace id")) == 32
    trace = visitor.fact("Trace id")
    (line,) = [line for line in house.gateway.lines("request") if line.get("trace_id") == trace]
    assert line["request_id"] == visitor.fact("Request id")
    assert line["door"] == door
    (dial,) = house.simulator.dials("2125550200")
    assert ["wait", "5"] in dial["params"]
    expect(visitor.page.get_by_role("meter", name="daily")).not_to_have_attribute("aria-valuenow", "1000")
    at_once = visitor.page.get_by_role("meter", name="at-once")
    expect(at_once).to_have_attribute("aria-valuetext", "0 in use, 10 free")
    recent = visitor.page.locator("#recent summary").first
    expect(recent).to_contain_text("2125550200")
    recent.click()
    expect(visitor.page.locator("#recent details[open]")).to_contain_text(visitor.fact("Call id"))


@pytest.mark.parametrize("door", DOORS)
def test_a_dry_run_shows_the_redacted_query(visitor: Visitor, house: House, door: str) -> None:
    """What would be sent is shown with the credential redacted, and nothing is dialled or spent."""
    house.simulator.clear()
    visitor.open("/", "acme").through(door).fill("2125550200", caller="100#").press("Dry run")
    told = visitor.outcome("Dry run")
    assert (
        "auth_username=REDACTED;auth_password=REDACTED;stype=;snumber=100%23;ctype=;cnumber=2125550200"
        in told
    )
    row = visitor.page.get_by_role("row").filter(has=visitor.page.get_by_text("snumber", exact=True))
    assert "100#" in row.inner_text()
    assert house.simulator.dials() == []


def test_asking_again_can_never_be_a_second_call(visitor: Visitor, house: House) -> None:
    """The same input keeps its key, also after other input in between; only a new key is another call."""
    house.simulator.clear()
    visitor.open("/", "acme").fill("2125550204")
    key = visitor.page.get_by_label("Idempotency key")
    visitor.make("Requested")
    first = key.input_value()
    assert "Replayed" in visitor.make("Requested")
    visitor.fill("2125559999")
    assert key.input_value() != first
    visitor.fill("2125550204")
    assert key.input_value() == first
    assert "Replayed" in visitor.make("Requested")
    assert len(house.simulator.dials("2125550204")) == 1
    visitor.press("New key")
    assert "Replayed" not in visitor.make("Requested")
    assert len(house.simulator.dials("2125550204")) == 2


@pytest.mark.parametrize("door", DOORS)
def test_a_lost_answer_is_told_as_unknown_and_retried_with_the_key(
    visitor: Visitor, house: House, door: str
) -> None:
    """When the answer of a placed call is lost on its way, the retry that is offered finds it: one dial.

    It asks for that call, also when the form holds another by then.
    """
    house.simulator.clear()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    visitor.open("/", "acme").through(door).fill("2125550200")
    path = {"graphql": "**/graphql", "rest": "**/v1/calls"}[door]
    visitor.page.route(
        path, lambda route: lose(route) if route.request.method == "POST" else route.continue_()
    )
    assert "retry with the same key" in visitor.make("Outcome unknown")
    visitor.page.unroute(path)
    visitor.fill("2125559999").press("Retry with the same key")
    assert "Replayed" in visitor.outcome("Requested")
    assert house.simulator.dials("2125559999") == []
    assert len(house.simulator.dials("2125550200")) == 1
    visitor.faults = [fault for fault in visitor.faults if "ERR_CONNECTION_RESET" not in fault]  # what we did


def _held(page: Page) -> list[Route]:
    """Calls asked for through REST from now on, none of which is let through."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/calls", hold)
    return held


def _let_go(page: Page, held: list[Route]) -> None:
    while not held:
        page.wait_for_timeout(20)
    held.pop().continue_()


def test_a_phone_sees_that_a_call_is_asked_for_and_how_it_ended(browser: Browser, house: House) -> None:
    """The time goes by at the button, as the outcome is far below; the answer then comes into view."""
    with visiting(browser, house.gateway.url, PHONE) as visitor:
        page = visitor.open("/", "acme").through("rest").fill("2125550400").page
        held = _held(page)
        visitor.press("Make the call")
        expect(page.get_by_text("Waiting for the answer,")).to_be_in_viewport()
        _let_go(page, held)
        visitor.outcome("Not placed")
        assert visitor.fact("Code") == "INVALID_INPUT"
        expect(page.locator(":focus")).to_be_in_viewport()
        assert visitor.focused() in {"outcome-title", "f-callee-number"}
        expect(page.get_by_text("Waiting for the answer,")).to_have_count(0)


def test_a_pressed_retry_leaves_the_focus_at_the_outcome(visitor: Visitor) -> None:
    """The button goes with the answer that it stood in; who pressed it is not sent to the top of the page."""
    page = visitor.open("/", "acme").through("rest").fill("2125550204").page
    page.route("**/v1/calls", lambda route: route.fulfill(status=502, body="<html>"))
    visitor.make("Outcome unknown")
    page.unroute("**/v1/calls")
    held = _held(page)
    visitor.press("Retry with the same key")
    expect(page.locator("#outcome .busy")).to_be_visible()
    assert visitor.focused() == "outcome-title"
    _let_go(page, held)
    visitor.outcome("Requested")


def test_an_answer_that_is_not_the_gateways_is_unknown(visitor: Visitor) -> None:
    """A proxy's page in place of the answer is not taken for a refusal."""
    visitor.open("/", "acme").through("rest").fill("2125550200")
    visitor.page.route(
        "**/v1/calls", lambda route: route.fulfill(status=502, body="<html>bad gateway</html>")
    )
    assert "not the gateway" in visitor.make("Outcome unknown")


REFUSALS = {
    "DESTINATION_NOT_ALLOWED": ("strict", "2125550200", "Not placed"),
    "TENANT_SUSPENDED": ("late", "2125550200", "Outcome unknown"),
    "INVALID_INPUT": ("acme", "2125550400", "Not placed"),
    "RATE_PLAN_FORBIDS": ("acme", "2125550403", "Not placed"),
    "UPSTREAM_CREDENTIALS_REJECTED": ("free", "2125550401", "Not placed"),
    "UPSTREAM_ROLE_FORBIDS": ("acme", "2125550402", "Not placed"),
    "OUTCOME_UNKNOWN": ("acme", "2125550590", "Outcome unknown"),
}
"""Code -> tenant, callee, title; a suspended tenant's earlier try with a key can't be ruled out."""


@pytest.mark.parametrize("door", DOORS)
def test_every_refusal_is_told_in_words(visitor: Visitor, door: str) -> None:
    """Each family of errors has a title, words, what to do next, its code and its request id."""
    visitor.open("/").through(door)
    for code, (tenant_name, callee, title) in REFUSALS.items():
        visitor.key.fill(api_key(tenant_name))
        told = visitor.fill(callee).press("New key").make(title)
        assert "What to do:" in told, code
        assert visitor.fact("Code") == code
        assert len(visitor.fact("Request id")) == 32


@pytest.mark.parametrize("door", DOORS)
def test_a_wrong_key_is_told_in_words(visitor: Visitor, door: str) -> None:
    """An unknown key is told beside the call, the quotas and the recent calls."""
    visitor.open("/").through(door).fill("2125550200").key.fill("gw_acme_nonsense")
    assert "Paste a valid key" in visitor.make("Outcome unknown")
    assert visitor.fact("Code") == "UNAUTHENTICATED"
    for place in ("#quotas", "#recent"):
        expect(visitor.page.locator(place)).to_contain_text("Paste a valid key")


def test_a_key_that_no_header_can_carry_is_refused_here(visitor: Visitor) -> None:
    """A key with a space or beyond ASCII is not sent at all."""
    visitor.open("/").key.fill("gw_ключ")
    expect(visitor.page.get_by_text("A key is made of visible ASCII")).to_be_visible()
    assert visitor.page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("path", ["/", "/graphql"])
def test_a_typed_key_is_tried_when_it_is_whole(visitor: Visitor, path: str) -> None:
    """Not each letter is asked with; typing that rests, Enter and leaving the field are what counts."""
    asked: list[str | None] = []
    visitor.open(path)
    visitor.page.on("request", lambda request: asked.append(request.header_value("Authorization")))
    visitor.key.press_sequentially(api_key("acme"))
    shown = (
        visitor.page.get_by_role("meter", name="daily") if path == "/" else visitor.page.get_by_label("Find")
    )
    expect(shown).to_be_visible()
    assert asked.count(f"Bearer {api_key('acme')}") == len(asked) <= 2
    visitor.key.press("Backspace")
    visitor.key.press("Enter")
    assert visitor.page.evaluate("Object.values(sessionStorage)") == [api_key("acme")[:-1]]
    visitor.key.press("x")
    visitor.key.press("Tab")
    assert visitor.page.evaluate("Object.values(sessionStorage)") == [api_key("acme")[:-1] + "x"]


def test_faults_of_the_input_stand_at_their_fields(visitor: Visitor) -> None:
    """A field that the gateway finds fault with is marked, described and focused, also among the options."""
    visitor.open("/", "acme").through("rest").fill("12x", caller="12 3")
    visitor.page.get_by_text("More options").click()
    visitor.page.get_by_label("Delay seconds").fill("soon")
    visitor.page.get_by_text("More options").click()
    visitor.make("Not placed")
    assert visitor.fact("Code") == "INVALID_INPUT"
    for field in (visitor.field("Caller", "Number"), visitor.field("Callee", "Number")):
        expect(field).to_have_attribute("aria-invalid", "true")
    expect(visitor.page.get_by_label("Delay seconds")).to_be_visible()
    assert "whole number" in visitor.page.locator("#f-delaySeconds-fault").inner_text()
    visitor.page.get_by_label("Delay seconds").fill("1")
    expect(visitor.page.locator("[aria-invalid]")).to_have_count(0)


def test_missing_numbers_are_told_without_asking(visitor: Visitor) -> None:
    """Both empty numbers are marked, the first has the focus, and nothing is sent."""
    asked: list[str] = []
    visitor.open("/", "acme")
    visitor.page.on("request", lambda request: asked.append(request.method))
    visitor.press("Make the call")
    expect(visitor.page.locator("[aria-invalid]")).to_have_count(2)
    assert visitor.focused() == "f-caller-number"
    assert "POST" not in asked


def test_a_reused_key_is_told(visitor: Visitor) -> None:
    """A key of other input is a conflict: told at the key, until that or the input is another."""
    visitor.open("/", "strict").through("rest").fill("1234567")
    field = visitor.page.get_by_label("Idempotency key")
    field.fill("of-two-minds")
    visitor.make("Requested")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    visitor.fill("12345678").make("Not placed")
    assert visitor.fact("Code") == "IDEMPOTENCY_KEY_REUSED"
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(visitor.page.locator("#idempotency-help")).to_contain_text("stands for another call")
    visitor.fill("1234567")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    visitor.fill("12345678")
    expect(field).to_have_attribute("aria-invalid", "true")
    visitor.press("New key")
    expect(field).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("door", DOORS)
def test_an_exhausted_quota_is_told_with_its_wait(visitor: Visitor, door: str) -> None:
    """The quota is named, its meter is empty, and the retry waits for it."""
    visitor.open("/", "few").through(door).fill("1234567")
    visitor.press("Make the call")
    expect(visitor.page.locator("#outcome .facts")).not_to_have_count(0)
    visitor.press("New key")
    told = visitor.make("Not placed")
    assert visitor.fact("Code") == "QUOTA_EXCEEDED"
    assert "hourly" in told
    expect(visitor.page.get_by_role("meter", name="hourly")).to_have_attribute("aria-valuenow", "0")
    retry = visitor.page.get_by_role("button", name="Retry with the same key in")
    expect(retry).to_have_attribute("aria-disabled", "true")


def test_an_unavailable_gateway_is_told(browser: Browser, tmp_path) -> None:
    """While calls are paused, the answer says so and offers the retry."""
    settings = configuration(tmp_path, "http://127.0.0.1:9", {"acme": tenant("acme")}, paused=True)
    with serving(tmp_path, settings) as paused, visiting(browser, paused.url) as visitor:
        visitor.open("/", "acme").fill("1234567")
        assert "paused" in visitor.make("Not placed")
        assert visitor.fact("Code") == "PAUSED"
        expect(visitor.page.get_by_role("button", name="Retry with the same key", exact=True)).to_be_enabled()
        assert visitor.faults == []


def test_an_unknown_outcome_can_be_looked_up(visitor: Visitor) -> None:
    """The record of a call whose outcome is unknown is a button away; no retry is offered."""
    visitor.open("/", "acme").through("rest").fill("2125550590")
    told = visitor.make("Outcome unknown")
    assert "Retry" not in told
    visitor.press("Look at the record")
    expect(visitor.page.locator("#outcome [aria-live] .facts")).to_contain_text("2125550590")


SNIPPETS = (("curl REST", "curl for REST"), ("curl GraphQL", "curl for GraphQL"))


@pytest.mark.parametrize(("tab", "label"), SNIPPETS)
def test_the_line_that_is_shown_works(visitor: Visitor, house: House, tab: str, label: str) -> None:
    """Pasted into a shell with KEY set, the line asks for just the call that is filled in, quotes and all."""
    house.simulator.clear()
    hostile = """it's "$HOME" `id` \\ \\n é"""
    visitor.open("/", "acme").fill("2125550204")
    visitor.page.get_by_text("More options").click()
    visitor.page.get_by_label("Client reference").fill(hostile)
    visitor.page.get_by_role("tab", name=tab, exact=True).click()
    line = visitor.page.get_by_role("region", name=label).inner_text()
    assert api_key("acme") not in visitor.page.locator("body").inner_text()
    answer = _pasted(line, api_key("acme"))
    assert answer.status_code in {200, 202}
    (dial,) = house.simulator.dials("2125550204")
    assert ["snumber", "1234567"] in dial["params"]
    visitor.press("Refresh recent calls")
    visitor.page.locator("#recent summary").first.click()
    expect(visitor.page.locator("#recent details[open]")).to_contain_text(hostile)


def _pasted(line: str, key: str) -> httpx.Response:
    """What curl would do of a line as a shell reads it: single quotes are literal, only $KEY is filled in."""
    words = shlex.split(line.replace('"Authorization: Bearer $KEY"', f'"Authorization: Bearer {key}"'))
    assert words[:2] == ["curl", "-i"]
    headers = [word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H"]
    body = words[words.index("-d") + 1]
    return httpx.post(words[2], headers=dict(headers), content=body.encode(), trust_env=False)


def test_the_form_has_every_parameter(visitor: Visitor) -> None:
    """Each row of the parameter table has its field, described by its meaning; dryRun has its button."""
    visitor.open("/")
    pointers = [p.pointer for p in PARAMETERS if p.pointer != "/dryRun"]
    for pointer in pointers:
        field = visitor.page.locator(f"#f{pointer.replace('/', '-')}")
        expect(field).to_have_count(1)
        described = (field.get_attribute("aria-describedby") or "").split()[0]
        assert visitor.page.locator(f"#{described}").text_content()
    assert visitor.page.locator("#fields :is(input, select)").count() == len(pointers)


def test_every_code_has_its_advice(visitor: Visitor) -> None:
    """No error of the catalogue leaves the reader without what to do next, and none is made up."""
    visitor.open("/")
    advised = visitor.page.evaluate("import('/assets/advice.js').then(({ ADVICE }) => Object.keys(ADVICE))")
    assert advised == [code.value for code in Code]


def test_advice_names_nothing_of_one_page(visitor: Visitor) -> None:
    """The three pages give the same advice: none of it tells to press what only the console has."""
    visitor.open("/")
    advice = visitor.page.evaluate("import('/assets/advice.js').then(({ ADVICE }) => Object.values(ADVICE))")
    assert [text for text in advice if re.search(r"\b([Pp]ress|marked|New key)\b", text)] == []


def test_without_its_description_the_console_says_so(visitor: Visitor) -> None:
    """Before the form is there, and where it can't be, no button or key is an error of the page's own."""
    visitor.page.route("**/openapi.json", lambda route: route.fulfill(status=502, body="<html>"))
    visitor.open("/", "acme").press("Dry run").press("New key").press("Make the call")
    visitor.page.get_by_label("Idempotency key").fill("mine")
    expect(visitor.page.locator("#fields")).to_contain_text("could not be loaded")


def test_the_key_is_kept_in_this_tab_only(visitor: Visitor) -> None:
    """It follows to the tab's other pages, and stands in no address, cookie or lasting place."""
    visitor.open("/", "acme")
    visitor.page.get_by_role("link", name="API reference").click()
    expect(visitor.key).to_have_value(api_key("acme"))
    assert api_key("acme") not in visitor.page.url
    assert visitor.page.context.cookies() == []
    assert visitor.page.evaluate("localStorage.length") == 0
    assert visitor.page.evaluate("Object.values(sessionStorage)") == [api_key("acme")]
    visitor.press("Forget")
    assert visitor.page.evaluate("sessionStorage.length") == 0
    expect(visitor.key).to_be_focused()
    visitor.page.get_by_role("link", name="Console").click()
    expect(visitor.page.locator("#quotas")).to_contain_text("Paste a key")


def test_with_the_key_its_outcome_is_forgotten(visitor: Visitor) -> None:
    """Who comes to the screen after it sees no number and no call of the tenant."""
    visitor.open("/", "acme").fill("2125550204").make("Requested")
    expect(visitor.page.locator("#recent summary").first).to_contain_text("2125550204")
    visitor.press("Forget")
    for place in ("#outcome", "#recent", "#quotas"):
        expect(visitor.page.locator(place)).to_have_text(re.compile("^(Forgotten|Paste a key)[^0-9]*$"))
    expect(visitor.page.locator("#status")).to_be_empty()


def test_older_calls_are_a_button_away(visitor: Visitor, house: House) -> None:
    """Ten calls are shown; the rest follow, each once, however often the button is pressed."""
    for _ in range(12):
        house.gateway.call("rest", "free", {"caller": {"number": "1"}, "callee": {"number": "2"}})
    visitor.open("/", "free")
    rows = visitor.page.locator("#recent summary")
    expect(rows).to_have_count(10)
    visitor.page.get_by_role("button", name="Older calls").dblclick()
    expect(rows.nth(11)).to_be_visible()
    expect(rows.nth(10)).to_be_focused()
    visitor.press("Refresh quotas").page.wait_for_load_state("networkidle")
    ids = visitor.page.locator("#recent .facts > div:nth-child(2) dd").all_text_contents()
    assert len(set(ids)) == len(ids)


def test_a_slow_answer_does_not_replace_a_newer_one(visitor: Visitor) -> None:
    """Calls and quotas as they stood before a call, told after those that stand now, change nothing."""
    page = visitor.open("/", "acme").fill("2125550204", caller="7654321").page
    daily = page.get_by_role("meter", name="daily")
    before = daily.get_attribute("aria-valuenow")
    assert before
    held: list[tuple[Route, APIResponse]] = []
    paths = re.compile(r"/v1/(calls\?limit=10|quota)$")
    page.route(
        paths, lambda route: route.continue_() if len(held) == 2 else held.append((route, route.fetch()))
    )
    visitor.press("Refresh recent calls").press("Refresh quotas")
    while len(held) < 2:
        page.wait_for_timeout(20)
    visitor.make("Requested")
    newest = page.locator("#recent summary").first
    expect(newest).to_contain_text("7654321")
    expect(daily).not_to_have_attribute("aria-valuenow", before)
    with page.expect_response("**/v1/quota"):
        for route, answer in held:
            route.fulfill(response=answer)
    page.wait_for_timeout(200)
    expect(newest).to_contain_text("7654321")
    expect(daily).not_to_have_attribute("aria-valuenow", before)


def test_a_call_of_another_day_has_its_date(visitor: Visitor, house: House) -> None:
    """Today's calls are told by their time, others by their date too; the whole moment is a hover away."""
    for _ in range(2):
        house.gateway.call("rest", "acme", {"caller": {"number": "1"}, "callee": {"number": "2"}})
    page = visitor.open("/").page

    def age(route: Route) -> None:
        told = route.fetch().json()
        told["calls"][1]["requestedAt"] = "2026-01-02T12:00:00Z"
        route.fulfill(json=told)

    page.route("**/v1/calls?limit=10", age)
    visitor.key.fill(api_key("acme"))
    times = page.locator("#recent time")
    expect(times.nth(1)).to_contain_text("Jan 2, 2026")
    expect(times.nth(0)).not_to_contain_text("202")
    assert "202" in str(times.nth(0).get_attribute("title"))


def test_a_call_is_made_with_the_keyboard_alone(visitor: Visitor, house: House) -> None:
    """From the top of the page to the outcome, without a mouse; the focus then stands at the outcome."""
    house.simulator.clear()
    visitor.open("/")
    keyboard = visitor.page.keyboard

    def go_to(wanted: str) -> None:
        for _ in range(40):
            keyboard.press("Tab")
            if visitor.focused() == wanted:
                return
        raise AssertionError(f"no Tab leads to {wanted}")

    keyboard.press("Tab")
    assert visitor.focused() == "Skip to the content"
    keyboard.press("Enter")
    go_to("api-key")
    keyboard.type(api_key("acme"))
    go_to("f-caller-number")
    keyboard.type("1234567")
    go_to("f-caller-type")
    keyboard.type("L")
    go_to("f-callee-number")
    keyboard.type("2125550204")
    go_to("More options")
    keyboard.press("Enter")
    go_to("f-caller-screening")
    keyboard.press("Space")
    while visitor.page.evaluate("document.activeElement.name") != "door":
        keyboard.press("Tab")
    keyboard.press("ArrowRight")
    go_to("make")
    keyboard.press("Enter")
    visitor.outcome("Requested")
    assert visitor.focused() == "outcome-title"
    (dial,) = house.simulator.dials("2125550204")
    assert ["stype", "phone"] in dial["params"]
    assert ["screen1", "1"] in dial["params"]
    assert any(line["door"] == "rest" for line in house.gateway.lines("audit") if line.get("door"))


def test_tabs_follow_the_arrows(visitor: Visitor) -> None:
    """The forms of the request are one stop of the Tab key; arrows, Home and End choose."""
    visitor.open("/")
    tabs = visitor.page.get_by_role("tab")
    tabs.first.focus()
    for press, chosen in (("ArrowRight", 1), ("End", 2), ("ArrowRight", 0), ("ArrowLeft", 2), ("Home", 0)):
        visitor.page.keyboard.press(press)
        expect(tabs.nth(chosen)).to_be_focused()
        expect(tabs.nth(chosen)).to_have_attribute("aria-selected", "true")
    expect(visitor.page.get_by_role("tabpanel")).to_have_count(1)
