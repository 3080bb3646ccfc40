"""The API reference in a real browser."""

import pytest
from playwright.sync_api import Locator, expect

from gateway.doors.openapi import openapi
from gateway.errors import Code
from tests.pages.conftest import House
from tests.pages.visitor import Visitor

pytestmark = pytest.mark.serial


def test_the_whole_document_is_shown(visitor: Visitor) -> None:
    """Every operation, parameter, body member, answer, schema and error code stands on the page."""
    page = visitor.open("/docs").page
    document = openapi()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            section = page.get_by_role("region", name=f"{method.upper()} {path}", exact=True)
            told = section.inner_text()
            for status in operation["responses"]:
                assert status in told, (path, method, status)
            for parameter in operation.get("parameters", ()):
                assert parameter["name"] in told
    shown = page.get_by_role("region", name="POST /v1/calls", exact=True).inner_text()
    for name in ("Caller", "Callee", "Billing"):
        for member in document["components"]["schemas"][name]["properties"]:
            assert f"{name.lower()}.{member}" in shown
    for schema in document["components"]["schemas"]:
        expect(page.locator(f"#schema-{schema}")).to_have_count(1)
    for code in Code:
        expect(page.locator(f"#error-{code}")).to_be_visible()


def test_every_link_of_the_page_leads_somewhere(visitor: Visitor) -> None:
    """Each address within the page names an element that is there."""
    page = visitor.open("/docs").page
    lost = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map((link) => link.getAttribute('href').slice(1))"
        ".filter((id) => !document.getElementById(id))"
    )
    assert lost == []
    page.get_by_role("link", name="Translation").first.click()
    expect(page.locator("#schema-Translation")).to_have_attribute("open", "")


def test_every_operation_can_be_tried_at_once(visitor: Visitor, house: House) -> None:
    """With a key pasted, a dry run, the calls, one call and the quotas are one press away."""
    house.simulator.clear()
    made = house.gateway.call("rest", "acme", {"caller": {"number": "1"}, "callee": {"number": "2"}})
    assert made.call is not None
    page = visitor.open("/docs", "acme").page
    for summary in page.get_by_text("Try it").all():
        summary.click()
    page.get_by_label("id", exact=True).fill(made.call["id"])
    page.get_by_label("limit").fill("1")
    for name, told in (
        ("Make a call", "auth_password=REDACTED"),
        ("The tenant's calls, newest first", made.call["id"]),
        ("One call of the tenant", '"calleeNumber": "2"'),
        ("The quotas as the asker stands", '"same-callee"'),
    ):
        form = page.locator("form").filter(has=page.get_by_role("button", name=f"Send {name}", exact=True))
        form.get_by_role("button", name="Send").click()
        expect(form.locator(".answer")).to_contain_text(told)
        expect(form.locator(".answer")).to_contain_text("200")
    assert len(house.simulator.dials("2")) == 1


def test_a_refusal_is_told_with_what_to_do(visitor: Visitor) -> None:
    """A limit out of range is a problem in words."""
    page = visitor.open("/docs", "acme").page
    page.get_by_text("Try it").nth(1).click()
    page.get_by_label("limit").fill("1000")
    visitor.press("Send The tenant's calls, newest first")
    expect(page.locator(".answer").nth(1)).to_contain_text("What to do:")


def test_a_key_that_no_header_can_hold_is_told_as_not_sent(visitor: Visitor) -> None:
    """Nothing was asked, so nothing may have been placed."""
    page = visitor.open("/docs", "acme").page
    page.get_by_text("Try it").first.click()
    page.get_by_label("Idempotency-Key").fill("ключ")
    visitor.press("Send Make a call")
    expect(page.locator(".answer").first).to_contain_text("nothing was asked")


def _real_call(visitor: Visitor) -> Locator:
    """The form that makes a call, filled in to make one in earnest and without a key; its answer."""
    page = visitor.open("/docs", "acme").page
    page.get_by_text("Try it").first.click()
    page.get_by_label("Idempotency-Key").fill("")
    page.get_by_label("Body").fill('{"caller": {"number": "1"}, "callee": {"number": "2125550299"}}')
    return page.locator(".answer").first


def test_a_double_click_is_one_call(visitor: Visitor, house: House) -> None:
    """While an answer is awaited, Send asks for nothing more: one dial even without a key."""
    house.simulator.clear()
    answer = _real_call(visitor)
    send = visitor.page.get_by_role("button", name="Send Make a call", exact=True)
    send.dblclick()
    expect(answer).to_contain_text("REQUESTED")
    expect(send).not_to_have_attribute("aria-disabled", "true")
    visitor.page.wait_for_timeout(500)
    assert len(house.simulator.dials("2125550299")) == 1


def test_a_lost_answer_without_a_key_promises_no_safe_retry(visitor: Visitor) -> None:
    """There is no same key to retry with."""
    answer = _real_call(visitor)
    visitor.page.route("**/v1/calls", lambda route: route.abort("connectionreset"))
    visitor.press("Send Make a call")
    expect(answer).to_contain_text("may ring a second time")
    visitor.faults.clear()  # the connection that we reset
