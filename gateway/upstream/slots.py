"""The bulkhead: how many calls may be on the wire at once, in all, waiting, and for each tenant.

Nothing queues: past a limit the answer is OVERLOADED at once. Consumption survives a reload.
"""

from typing import Final, Literal

from gateway.values import value_class

Lane = Literal["now", "waiting"]


@value_class(frozen=True, slots=True)
class SlotLimits:
    """Calls per process: in all, of those with a wait or delay, and of one tenant."""

    total: int
    waiting: int
    per_tenant: int


class Slot:
    """One place on the wire; `release` may be called once or more and frees it once."""

    __slots__ = ("_slots", "is_waiting", "tenant")

    def __init__(self, slots: "Slots", tenant: str, *, is_waiting: bool) -> None:
        self._slots: Slots | None = slots
        self.tenant: Final = tenant
        self.is_waiting: Final = is_waiting

    def release(self) -> None:
        """Gives the place back."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.free(self)


class Slots:
    """Counts the places that are taken."""

    def __init__(self, limits: SlotLimits) -> None:
        """`limits` may be replaced while calls are in flight."""
        self.limits = limits
        self._waiting = 0
        self._total = 0
        self._by_tenant: dict[str, int] = {}

    def in_flight(self, lane: Lane) -> int:
        """Calls on the wire now."""
        return self._waiting if lane == "waiting" else self._total - self._waiting

    def limit(self, lane: Lane) -> int:
        """Calls that the lane may hold beside those of the other lane: at this many the next is refused.

        The lanes share the places, so a limit that left the other lane out would never be reached by
        calls of both kinds, though all are refused.
        """
        limits = self.limits
        if lane == "now":
            return max(0, limits.total - self._waiting)
        return max(0, min(limits.waiting, limits.total - self.in_flight("now")))

    def reserve(self, tenant: str, *, is_waiting: bool) -> Slot | tuple[str, ...]:
        """A place; or the limits that leave none, as the configuration says them."""
        limits, taken = self.limits, self._by_tenant.get(tenant, 0)
        if (
            self._total >= limits.total
            or (is_waiting and self._waiting >= limits.waiting)
            or taken >= limits.per_tenant
        ):
            return self._reached(taken, is_waiting=is_waiting)
        self._total += 1
        self._waiting += is_waiting
        self._by_tenant[tenant] = taken + 1
        return Slot(self, tenant, is_waiting=is_waiting)

    def _reached(self, taken: int, *, is_waiting: bool) -> tuple[str, ...]:
        limits = self.limits
        bounds = (
            ("max_in_flight", limits.total, self._total),
            ("max_in_flight_waiting", limits.waiting, self._waiting if is_waiting else -1),
            ("max_in_flight_per_tenant", limits.per_tenant, taken),
        )
        return tuple(f"upstream.{key}: {bound}" for key, bound, held in bounds if held >= bound)

    def free(self, slot: Slot) -> None:
        """Called by the slot."""
        self._total -= 1
        self._waiting -= slot.is_waiting
        left = self._by_tenant[slot.tenant] - 1
        if left:
            self._by_tenant[slot.tenant] = left
        else:
            del self._by_tenant[slot.tenant]
