"""The pages and documents that the service ships: offline, no CDN, strict CSP.

`/openapi.json` is always there; the console at `/`, the reference at `/docs`, the explorer that
GraphQL's address gives to browsers, and what the three load, where the console is on.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

import orjson

from gateway.doors.exchange import Arrival, Handler, Header, Reply
from gateway.doors.openapi import openapi
from gateway.doors.problems import problem_reply
from gateway.errors import Code, refuse

_JSON: Final = b"application/json"
_HTML: Final = b"text/html; charset=utf-8"
_MEDIA_TYPES: Final = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}
_ASSETS: Final = "/assets/"

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    b"form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
PAGE_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-security-policy", _POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)
"""What every page is sent with: its own scripts and styles only, its own origin only, in no frame."""


class Pages:
    """`explorer` is the page for GraphQL's address; None where the console is off."""

    def __init__(self, *, has_console: bool) -> None:
        """The files are read once, at the first start."""
        self._openapi = orjson.dumps(openapi())
        self._has_console = has_console
        self.explorer: bytes | None = _shipped()["explorer.html"] if has_console else None

    def routes(self) -> Iterable[tuple[str, Handler]]:
        """Path and handler of each; the assets are `patterns`."""
        yield "/openapi.json", self._document
        if self._has_console:
            yield "/", _page("console.html")
            yield "/docs", _page("docs.html")

    def patterns(self) -> Iterable[tuple[str, Handler]]:
        """Path pattern and handler of each."""
        if self._has_console:
            yield _ASSETS + "{name}", _asset

    async def _document(self, _: Arrival) -> Reply:
        return Reply(200, self._openapi, _JSON, ((b"access-control-allow-origin", b"*"),))


@cache
def _shipped() -> dict[str, bytes]:
    """Every file of the package's `assets`, by its name."""
    return {file.name: file.read_bytes() for file in (files(__package__) / "assets").iterdir()}


def _page(name: str) -> Handler:
    reply = Reply(200, _shipped()[name], _HTML, PAGE_HEADERS)

    async def page(_: Arrival) -> Reply:
        return reply

    return page


async def _asset(arrival: Arrival) -> Reply:
    name = arrival.path.removeprefix(_ASSETS)
    media_type = _MEDIA_TYPES.get(name.rpartition(".")[2])
    content = _shipped().get(name)
    if media_type is None or content is None:
        return problem_reply(refuse(Code.NOT_FOUND, "There is no such file."), arrival)
    return Reply(200, content, media_type, PAGE_HEADERS)
