"""How long a replaced upstream is still needed."""

import asyncio
from typing import Final


class Tenure:
    """The requests that began while one upstream was in force: each may still dial through it."""

    __slots__ = ("_idle", "_requests")

    def __init__(self) -> None:
        """Starts without requests. For the event loop's thread."""
        self._requests = 0
        self._idle: Final = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        """One more request; `end` must follow."""
        self._requests += 1
        self._idle.clear()

    def end(self) -> None:
        """One of them is answered."""
        self._requests -= 1
        if not self._requests:
            self._idle.set()

    async def ended(self) -> None:
        """Wait until no request is left; none must begin any more."""
        await self._idle.wait()


__all__ = ["Tenure"]
