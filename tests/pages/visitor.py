"""A visitor with a real browser: what the pages' tests do and see."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.house import api_key

CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = (
    "--no-sandbox",  # the gate runs as root in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
)
# The browser says so of every answer of 400 and above that a page asked for; it is no fault of the page.
_ANSWERED_BADLY = "Failed to load resource: the server responded with a status of"

Scheme = Literal["light", "dark"]
WIDE, PHONE = (1360, 1000), (390, 844)
expect.set_options(timeout=15_000)  # the gate may run on a busy machine


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of our own. While it lives, no event loop may be run in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Visitor:
    """One tab at one gateway. `faults` are what no visit may cause: errors that the page logs, and requests
    to any other origin."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(15_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._request(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_ANSWERED_BADLY):
            self.faults.append(message.text)

    def _request(self, url: str) -> None:
        if not url.startswith((self.url + "/", "data:")):
            self.faults.append(f"asked {urlsplit(url).netloc}")

    def open(self, path: str, tenant: str | None = None) -> "Visitor":
        """Go to a page, and use a tenant's key where one is given."""
        self.page.goto(self.url + path)
        expect(self.page.locator("[aria-busy]")).to_have_count(0)
        if tenant is not None:
            self.key.fill(api_key(tenant))
        return self

    @property
    def key(self) -> Locator:
        """Where the API key goes."""
        return self.page.get_by_role("textbox", name="API key")

    def field(self, group: str, name: str) -> Locator:
        """A field of the console's form."""
        return self.page.get_by_role("group", name=group, exact=True).get_by_label(name).first

    def fill(self, callee: str, caller: str = "1234567") -> "Visitor":
        """Fill in both numbers."""
        self.field("Caller", "Number").fill(caller)
        self.field("Callee", "Number").fill(callee)
        return self

    def through(self, door: str) -> "Visitor":
        """Choose the door."""
        self.page.get_by_role("radio", name={"graphql": "GraphQL", "rest": "REST"}[door]).check()
        return self

    def press(self, name: str) -> "Visitor":
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()
        return self

    def make(self, title: str) -> str:
        """Make the call; the whole text of the outcome, which has this title."""
        self.page.locator("#outcome").evaluate("(outcome) => outcome.replaceChildren()")
        self.press("Make the call")
        return self.outcome(title)

    def outcome(self, title: str) -> str:
        """The whole text of the outcome, once it has this title."""
        expect(self.page.locator("#outcome .banner:not(.busy) h3")).to_contain_text(title)
        return self.page.locator("#outcome").inner_text()

    def fact(self, name: str) -> str:
        """One fact of the outcome."""
        row = self.page.locator("#outcome .facts > div").filter(has=self.page.get_by_text(name, exact=True))
        return row.first.locator("dd").inner_text()

    def focused(self) -> str:
        """What has the focus: its id, or its words."""
        script = "document.activeElement.id || document.activeElement.textContent.trim()"
        return str(self.page.evaluate(script))

    def violations(self, axe: str) -> list[str]:
        """What axe finds, its source given: the rule and the elements."""
        self.page.evaluate(axe)
        found: list[dict[str, Any]] = self.page.evaluate("axe.run().then((result) => result.violations)")
        return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@contextmanager
def visiting(
    browser: Browser, url: str, size: tuple[int, int] = WIDE, scheme: Scheme = "light"
) -> Iterator[Visitor]:
    """A fresh profile with one tab."""
    width, height = size
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    try:
        yield Visitor(context.new_page(), url)
    finally:
        context.close()
