"""Serving many tenants of one store, of whose servers some may be away."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from gateway.ledger import StoreUnavailable

MOST_FAILURES: Final = 8
"""So many tenants in a row that fail end a round. Where half of a cluster is away, one round in 256 ends
early by chance; a store that is wholly away is asked so often and no more. So many errands of one tenant that
meet a defect end its turn, too."""


class Turns:
    """Whose turn it is: a tenant that failed comes last in the next round, so that those who can be served
    are, and all get their try however short the rounds are."""

    def __init__(self) -> None:
        """Nobody has failed yet."""
        self._failed: dict[str, None] = {}

    async def each(
        self, tenants: Iterable[str], serve: Callable[[str], Awaitable[None]]
    ) -> StoreUnavailable | None:
        """One round; its first fault, or None. `serve` raises StoreUnavailable for a tenant whose turn is
        over for this round."""
        named = dict.fromkeys(tenants)
        self._failed = {tenant: None for tenant in self._failed if tenant in named}
        order = [tenant for tenant in named if tenant not in self._failed]
        order += self._failed
        first: StoreUnavailable | None = None
        in_a_row = 0
        for tenant in order:
            try:
                await serve(tenant)
            except StoreUnavailable as fault:
                first = first or fault
                self._failed.pop(tenant, None)
                self._failed[tenant] = None
                in_a_row += 1
                if in_a_row == MOST_FAILURES:
                    break
            else:
                self._failed.pop(tenant, None)
                in_a_row = 0
        return first


__all__ = ["MOST_FAILURES", "Turns"]
