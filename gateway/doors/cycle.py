"""One request that goes the ASGI way: uvicorn's cycle, as a connection of ours begins and feeds it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.doors.exchange import Header
from gateway.doors.heads import Head

_log = logging.getLogger("uvicorn.error")


class Cycle(RequestResponseCycle):
    """A request being answered, whose body may still be coming."""

    def __init__(
        self,
        head: Head,
        surroundings: dict[str, Any],
        transport: asyncio.Transport,
        flow: FlowControl,
        default_headers: list[Header],
        on_response: Callable[[], None],
    ) -> None:
        """`surroundings` are the members of the scope that the head does not tell."""
        super().__init__(
            scope={**surroundings, "state": surroundings["state"].copy(), **_told(head)},  # type: ignore[typeddict-item]
            transport=transport,
            flow=flow,
            logger=_log,
            access_logger=_log,
            access_log=False,
            default_headers=default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=head.expects_continue,
            keep_alive=head.keep_alive,
            on_response=on_response,
        )

    def feed(self, body: bytes) -> None:
        """A part of the body."""
        if not self.response_complete:
            self.body += body
            if len(self.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            self.message_event.set()

    def end(self) -> None:
        """The body is whole."""
        if not self.response_complete:
            self.more_body = False
            self.message_event.set()

    def hang_up(self) -> None:
        """The client is gone, or must not be answered any more."""
        self.disconnected = True
        self.message_event.set()


def surroundings_of(
    config: Config,
    app_state: dict[str, Any],
    scheme: str,
    server: tuple[str, int | None] | None,
    client: tuple[str, int] | None,
) -> dict[str, Any]:
    """The members of a scope that are the same for all requests of a connection (ASGI HTTP 2.3)."""
    return {
        "type": "http",
        "asgi": {"version": config.asgi_version, "spec_version": "2.3"},
        "server": server,
        "client": client,
        "scheme": scheme,
        "root_path": config.root_path,
        "state": app_state,
    }


def _told(head: Head) -> dict[str, Any]:
    return {
        "http_version": head.version,
        "method": head.method,
        "path": head.path,
        "raw_path": head.raw_path,
        "query_string": head.query,
        "headers": head.fields,
    }


__all__ = ["Cycle", "surroundings_of"]
