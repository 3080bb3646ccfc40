"""The upstream: credentials, deadline, bulkhead and circuits around the wire."""

from gateway.upstream.circuits import CircuitState, CredentialsCircuit, Passage, TransportCircuit
from gateway.upstream.dial import Attempt, Exchanger, Upstream, stay_alive
from gateway.upstream.pairs import HeldPair, Pairs
from gateway.upstream.slots import Lane, Slot, SlotLimits, Slots

__all__ = [
    "Attempt",
    "CircuitState",
    "CredentialsCircuit",
    "Exchanger",
    "HeldPair",
    "Lane",
    "Pairs",
    "Passage",
    "Slot",
    "SlotLimits",
    "Slots",
    "TransportCircuit",
    "Upstream",
    "stay_alive",
]
