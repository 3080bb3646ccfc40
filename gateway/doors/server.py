"""The public server: uvicorn with the bounded protocol. The signals stay with the one place that drains."""

import logging
import socket
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import uvicorn

from gateway.doors.bounds import Bounds, Terms
from gateway.doors.exchange import Direct
from gateway.doors.protocol import Connection

__all__ = ["Server", "server_of"]


class Server(uvicorn.Server):
    """uvicorn's server, which leaves the signals to the one place that drains."""

    def __init__(self, config: uvicorn.Config, terms: Terms) -> None:
        """`terms` are those of the connections that `config` makes."""
        super().__init__(config)
        self._terms = terms

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Capture none."""
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. Raises OSError, where uvicorn logs it and ends the process."""
        logger = logging.getLogger("uvicorn.error")
        logger.disabled, before = True, logger.disabled
        try:
            await super().startup(sockets)
        except SystemExit as ended:
            raise ended.__context__ if isinstance(ended.__context__, OSError) else OSError() from None
        finally:
            logger.disabled = before

    def keep_to(self, bounds: Bounds, grace_seconds: float) -> None:
        """Other bounds and another grace, for the connections that are open too."""
        self._terms.bounds = bounds
        self.config.timeout_graceful_shutdown = _patience_seconds(grace_seconds)

    def hang_up(self) -> None:
        """End the connections that are open, each with the answer that is due, and go on listening."""
        for connection in list(self.server_state.connections):
            connection.shutdown()

    def end_within(self, grace_seconds: float) -> None:
        """Close the doors, and end when the requests under way are answered or that time is over."""
        self.config.timeout_graceful_shutdown = _patience_seconds(grace_seconds)
        self.should_exit = True


def _patience_seconds(grace_seconds: float) -> int:
    """After the grace every call is settled; what is left is telling whoever waits."""
    return int(grace_seconds) + 1


def server_of(
    app: Any,  # noqa: ANN401
    host: str,
    port: int,
    *,
    grace_seconds: float,
    bounds: Bounds,
    direct: Direct | None = None,
) -> Server:
    """A server, not yet started, for an ASGI application, and for what is answered without it."""
    terms = Terms(bounds, direct)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=partial(Connection, terms=terms),  # type: ignore[arg-type]
        interface="asgi3",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_patience_seconds(grace_seconds),
        backlog=4096,
    )
    return Server(config, terms)
