"""The credentials that only the service holds: named pairs, each replaced as a whole.

A pair is encoded once, when it is read; what is kept for the hot path has no readable repr.
"""

from collections.abc import Callable, Iterable
from typing import Final

from gateway.legacy import with_credentials
from gateway.settings.credentials import Pair
from gateway.upstream.circuits import CredentialsCircuit


class HeldPair:
    """One version of a named pair, ready for the wire."""

    __slots__ = ("name", "pair", "prefix")

    def __init__(self, name: str, pair: Pair, joint: str) -> None:
        """`joint` is what separates parameters."""
        self.name: Final = name
        self.pair: Final = pair
        self.prefix: Final = with_credentials(pair, "", joint)

    def __repr__(self) -> str:
        """Tells the name only."""
        return f"HeldPair({self.name})"


class Pairs:
    """The pairs by name, and a circuit for each."""

    def __init__(
        self,
        pairs: Iterable[tuple[str, Pair]],
        joint: str,
        clock: Callable[[], float],
        *,
        has_circuits: bool = True,
    ) -> None:
        """`clock` is monotonic seconds."""
        self._joint = joint
        self._held = {name: HeldPair(name, pair, joint) for name, pair in pairs}
        self.circuits = {name: CredentialsCircuit(name, clock, is_on=has_circuits) for name in self._held}

    def current(self, name: str) -> HeldPair:
        """The pair that new calls are made with; calls in flight keep theirs."""
        return self._held[name]

    def holds(self, name: str, pair: Pair) -> bool:
        """Whether this very pair is the one that new calls are made with."""
        held = self._held.get(name)
        return held is not None and held.pair == pair

    def replace(self, name: str, pair: Pair) -> bool:
        """Take a pair that was read anew; whether it differs. A changed pair closes its circuit."""
        if self.holds(name, pair):
            return False
        self._held[name] = HeldPair(name, pair, self._joint)
        self.circuits[name].accepted()
        return True
