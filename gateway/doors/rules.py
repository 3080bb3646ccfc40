"""What the configuration in force says of a request: who may ask, and how calls are made.

A reload replaces the rules in one step. A request whose body is still coming began under the old ones
and must not outlive them: the doors ask again before they act, and start over where the rules changed.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

from gateway.access import Access, Denied, Principal
from gateway.doors.exchange import Arrival
from gateway.errors import Refusal
from gateway.place_call import Asked, Placed
from gateway.values import value_class


@value_class(frozen=True, slots=True)
class Rules:
    """One configuration's askers and calls; identity tells one configuration from the next. Who may make
    no calls does not come to `place`: `turned_away` hears of it."""

    access: Access
    place: Callable[[Asked], Awaitable[Placed]]
    turned_away: Callable[[Asked, Refusal], None]
    callee_types: tuple[str, ...]


InForce = Callable[[], Rules]
"""The rules as they are now."""


@value_class(frozen=True, slots=True)
class Asker:
    """A principal and the rules it was known by."""

    rules: Rules
    principal: Principal

    def turned_away(self, door: Literal["rest", "graphql"], arrival: Arrival, refusal: Refusal) -> None:
        """Tell that a call was refused for who asked for it, before anything of it was read."""
        asked = Asked(self.principal, door, arrival.request_id, arrival.trace, None, ())
        self.rules.turned_away(asked, refusal)


async def asker_of(in_force: InForce, arrival: Arrival) -> Asker | Denied:
    """Who sent the request, by the rules in force."""
    rules = in_force()
    principal = await rules.access.authenticate(arrival.headers.get(b"authorization"))
    return principal if isinstance(principal, Denied) else Asker(rules, principal)
