"""What was asked for and what was answered, so that the dial ledger can be held against it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.house import Answer

RELEASED = frozenset({"0401", "0402"})
"""After these the key is free, so each try may dial once more."""
REFUSED_UPSTREAM = frozenset(
    {"INVALID_INPUT", "RATE_PLAN_FORBIDS", "UPSTREAM_CREDENTIALS_REJECTED", "UPSTREAM_ROLE_FORBIDS"}
)
"""Not placed, or rejected, and dialled all the same: the upstream itself said no."""


@dataclass
class Order:
    """One call that somebody wants, under a callee's number that no other order has."""

    tenant: str
    digits: str
    body: dict[str, Any]
    key: str | None = None
    is_for_nothing: bool = False
    tries: int = 0
    told: list[Answer] = field(default_factory=list)

    @property
    def callee(self) -> str:
        number: str = self.body["callee"]["number"]
        return number

    def faults(self, dials: int) -> Iterable[str]:
        """What is wrong with that many dials, in the report's words."""
        most = 0 if self.is_for_nothing else self.tries if self.digits in RELEASED else 1
        if dials > most:
            yield "dialled without leave" if most == 0 else "dialled twice"
        if dials == 0 and any(_is_requested(answer) for answer in self.told):
            yield "told requested, never dialled"
        # A later try of a key may be told of an earlier one's dial, so only a single try tells for certain.
        if dials and self.tries == len(self.told) == 1 and _is_not_dialled(self.told[0]):
            yield "told not placed, but dialled"


def _is_requested(answer: Answer) -> bool:
    return answer.call is not None and answer.call["status"] == "REQUESTED"


def _is_not_dialled(answer: Answer) -> bool:
    return answer.call_state == "NOT_PLACED" and answer.code not in REFUSED_UPSTREAM


FAULTS = (
    "dialled twice",
    "dialled without leave",
    "told requested, never dialled",
    "told not placed, but dialled",
    "dialled, never asked for",
)


def compare(orders: Iterable[Order], dialled: Iterable[str]) -> Counter[str]:
    """How often each fault occurs; `dialled` is the callee of each dial."""
    dials = Counter(dialled)
    found: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
    for order in orders:
        found.update(order.faults(dials.pop(order.callee, 0)))
    found["dialled, never asked for"] = dials.total()
    return found
