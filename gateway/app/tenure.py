"""How long a replaced upstream is still needed."""

import asyncio
from typing import Any, Final


class Tenure:
    """The requests that began while one upstream was in force: each may still dial through it."""

    __slots__ = ("_idle", "_requests")

    def __init__(self) -> None:
        """Starts without requests. For the event loop's thread."""
        self._requests = 0
        self._idle: Final = asyncio.Event()
        self._idle.set()

    async def serve(self, app: Any, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """One request."""
        self._requests += 1
        self._idle.clear()
        try:
            await app(scope, receive, send)
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    async def ended(self) -> None:
        """Wait until no request is left; none must begin any more."""
        await self._idle.wait()


__all__ = ["Tenure"]
