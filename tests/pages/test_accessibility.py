"""Every page for everybody: axe's rules, both colour schemes, a phone's width."""

import pytest
from playwright.sync_api import Browser, expect

from tests.pages.conftest import LONGEST, House
from tests.pages.visitor import PHONE, WIDE, Scheme, Visitor, visiting

pytestmark = pytest.mark.serial

VIEWS: tuple[tuple[Scheme, tuple[int, int]], ...] = (("light", WIDE), ("dark", WIDE), ("dark", PHONE))
NARROWEST = (320, 640)
"""CSS pixels at which WCAG's reflow is judged (1.4.10)."""


def _look(visitor: Visitor, axe: str, what: str) -> list[str]:
    found = [f"{what}: {violation}" for violation in visitor.violations(axe)]
    overflow = visitor.overflow()
    return found if overflow <= 0 else [*found, f"{what}: {overflow} pixels too wide"]


def _console(visitor: Visitor, axe: str) -> list[str]:
    """The console empty, refused, asked dry, and with an unknown and a requested call."""
    page = visitor.open("/").page
    found = _look(visitor, axe, "empty")
    visitor.press("Make the call")
    found += _look(visitor, axe, "missing numbers")
    page.get_by_text("More options").click()
    visitor.key.fill("gw_acme_key")
    for callee, title in (
        ("x", "Not placed"),
        ("2125550590", "Outcome unknown"),
        ("2125550200", "Requested"),
    ):
        visitor.fill(callee).make(title)
        found += _look(visitor, axe, title)
    visitor.press("Dry run").outcome("Dry run")
    page.locator("#recent summary").first.click()
    page.get_by_role("tab", name="GraphQL", exact=True).click()
    return found + _look(visitor, axe, "dry run")


def _reference(visitor: Visitor, axe: str) -> list[str]:
    """The reference with everything open, and an answer."""
    page = visitor.open("/docs", "acme").page
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    visitor.press("Send The quotas as the asker stands")
    expect(page.locator(".answer .block")).to_have_count(1)
    return _look(visitor, axe, "reference")


def _explorer(visitor: Visitor, axe: str) -> list[str]:
    """The explorer with the schema, and an answer."""
    page = visitor.open("/graphql", "acme").page
    expect(page.locator("#type-Query")).to_be_visible()
    page.locator("#type-Query summary").click()
    visitor.press("Run")
    expect(page.locator("#answer .block")).to_have_count(1)
    return _look(visitor, axe, "explorer")


@pytest.mark.parametrize(("scheme", "size"), VIEWS)
def test_nobody_is_shut_out(
    browser: Browser, house: House, axe: str, scheme: Scheme, size: tuple[int, int]
) -> None:
    """axe finds no violation on any page in any state, and no page is wider than its window."""
    with visiting(browser, house.gateway.url, size, scheme) as visitor:
        found = _console(visitor, axe) + _reference(visitor, axe) + _explorer(visitor, axe)
        assert found == []


def test_the_narrowest_screen_needs_no_sideways_scrolling(browser: Browser, house: House) -> None:
    """At 320 pixels every page still fits."""
    with visiting(browser, house.gateway.url, NARROWEST) as visitor:
        for path in ("/", "/docs", "/graphql"):
            assert visitor.open(path, "acme").overflow() <= 0, path


@pytest.mark.parametrize("door", ["graphql", "rest"])
def test_the_longest_name_of_a_quota_fits(browser: Browser, house: House, door: str) -> None:
    """At 320 pixels, in its meter, where it is exhausted, and in the answer."""
    with visiting(browser, house.gateway.url, NARROWEST) as visitor:
        visitor.open("/", "named").through(door).fill("1234567").press("Make the call")
        expect(visitor.page.locator("#outcome .facts")).not_to_have_count(0)
        visitor.press("New key")
        assert f"Exhausted: {LONGEST}" in visitor.make("Not placed")
        expect(visitor.page.get_by_role("meter")).to_have_attribute("aria-valuenow", "0")
        assert visitor.overflow() <= 0


def test_forced_colours_hide_nothing(visitor: Visitor) -> None:
    """Where the system imposes its colours, a meter shows how full it is, and a tab that it is chosen."""
    page = visitor.open("/", "acme").page
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    meter = page.get_by_role("meter", name="daily")
    colour = "(one) => getComputedStyle(one).backgroundColor"
    assert meter.locator(".fill").evaluate(colour) != meter.evaluate(colour)
    line = "(tab) => getComputedStyle(tab).borderBottomStyle"
    assert page.get_by_role("tab", selected=True).evaluate(line) == "solid"
    assert page.get_by_role("tab", selected=False).first.evaluate(line) == "none"


def test_axe_would_find_a_fault(visitor: Visitor, axe: str) -> None:
    """The judge is awake: a field without a name is found."""
    visitor.open("/")
    visitor.page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert any(violation.startswith("label:") for violation in visitor.violations(axe))
