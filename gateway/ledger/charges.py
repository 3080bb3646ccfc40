"""What a call was charged on, as records keep it on either store."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import orjson

from gateway.ledger import Limit, Per, Scope
from gateway.ledger.quota import rule_of


class Charge(NamedTuple):
    """One quota that a call was charged on; whose counter it is, the record tells.

    `unit_us` and `refill` are the rule's; older records have none.
    """

    quota: str
    scope: Scope
    is_concurrent: bool
    unit_us: int = 0
    refill: int = 0


def charges_of(limits: Iterable[Limit]) -> tuple[Charge, ...]:
    """What a call under these limits is charged."""
    return tuple(
        Charge(limit.name, limit.scope, limit.per is Per.CONCURRENT, rule.unit_us, rule.refill)
        for limit, rule in ((limit, rule_of(limit)) for limit in limits)
    )


def write_charges(charges: Iterable[Charge]) -> str:
    """Charges as a record and a spool keep them."""
    return orjson.dumps([tuple(charge) for charge in charges]).decode()


@lru_cache(maxsize=4096)
def read_charges(written: str) -> tuple[Charge, ...]:
    """What `write_charges` wrote. Raises ValueError."""
    return tuple(Charge(quota, Scope(scope), *rest) for quota, scope, *rest in orjson.loads(written))


__all__ = ["Charge", "charges_of", "read_charges", "write_charges"]
