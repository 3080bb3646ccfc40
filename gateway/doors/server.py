"""The public server: uvicorn with the bounded protocol. The signals stay with the one place that drains."""

import logging
import socket
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import uvicorn

from gateway.doors.protocol import KEEP_ALIVE_SECONDS, BoundedProtocol, Bounds, bounded

__all__ = ["Bounds", "Server", "server_of"]


class Server(uvicorn.Server):
    """uvicorn's server, which leaves the signals to the one place that drains."""

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
        protocol = self.config.http
        if isinstance(protocol, type) and issubclass(protocol, BoundedProtocol):
            protocol.bounds = bounds
        self.config.timeout_graceful_shutdown = _patience_seconds(grace_seconds)


def _patience_seconds(grace_seconds: float) -> int:
    """After the grace every call is settled; what is left is telling whoever waits."""
    return int(grace_seconds) + 1


def server_of(app: Any, host: str, port: int, *, grace_seconds: float, bounds: Bounds) -> Server:  # noqa: ANN401
    """A server, not yet started, for an ASGI application."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=bounded(bounds),
        interface="asgi3",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_patience_seconds(grace_seconds),
        backlog=4096,
    )
    return Server(config)
