"""The GraphQL explorer in a real browser."""

import pytest
from playwright.sync_api import Browser, expect

from tests.house import configuration, serving, tenant
from tests.pages.conftest import House
from tests.pages.visitor import Visitor, visiting

pytestmark = pytest.mark.serial


def _answered(visitor: Visitor, told: str) -> None:
    expect(visitor.page.locator("#answer")).to_contain_text(told)


def test_every_example_runs(visitor: Visitor, house: House) -> None:
    """Each operation that is offered is answered without an error; the one that makes a call dials once."""
    house.simulator.clear()
    page = visitor.open("/graphql", "acme").page
    choice = page.get_by_label("Start from")
    names = choice.locator("option").all_text_contents()
    assert len(names) == 7
    for name in names:
        choice.select_option(label=name)
        visitor.press("Run")
        _answered(visitor, '"data"')
        assert '"errors"' not in page.locator("#answer").inner_text(), name
        page.locator("#answer").evaluate("(answer) => answer.replaceChildren()")
    assert len(house.simulator.dials("2125551234")) == 1


def test_the_keyboard_runs_it_and_the_tab_key_is_free(visitor: Visitor) -> None:
    """Ctrl+Enter runs from the document; Tab leaves it."""
    page = visitor.open("/graphql", "acme").page
    page.get_by_label("Document").fill("{ gateway { version } }")
    page.get_by_label("Document").press("Control+Enter")
    _answered(visitor, '"version"')
    page.get_by_label("Document").press("Tab")
    expect(page.get_by_label("Variables")).to_be_focused()


def test_errors_are_told(visitor: Visitor) -> None:
    """A fault of the document, of the variables, and a refused call, each with what to do."""
    page = visitor.open("/graphql", "strict").page
    page.get_by_label("Document").fill("{ gatewy }")
    visitor.press("Run")
    _answered(visitor, "MALFORMED_REQUEST The request could not be read")
    page.get_by_label("Start from").select_option(label="Make a call")
    visitor.press("Run")
    _answered(visitor, "DESTINATION_NOT_ALLOWED The tenant's policy")
    page.get_by_label("Variables").fill("[1]")
    visitor.press("Run")
    _answered(visitor, "must be one JSON object")
    expect(page.get_by_label("Variables")).to_be_focused()


def test_the_schema_can_be_searched_and_followed(visitor: Visitor) -> None:
    """Types are found by their fields' names, and links between types open them."""
    page = visitor.open("/graphql", "acme").page
    page.get_by_label("Find").fill("violatedPolicies")
    expect(page.locator("#schema details:visible")).to_have_count(1)
    page.get_by_label("Find").fill("")
    page.locator("#type-Mutation").get_by_role("link", name="MakeCallInput!").click()
    expect(page.locator("#type-MakeCallInput summary")).to_be_focused()
    page.locator("#type-MakeCallInput").get_by_role("link", name="CallerInput!").click()
    expect(page.locator("#type-CallerInput")).to_contain_text("presentedCallerId")


def test_without_introspection_operations_still_run(browser: Browser, tmp_path) -> None:
    """The explorer says that the schema is not told, and works."""
    settings = configuration(
        tmp_path, "http://127.0.0.1:9", {"acme": tenant("acme")}, graphql={"introspection": False}
    )
    with serving(tmp_path, settings) as closed, visiting(browser, closed.url) as visitor:
        page = visitor.open("/graphql", "acme").page
        expect(page.locator("#schema")).to_contain_text("introspection may be off")
        visitor.press("Run")
        _answered(visitor, "REDACTED")
        assert visitor.faults == []
