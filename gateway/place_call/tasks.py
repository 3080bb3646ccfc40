"""The registry of calls under way: each runs in a task of its own, so that neither a client that
hangs up nor a handler that is cancelled can lose an outcome; shutdown drains it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_log = logging.getLogger(__name__)


class CallTasks:
    """Tasks from admission to settlement."""

    def __init__(self) -> None:
        """Starts empty."""
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """How many calls are under way."""
        return len(self._running)

    async def run(self, work: Coroutine[Any, Any, T], *, finally_: Callable[[], None]) -> T:
        """Run to the end whatever happens to the one who waits; `finally_` is called when it has ended."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        self._running.add(task)
        # As asyncio.shield does, in one callback for three.
        heard: asyncio.Future[T] = loop.create_future()

        def ended(done: asyncio.Task[T]) -> None:
            self._running.discard(done)
            finally_()
            if done.cancelled():
                heard.cancel()
            elif (fault := done.exception()) is None:
                if not heard.done():
                    heard.set_result(done.result())
            elif heard.done():
                _log.error("a call that nobody waits for met a defect", exc_info=fault)
            else:
                heard.set_exception(fault)

        task.add_done_callback(ended)
        return await heard

    async def ended(self) -> None:
        """Wait for the calls that are under way now; later ones don't matter."""
        if self._running:
            await asyncio.wait(tuple(self._running))

    async def drain(self, grace_seconds: float) -> None:
        """Wait for every call; what is on the wire after the grace is cut off and settles as unknown."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=grace_seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=5)
