"""The embedded ledger's verbs: each one a job for the writer thread, with a bound on the wait."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from gateway.call import CallRecord, Outcome, Status
from gateway.ledger import Admitted, Claim, Decision, Limit, Page, QuotaState, Settlement, StoreUnavailable
from gateway.ledger.sqlite import decide
from gateway.ledger.sqlite import settle as settling
from gateway.ledger.sqlite.books import Books, TenantKey
from gateway.ledger.sqlite.cursor import read_cursor
from gateway.ledger.sqlite.file import lock
from gateway.ledger.sqlite.job import Job, Weight
from gateway.ledger.sqlite.leases import CounterKey
from gateway.ledger.sqlite.listing import listed
from gateway.ledger.sqlite.purge import Purge
from gateway.ledger.sqlite.settle import Retention
from gateway.ledger.sqlite.writer import Writer

_WAIT_SECONDS: Final = 0.9
"""A caller hears of a stuck store within a second (contract, section 6, promise 4)."""


class SqliteLedger:
    """`Ledger` over one SQLite file, or in memory where `path` is None.

    `clock` tells microseconds since the epoch and is asked from the writer thread. A ledger that is
    `serving` locks the file against other gateways, and what it finds in progress when it opens
    becomes unknown, because the process that made it is gone. One that is not only reads and
    resolves, beside a gateway that serves.
    """

    is_remote = False

    def __init__(
        self,
        path: Path | None,
        *,
        retention_us: int,
        unknown_retention_us: int,
        clock: Callable[[], int],
        serving: bool = True,
    ) -> None:
        self._path = path
        self._clock = clock
        self._serving = serving
        self._retention = Retention(retention_us, unknown_retention_us)
        self._plans = decide.Plans()
        self._purge = Purge(min(retention_us, unknown_retention_us))
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._lock: int | None = None
        self._found = 0
        self._writer = Writer(path, serving=serving, housekeeping=self._keep_house if serving else None)

    async def open(self) -> None:
        """Lock, open and migrate the file; records in progress become unknown. Raises StoreUnavailable,
        whose text says what is wrong with the file and how to recover."""
        if self._serving and self._path is not None:
            self._lock = lock(self._path)
        try:
            await self._writer.start(self._recover_all if self._serving else lambda _: None)
        except BaseException:
            self._unlock()
            raise

    async def close(self) -> None:
        """Finish what is queued and let go of the file."""
        await self._writer.stop()
        if self._watch is not None:
            self._watch.cancel()
        self._unlock()

    @property
    def debts(self) -> int:
        """Settlements and undoings that the file has not taken yet; each is tried again until it has."""
        return self._writer.debts

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def admit(self, claim: Claim) -> Decision:
        """Decide a call; durable before it returns. An answer that nobody waited for is undone."""
        if not self._serving:
            raise StoreUnavailable("not_serving", "this ledger was opened to read and resolve only")

        plan = self._plans.of(claim.limits)
        keys = decide.keys_of(plan, claim)
        # The slots of concurrent quotas are in memory.
        counters = [key for rule, key in zip(plan.rules, keys, strict=True) if not rule.is_concurrent]

        def run(books: Books) -> Decision:
            return decide.admit(books, claim, plan, keys, self._clock())

        key = None if claim.key is None else (claim.tenant, claim.key)
        decision: Decision = await self._ask(
            run, Weight.ADMIT, undo=self._undoing, key=key, counters=counters
        )
        return decision

    async def settle(
        self, tenant: str, call_id: str, outcome: Outcome, elapsed_us: int, limits: tuple[Limit, ...]
    ) -> Settlement:
        """Write the outcome. Where the store does not take it in time this raises StoreUnavailable, and
        the ledger goes on trying for as long as it is open."""

        plan = self._plans.of(limits)

        def run(books: Books) -> Settlement:
            return settling.settle(
                books, self._retention, tenant, call_id, outcome, elapsed_us, plan, self._clock()
            )

        settlement: Settlement = await self._ask(run, Weight.SETTLE, debt=f"settle {call_id}")
        return settlement

    async def find(self, tenant: str, call_id: str) -> CallRecord | None:
        """The tenant's record of that id."""

        def run(books: Books) -> CallRecord | None:
            row = books.find(call_id, self._clock())
            return row.record if row is not None and row.record.tenant == tenant else None

        record: CallRecord | None = await self._ask(run, Weight.READ)
        return record

    async def find_by_key(self, tenant: str, key: str) -> CallRecord | None:
        """The record that the tenant's idempotency key holds."""

        def run(books: Books) -> CallRecord | None:
            row = books.find_by_key(tenant, key, self._clock())
            return None if row is None else row.record

        record: CallRecord | None = await self._ask(run, Weight.READ)
        return record

    async def list(
        self,
        tenant: str | None,
        *,
        status: Status | None,
        limit: int,
        cursor: str | None,
        since_us: int | None = None,
    ) -> Page:
        """Records newest first, of one tenant or (None) of all. Raises BadCursor."""
        before = None if cursor is None else read_cursor(cursor)

        def run(books: Books) -> Page:
            return listed(books.connection, tenant, status, limit, before, since_us, self._clock())

        page: Page = await self._ask(run, Weight.READ)
        return page

    async def peek(self, tenant: str, subject: str, limits: Sequence[Limit]) -> tuple[QuotaState, ...]:
        """How the quotas stand for one asker; spends nothing."""

        plan = self._plans.of(limits)

        def run(books: Books) -> tuple[QuotaState, ...]:
            return decide.states(books, plan, tenant, subject, None, self._clock())

        told: tuple[QuotaState, ...] = await self._ask(run, Weight.READ)
        return told

    async def resolve(self, call_id: str, outcome: Outcome) -> Settlement | None:
        """An operator's verdict on an unknown record; fsynced."""

        def run(books: Books) -> Settlement | None:
            return settling.resolve(books, self._retention, call_id, outcome, self._clock())

        settlement: Settlement | None = await self._ask(run, Weight.ADMIT)
        return settlement

    async def recover(self) -> int:
        """Turn records in progress past their deadline into unknown; how many, with what `open` found."""

        def run(books: Books) -> int:
            return settling.recover(books, self._retention, self._clock())

        count: int = await self._ask(run, Weight.SETTLE)
        found, self._found = self._found, 0
        return count + found

    async def acknowledge(self) -> None:
        """Nothing to accept: an embedded store is nobody else's."""

    def _recover_all(self, books: Books) -> None:
        self._found = settling.recover(books, self._retention, self._clock(), everything=True)

    def _keep_house(self, books: Books) -> bool:
        books.mark()
        return self._purge.step(books.connection, self._clock())

    def _undoing(self, decision: Decision | None) -> Job | None:
        """What undoes an admission whose answer came too late; None is one that was skipped."""
        if not isinstance(decision, Admitted):
            return None
        call_id = decision.record.call_id
        debt = f"undo {call_id}"
        return Job(lambda books: settling.undo(books, call_id, self._clock()), Weight.SETTLE, None, debt)

    def _ask(
        self,
        run: Callable[[Books], Any],
        weight: Weight,
        *,
        debt: str | None = None,
        undo: Callable[[Decision | None], Job | None] | None = None,
        key: TenantKey | None = None,
        counters: Sequence[CounterKey] = (),
    ) -> "asyncio.Future[Any]":
        """Hand in a job; its answer, or StoreUnavailable in time."""
        if not self._writer.is_running:
            raise StoreUnavailable("closed", "the ledger is not open")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        due = loop.time() + _WAIT_SECONDS
        waiting = self._waiting
        while waiting and waiting[0][1].done():
            waiting.popleft()  # at once: what lingers is walked by every garbage collection
        waiting.append((due, future))
        if self._watch is None:
            self._watch = loop.call_at(due, self._give_up)
        self._writer.put(Job(run, weight, future, debt, undo, key, counters))
        return future

    def _give_up(self) -> None:
        """One timer for all: tell whoever has waited too long, and come again for the next."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        waiting = self._waiting
        while waiting and (waiting[0][0] <= now or waiting[0][1].done()):
            future = waiting.popleft()[1]
            if not future.done():
                future.set_exception(
                    StoreUnavailable("timeout", f"the ledger did not answer within {_WAIT_SECONDS} s")
                )
        self._watch = loop.call_at(waiting[0][0], self._give_up) if waiting else None


__all__ = ["SqliteLedger"]
