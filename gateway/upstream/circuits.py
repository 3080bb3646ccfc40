"""The two circuits of the contract's promise 9.

`transport` opens on consecutive failures to connect and half-opens by connecting, never by dialling.
`credentials:<name>` opens on three 401s in a row for one named pair; it closes when the pair changes
and lets one call through every 30 seconds.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from gateway.upstream.reasons import Reasons
from gateway.values import value_class
from gateway.wire import WireFault

CircuitState = Literal["closed", "open", "half_open"]

REJECTIONS_TO_OPEN: Final = 3
TRIAL_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


@value_class(frozen=True, slots=True)
class Passage:
    """Leave to dial, or (`retry_after_seconds`) how long until the next call may try."""

    retry_after_seconds: int | None
    is_trial: bool = False


PASS: Final = Passage(None)


def _whole_seconds(seconds: float) -> int:
    return max(1, math.ceil(seconds))


class TransportCircuit:
    """Counts consecutive failures to connect. `failures` None: the circuit is off."""

    def __init__(
        self,
        *,
        failures: int | None,
        open_seconds: float,
        probe: Callable[[], Awaitable[WireFault | None]],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`probe` tells why no connection could be made, or None; `clock` is monotonic seconds."""
        self._threshold = failures
        self._open_seconds = open_seconds
        self._probe = probe
        self._clock = clock
        self._sleep = sleep
        self._failures = 0
        self._reasons = Reasons(clock)
        self._open_until: float | None = None
        self._is_probing = False
        self._prober: asyncio.Task[None] | None = None

    @property
    def state(self) -> CircuitState:
        """As the metric shows it."""
        if self._open_until is None:
            return "closed"
        return "half_open" if self._is_probing else "open"

    def retry_after_seconds(self) -> int | None:
        """None where calls may pass, else whole seconds until the next probe."""
        if self._open_until is None:
            return None
        return _whole_seconds(self._open_until - self._clock())

    def connected(self) -> None:
        """A connection could be made, or was still good."""
        if self._failures:  # on every call's path: else there is nothing to mend
            self._mended()

    def _mended(self) -> None:
        self._failures = 0
        self._reasons.works()
        if self._open_until is not None:
            self._open_until = None
            _log.warning("circuit transport closed: a connection could be made")

    def failed_to_connect(self, fault: WireFault) -> None:
        """A connection could not be made."""
        self._failures += 1
        self._reasons.failed(fault)
        if self._threshold is None or self._failures < self._threshold or self._open_until is not None:
            return
        self._open_until = self._clock() + self._open_seconds
        _log.error("circuit transport opened (%s): %s", fault.error_type.value, fault.reason)
        self._prober = asyncio.get_running_loop().create_task(self._half_open())

    async def _half_open(self) -> None:
        while self._open_until is not None:
            await self._sleep(self._open_until - self._clock())
            self._is_probing = True
            try:
                fault = await self._probe()
            except Exception:  # noqa: BLE001 - outermost: a defect must not leave the circuit open for ever
                _log.exception("the transport circuit's probe met a defect")
                self._wait_again()
            else:
                self._probed(fault)
            finally:
                self._is_probing = False

    def _probed(self, fault: WireFault | None) -> None:
        if fault is None:
            self.connected()
        else:
            self._reasons.failed(fault)
            self._wait_again()

    def _wait_again(self) -> None:
        if self._open_until is not None:
            self._open_until = self._clock() + self._open_seconds

    def close(self) -> None:
        """Stops probing."""
        if self._prober is not None:
            self._prober.cancel()


class CredentialsCircuit:
    """One named pair's circuit. Time is the injected monotonic clock's seconds."""

    def __init__(self, name: str, clock: Callable[[], float], *, is_on: bool = True) -> None:
        """Starts closed. With `is_on` False it never opens. `name` is the pair's."""
        self._name = name
        self._clock = clock
        self._is_on = is_on
        self._rejections = 0
        self._next_trial_at: float | None = None

    @property
    def state(self) -> CircuitState:
        """As the metric shows it."""
        if self._next_trial_at is None:
            return "closed"
        return "half_open" if self._clock() >= self._next_trial_at else "open"

    def take(self) -> "Passage":
        """Whether this call may pass; a due trial is then taken and must be dialled or given back."""
        if self._next_trial_at is None:
            return PASS
        now = self._clock()
        if now < self._next_trial_at:
            return Passage(_whole_seconds(self._next_trial_at - now))
        self._next_trial_at = now + TRIAL_SECONDS
        return Passage(None, is_trial=True)

    def give_back(self, passage: "Passage") -> None:
        """The call was not dialled after all: where it held the trial, the next one may try."""
        if passage.is_trial and self._next_trial_at is not None:
            self._next_trial_at = self._clock()

    def rejected(self) -> None:
        """The upstream answered 401 to the current pair."""
        self._rejections += 1
        if self._is_on and self._rejections >= REJECTIONS_TO_OPEN and self._next_trial_at is None:
            self._next_trial_at = self._clock() + TRIAL_SECONDS
            _log.error(
                "circuit credentials:%s opened: the upstream rejected the pair (401) %d times in a row",
                *(self._name, self._rejections),
            )

    def accepted(self) -> None:
        """The upstream answered anything that takes the pair for good, or the pair was changed."""
        if not self._rejections:  # on every call's path: else there is nothing to mend
            return
        self._rejections = 0
        if self._next_trial_at is not None:
            self._next_trial_at = None
            _log.warning("circuit credentials:%s closed: the pair was accepted, or changed", self._name)
