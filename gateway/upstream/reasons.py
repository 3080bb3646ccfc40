"""Why connections to the upstream fail, for the log: each kind once until one works again."""

import logging
from collections.abc import Callable
from typing import Final

from gateway.wire import WireFault

QUIET_SECONDS: Final = 60.0
"""An upstream whose connections fail now and then tells a kind no oftener than this."""

_log = logging.getLogger(__name__)


class Reasons:
    """What was told. Nothing here is asked while connections work."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` is monotonic seconds."""
        self._clock = clock
        self._told: set[str] = set()
        self._quiet_until: dict[str, float] = {}

    def failed(self, fault: WireFault) -> None:
        """A connection could not be made."""
        kind, now = fault.error_type.value, self._clock()
        if kind in self._told or now < self._quiet_until.get(kind, now):
            return
        self._told.add(kind)
        self._quiet_until[kind] = now + QUIET_SECONDS
        _log.warning("no connection to the upstream (%s): %s", kind, fault.reason)

    def works(self) -> None:
        """A connection could be made."""
        self._told.clear()


__all__ = ["QUIET_SECONDS", "Reasons"]
