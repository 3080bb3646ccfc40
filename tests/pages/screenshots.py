"""Takes the documentation's pictures: `python -m tests.pages.screenshots` (or `make screenshots`)."""

import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, expect

from tests.house import Gateway, configuration, open_policy, serving, simulated, tenant
from tests.pages.visitor import PHONE, Scheme, Visitor, chromium, visiting

DOCS: Final = Path(__file__).parent.parent.parent / "docs"
_QUOTAS: Final = [
    {"name": "burst", "limit": 5, "per": "second", "burst": 10},
    {"name": "daily", "limit": 1000, "per": "day", "time_zone": "Europe/Kyiv"},
    {"name": "at-once", "limit": 10, "per": "concurrent"},
    {"name": "agent", "limit": 10, "per": "minute", "scope": "user"},
]


def _console(visitor: Visitor, name: str) -> None:
    """A call that was requested, after others."""
    visitor.open("/", name).fill("2125550590").make("Outcome unknown")
    visitor.fill("2125550403").make("Not placed")
    visitor.page.get_by_label("Wait seconds").fill("5")
    visitor.fill("2125550200", caller="2125551234").make("Requested")
    expect(visitor.page.locator("#recent summary")).to_have_count(3)


def _reference(visitor: Visitor, name: str) -> None:
    visitor.open("/docs", name)


def _explorer(visitor: Visitor, name: str) -> None:
    visitor.open("/graphql", name).press("Run")
    expect(visitor.page.locator("#answer")).to_contain_text("REDACTED")
    expect(visitor.page.locator("#type-Query")).to_be_visible()


_PICTURES: Final[dict[str, tuple[Scheme, tuple[int, int]]]] = {
    "console": ("light", (1280, 1500)),
    "console-dark": ("dark", (1280, 1500)),
    "console-phone": ("light", PHONE),
    "reference": ("light", (1280, 900)),
    "explorer": ("dark", (1480, 1200)),
}
"""Name of the picture, which is that of its tenant too -> scheme and size."""


def _take(browser: Browser, gateway: Gateway) -> None:
    acts = {"console": _console, "reference": _reference, "explorer": _explorer}
    for name, (scheme, size) in _PICTURES.items():
        with visiting(browser, gateway.url, size, scheme) as visitor:
            acts[name.partition("-")[0]](visitor, name)
            visitor.page.mouse.move(0, 0)
            visitor.page.evaluate("(document.activeElement.blur(), scrollTo(0, 0))")
            visitor.page.wait_for_timeout(500)  # the meters' transition
            visitor.page.screenshot(path=DOCS / f"{name}.png")


def main() -> None:
    """Serve a gateway over a simulator and take every picture."""
    DOCS.mkdir(exist_ok=True)
    policy = open_policy(max_wait_seconds=30)
    tenants = {name: tenant(name, quotas=_QUOTAS, policy=policy) for name in _PICTURES}
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        with (
            simulated(directory / "dials.jsonl") as simulator,
            serving(directory, configuration(directory, simulator.url, tenants)) as gateway,
            chromium() as browser,
        ):
            _take(browser, gateway)


if __name__ == "__main__":
    main()
