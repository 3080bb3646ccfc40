"""One piece of work for the writer thread."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Any

from gateway.ledger.sqlite.books import Books, TenantKey
from gateway.ledger.sqlite.leases import CounterKey


class Weight(IntEnum):
    """What a job asks of the disk."""

    READ = auto()
    SETTLE = auto()  # lost with the machine's power, it is an unknown record: no sync of its own
    ADMIT = auto()  # synced before it is answered


@dataclass(slots=True, eq=False)
class Job:
    """One piece of work for the thread. `future` belongs to the event loop, None where nobody waits;
    `undo` makes the job that undoes a result which came too late (None: of a job that was skipped); `key`
    is the idempotency key that it will look up, `counters` are those that it will read. A job with a
    `debt` is done though nobody waits, and tried again until it is; of two with the same debt one is
    enough."""

    run: Callable[[Books], Any]
    weight: Weight
    future: "asyncio.Future[Any] | None"
    debt: str | None = None
    undo: "Callable[[Any], Job | None] | None" = None
    key: TenantKey | None = None
    counters: Sequence[CounterKey] = ()

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for its answer."""
        return self.future is None or self.future.done()

    def perform(self, books: Books) -> Any:  # noqa: ANN401 - whatever the job answers
        """Do the work, unless nobody waits for it any more."""
        # Reading `done` off its thread is safe: a job that is given up just now is undone later.
        return self.run(books) if self.debt is not None or not self.is_given_up else None


__all__ = ["Job", "Weight"]
