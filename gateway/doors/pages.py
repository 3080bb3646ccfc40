"""The pages and documents that the service ships: offline, no CDN, strict CSP."""

from collections.abc import Iterable
from typing import Final

import orjson

from gateway.doors.exchange import Arrival, Handler, Reply
from gateway.doors.openapi import openapi

_JSON: Final = b"application/json"


class Pages:
    """`/openapi.json` always; `/`, `/docs` and the explorer where the console is on."""

    def __init__(self, *, has_console: bool) -> None:
        """The documents are made once."""
        self._openapi = orjson.dumps(openapi())
        self._has_console = has_console
        self.explorer: bytes | None = None

    def routes(self) -> Iterable[tuple[str, Handler]]:
        """Path and handler of each."""
        yield "/openapi.json", self._document

    async def _document(self, _: Arrival) -> Reply:
        return Reply(200, self._openapi, _JSON, ((b"access-control-allow-origin", b"*"),))
