"""The bulkhead: three limits at once, against a plain count."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream import SlotLimits, Slots

LIMITS = SlotLimits(total=5, waiting=3, per_tenant=2)
STEPS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.booleans(), st.booleans()), max_size=60)


@given(STEPS)
def test_slots_are_counted_exactly(steps):
    """A place is given exactly where none of the three limits is reached, and every release frees one."""
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
            assert (slot is not None) is has_room
            if slot is not None:
                held.append(slot)
        waiting = sum(s.is_waiting for s in held)
        assert (slots.in_flight("waiting"), slots.in_flight("now")) == (waiting, len(held) - waiting)


def test_limits_may_shrink_under_calls_in_flight():
    """A reload takes nobody's place; the new limit holds for the next ones."""
    slots = Slots(LIMITS)
    held = [slots.reserve(tenant, is_waiting=False) for tenant in "abc"]
    slots.limits = SlotLimits(total=2, waiting=2, per_tenant=2)
    assert slots.reserve("d", is_waiting=False) is None
    for slot in held[:2]:
        assert slot is not None
        slot.release()
    assert slots.reserve("d", is_waiting=False) is not None
