"""The one thread that touches the embedded store, and how many calls share one sync of its log.

While a transaction commits, the jobs that arrive wait; the next transaction takes them all. Their
answers go back to the event loop together, those that admit once the log is synced. A job that nobody
waits for any more is skipped before it is begun; an admission that came through all the same is undone.
What must not be lost (a settlement, an undoing) is tried again until the store takes it.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Any, Final

import apsw

from gateway.ledger import StoreUnavailable
from gateway.ledger.sqlite.answers import Answer, hand_out, is_worth_another, unsynced
from gateway.ledger.sqlite.books import Books
from gateway.ledger.sqlite.file import connect, identity, moved, trouble
from gateway.ledger.sqlite.job import Job, Weight
from gateway.ledger.sqlite.log import Log

_MOST_AT_ONCE: Final = 256
_MANY: Final = 24
_GATHER_SECONDS: Final = 0.004
"""After so many jobs at once the thread stays away so long: each time that it asks for the interpreter's
lock while the event loop is busy costs both, and the jobs that gather meanwhile share one commit."""

_TICK_SECONDS: Final = 0.5
"""How often what is owed is tried again, and expired rows are taken out."""


class Writer:
    """The thread. `housekeeping` is run in a transaction of its own; true asks for more of it at once."""

    def __init__(
        self, path: Path | None, *, serving: bool, housekeeping: Callable[[Books], bool] | None
    ) -> None:
        self._path = path
        self._serving = serving
        self._housekeeping = housekeeping
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._owed: dict[str, Job] = {}
        self._tick_at = 0.0
        self._identity: tuple[int, int] | None = None
        self._loop: asyncio.AbstractEventLoop
        self._log: Log
        self._runner: threading.Thread | None = None
        self.commits = 0

    async def start(self, first: Callable[[Books], object]) -> None:
        """Open the store, and do `first` in its first transaction. Raises StoreUnavailable."""
        self._loop = asyncio.get_running_loop()
        started: Future[None] = Future()
        self._runner = threading.Thread(target=self._main, args=(first, started), name="ledger", daemon=True)
        self._runner.start()
        try:
            await asyncio.wrap_future(started)
        except StoreUnavailable:
            self._runner = None
            raise

    async def stop(self) -> None:
        """Do what is queued, try once more what is owed, close the store."""
        thread, self._runner = self._runner, None
        if thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(thread.join)

    @property
    def debts(self) -> int:
        """What the store has not taken yet."""
        return len(self._owed)

    @property
    def is_running(self) -> bool:
        """Whether jobs are taken."""
        return self._runner is not None

    def put(self, job: Job) -> None:
        """Hand in a job; from the event loop's thread."""
        self._queue.put(job)

    def _main(self, first: Callable[[Books], object], started: "Future[None]") -> None:
        try:
            connection = connect(self._path, serving=self._serving)
        except StoreUnavailable as refusal:
            started.set_exception(refusal)
            return
        try:
            books = Books(connection)
            self._identity = identity(self._path)
            try:
                self._log = self._opened(books, first)
            except StoreUnavailable as unopened:
                started.set_exception(unopened)
                return
            started.set_result(None)
            while self._turn(books):
                pass
            self._log.close()
        finally:
            connection.close()

    def _opened(self, books: Books, first: Callable[[Books], object]) -> Log:
        """The log, when what is to be done first is done, and on the disk. Raises StoreUnavailable."""
        try:
            self._transact(books, [first], Weight.SETTLE if self._serving else Weight.READ)
        except apsw.Error as error:
            raise trouble(self._path, error) from error
        log = Log(books.connection, self._path, is_behind=self._serving)
        log.sync()
        return log

    def _turn(self, books: Books) -> bool:
        jobs, is_over = self._take()
        if jobs:
            self._answer(self._attempt(books, jobs))
        if len(jobs) >= _MANY and not is_over:
            sleep(_GATHER_SECONDS)
        if is_over or monotonic() >= self._tick_at:
            self._tick(books)
        return not is_over

    def _take(self) -> tuple[list[Job], bool]:
        jobs: list[Job] = []
        try:
            job = self._queue.get(timeout=max(0.0, self._tick_at - monotonic()))
            while job is not None:
                jobs.append(job)
                if len(jobs) == _MOST_AT_ONCE:
                    return jobs, False
                job = self._queue.get_nowait()
        except Empty:
            return jobs, False
        return jobs, True

    def _tick(self, books: Books) -> None:
        self._tick_at = monotonic() + _TICK_SECONDS
        owed, self._owed = self._owed, {}
        if owed:
            self._answer(self._attempt(books, [*owed.values()]))
        if not self._log.is_sound:
            self._log.mend()
        if self._housekeeping is not None and not self._owed:
            try:
                (more,) = self._transact(books, [self._housekeeping], Weight.SETTLE)
            except (apsw.Error, StoreUnavailable):
                return  # whoever admits or settles next is told
            if more:
                self._tick_at = monotonic()

    def _answer(self, answers: list[Answer]) -> None:
        at_once = [answer for answer in answers if answer.waits_for_no_sync]
        if at_once:
            self._deliver(at_once)
        if len(at_once) < len(answers):
            self._deliver(self._synced([answer for answer in answers if not answer.waits_for_no_sync]))

    def _synced(self, admits: list[Answer]) -> list[Answer]:
        try:
            self._log.sync()
        except StoreUnavailable as refusal:
            return [unsynced(answer, refusal, self._owe) for answer in admits]
        return admits

    def _owe(self, job: Job) -> None:
        """Done at the end of this turn, the last one too, and again until the store takes it."""
        self._owed[job.debt or ""] = job
        self._tick_at = 0.0

    def _attempt(self, books: Books, jobs: list[Job], *, is_careful: bool = False) -> list[Answer]:
        weight = max((job.weight for job in jobs), default=Weight.READ)
        try:
            results = self._transact(
                books, [job.perform for job in jobs], weight, jobs, is_careful=is_careful
            )
        except Exception as error:  # noqa: BLE001 - the thread's outermost handler: every job is answered
            if not is_careful and is_worth_another(error, jobs):
                return [answer for job in jobs for answer in self._attempt(books, [job], is_careful=True)]
            return [self._failed(job, error) for job in jobs]
        return [
            Answer(job, None, result) if isinstance(result, StoreUnavailable) else Answer(job, result)
            for job, result in zip(jobs, results, strict=True)
        ]

    def _failed(self, job: Job, error: Exception) -> Answer:
        if job.debt is not None and isinstance(error, apsw.Error | StoreUnavailable):
            self._owed.setdefault(job.debt, job)
        return Answer(job, None, trouble(self._path, error) if isinstance(error, apsw.Error) else error)

    def _transact(
        self,
        books: Books,
        works: Sequence[Callable[[Books], Any]],
        weight: Weight,
        jobs: Sequence[Job] = (),
        *,
        is_careful: bool = False,
    ) -> list[Any]:
        if weight is not Weight.READ and identity(self._path) != self._identity:
            raise moved(self._path)
        execute = books.connection.execute
        execute("BEGIN" if weight is Weight.READ else "BEGIN IMMEDIATE")
        try:
            if not self._serving:
                books.distrust()
            books.begin(is_careful=is_careful)
            books.look_up([job.key for job in jobs if job.key is not None])
            books.load([key for job in jobs for key in job.counters])
            results = [_done(work, books) for work in works]
            has_written = False
            if weight is not Weight.READ:
                if books.has_admitted:
                    self._log.expect_sound()
                has_written = books.write()
            execute("COMMIT")
        except BaseException:
            books.distrust()
            if books.connection.in_transaction:
                execute("ROLLBACK")
            raise
        self.commits += 1
        if has_written and weight is Weight.ADMIT:
            self._log.is_behind = True
        return results

    def _deliver(self, answers: list[Answer]) -> None:
        try:
            self._loop.call_soon_threadsafe(hand_out, answers, self.put)
        except RuntimeError:
            # The loop is closed: nobody waits, and what was admitted is found in progress at the next start.
            return


def _done(work: Callable[[Books], Any], books: Books) -> Any:  # noqa: ANN401 - whatever the job answers
    try:
        return work(books)
    except StoreUnavailable as refusal:  # of this job alone, which has changed nothing
        return refusal


__all__ = ["Writer"]
