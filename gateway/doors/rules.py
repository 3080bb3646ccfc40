"""What the configuration in force says of a request: who may ask, and how calls are made.

A reload replaces the rules in one step. A request whose body is still coming began under the old ones
and must not outlive them: the doors ask again before they act, and start over where the rules changed.
"""

from collections.abc import Awaitable, Callable

from gateway.access import Access, Denied, Principal
from gateway.doors.exchange import Arrival
from gateway.place_call import Asked, Placed
from gateway.values import value_class


@value_class(frozen=True, slots=True)
class Rules:
    """One configuration's askers and calls; identity tells one configuration from the next."""

    access: Access
    place: Callable[[Asked], Awaitable[Placed]]
    callee_types: tuple[str, ...]


InForce = Callable[[], Rules]
"""The rules as they are now."""


@value_class(frozen=True, slots=True)
class Asker:
    """A principal and the rules it was known by."""

    rules: Rules
    principal: Principal


async def asker_of(in_force: InForce, arrival: Arrival) -> Asker | Denied:
    """Who sent the request, by the rules in force."""
    rules = in_force()
    principal = await rules.access.authenticate(arrival.headers.get(b"authorization"))
    return principal if isinstance(principal, Denied) else Asker(rules, principal)
