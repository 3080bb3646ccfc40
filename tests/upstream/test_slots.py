"""The bulkhead: three limits at once, against a plain count."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream import Slot, SlotLimits, Slots

LIMITS = SlotLimits(total=5, waiting=3, per_tenant=2)
STEPS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.booleans(), st.booleans()), max_size=60)


@given(STEPS)
def test_slots_are_counted_exactly(steps):
    """A place is given exactly where none of the three limits is reached, every release frees one, and a
    lane is at its limit exactly where it refuses whoever asks."""
    slots, held = Slots(LIMITS), []
    for tenant, is_waiting, is_release in steps:
        if is_release and held:
            slot = held.pop(len(held) // 2)
            slot.release()
            slot.release()
        else:
            has_room = (
                len(held) < LIMITS.total
                and not (is_waiting and sum(s.is_waiting for s in held) >= LIMITS.waiting)
                and sum(s.tenant == tenant for s in held) < LIMITS.per_tenant
            )
            slot = slots.reserve(tenant, is_waiting=is_waiting)
            assert isinstance(slot, Slot) is has_room
            if isinstance(slot, Slot):
                held.append(slot)
        waiting = sum(s.is_waiting for s in held)
        assert (slots.in_flight("waiting"), slots.in_flight("now")) == (waiting, len(held) - waiting)
        assert _full(slots) == _refused(slots)


def _full(slots: Slots) -> list[bool]:
    return [slots.in_flight(lane) >= slots.limit(lane) for lane in ("now", "waiting")]


def _refused(slots: Slots) -> list[bool]:
    """Whether each lane refuses a tenant that has no call yet."""
    tried = []
    for is_waiting in (False, True):
        slot = slots.reserve("nobody", is_waiting=is_waiting)
        tried.append(not isinstance(slot, Slot))
        if isinstance(slot, Slot):
            slot.release()
    return tried


def test_limits_may_shrink_under_calls_in_flight():
    """A reload takes nobody's place; the new limit holds for the next ones."""
    slots = Slots(LIMITS)
    held = [slots.reserve(tenant, is_waiting=False) for tenant in "abc"]
    slots.limits = SlotLimits(total=2, waiting=2, per_tenant=2)
    assert slots.reserve("d", is_waiting=False) == ("upstream.max_in_flight: 2",)
    assert slots.reserve("d", is_waiting=True) == ("upstream.max_in_flight: 2",)
    assert (slots.limit("now"), slots.limit("waiting")) == (2, 0)
    for slot in held[:2]:
        assert isinstance(slot, Slot)
        slot.release()
    assert isinstance(slots.reserve("d", is_waiting=False), Slot)
