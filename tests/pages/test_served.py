"""What the pages are served as, and that they need nobody else."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import gateway.doors
from tests.house import Gateway, configuration, serving, tenant

ASSETS = Path(gateway.doors.__file__).parent / "assets"
PAGES = ("/", "/docs", "/graphql")
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}


def _serving(tmp_path_factory: pytest.TempPathFactory, name: str, **more: object) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp(name)
    nowhere = "http://127.0.0.1:9"
    settings = configuration(directory, nowhere, {"acme": tenant("acme")}, **more)
    with serving(directory, settings) as served:
        yield served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with its pages."""
    yield from _serving(tmp_path_factory, "on")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with `console: false`."""
    yield from _serving(tmp_path_factory, "off", console=False)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_html_under_a_strict_policy(served: Gateway, path: str) -> None:
    """The three pages are HTML that may load and ask its own origin only, and stand in no frame."""
    page = served.client.get(path, headers=BROWSER)
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert set(page.headers["Content-Security-Policy"].split("; ")) == POLICY
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Request-ID"]


@pytest.mark.parametrize("path", PAGES)
def test_everything_a_page_names_is_there(served: Gateway, path: str) -> None:
    """Each script, style, icon and link of a page is an address of the gateway that answers."""
    page = served.client.get(path, headers=BROWSER).text
    named = set(re.findall(r'(?:src|href)="([^"#]+)"', page))
    assert any(name.endswith(".js") for name in named)
    for name in named:
        assert name.startswith("/")
        assert served.client.get(name, headers=BROWSER).status_code == 200, name
    assert "<style" not in page
    assert "style=" not in page
    assert not re.search(r"\son[a-z]+=", page)


def test_assets_come_as_what_they_are(served: Gateway) -> None:
    """Scripts, styles and the icon have their media types, or `nosniff` would refuse them."""
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for file in ASSETS.iterdir():
        kind = file.suffix.removeprefix(".")
        if kind in types:
            answer = served.client.get(f"/assets/{file.name}")
            assert answer.headers["Content-Type"].partition(";")[0] == types[kind], file.name
            assert answer.content == file.read_bytes()


@pytest.mark.parametrize("name", ["console.html", "nothing.js", "..%2fpages.py", "", "pages.py"])
def test_nothing_else_is_an_asset(served: Gateway, name: str) -> None:
    """Only the listed kinds of files of that folder are served."""
    assert served.client.get(f"/assets/{name}").status_code == 404


def test_assets_name_no_other_host() -> None:
    """No file that is shipped names an address outside the gateway."""
    for file in ASSETS.iterdir():
        hosts = set(re.findall(r"https?://([a-z0-9.-]+)", file.read_text()))
        assert hosts <= {"www.w3.org"}, file.name  # the SVG namespace, which nobody loads


def test_a_head_of_a_page_has_its_headers_only(served: Gateway) -> None:
    """HEAD answers as GET does, without the body."""
    head, get = served.client.head("/"), served.client.get("/")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Length"] == str(len(get.content))


def test_graphql_clients_never_get_the_page(served: Gateway) -> None:
    """GET /graphql is the explorer only for who prefers HTML."""
    for accept in ("application/json", "application/graphql-response+json", "*/*"):
        answer = served.client.get("/graphql", headers={"Accept": accept})
        assert answer.status_code == 401
        assert "json" in answer.headers["Content-Type"]


@pytest.mark.parametrize("path", ["/", "/docs", "/assets/base.css", "/assets/console.js"])
def test_the_console_can_be_off(closed: Gateway, path: str) -> None:
    """With `console: false` no page is served, but the OpenAPI document is."""
    answer = closed.client.get(path, headers=BROWSER)
    assert answer.status_code == 404
    assert answer.json()["code"] == "NOT_FOUND"
    assert closed.client.get("/openapi.json").json()["openapi"] == "3.1.0"


def test_the_explorer_is_off_with_the_console(closed: Gateway) -> None:
    """A browser at /graphql is then answered as any client is."""
    answer: httpx.Response = closed.client.get("/graphql", headers=BROWSER)
    assert "json" in answer.headers["Content-Type"]
