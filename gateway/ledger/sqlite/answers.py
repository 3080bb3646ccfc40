"""What a transaction's jobs are told, and when: those that admit once the log is synced."""

from collections.abc import Callable
from typing import Any, NamedTuple

import apsw

from gateway.ledger import StoreUnavailable
from gateway.ledger.sqlite.job import Job, Weight


class Answer(NamedTuple):
    """What became of a job: its result, or why there is none."""

    job: Job
    result: Any
    error: BaseException | None = None

    @property
    def waits_for_no_sync(self) -> bool:
        """Whether it may be told before the log is synced: nothing that was admitted hangs on it."""
        return self.job.weight is not Weight.ADMIT or self.error is not None


def is_worth_another(error: Exception, jobs: list[Job]) -> bool:
    """Whether the jobs of a transaction that failed are to be done one by one: one of many may be to
    blame, or replays may still be read where nothing can be written, or an id was there before."""
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return False
    return len(jobs) > 1 or isinstance(error, apsw.ConstraintError)


def unsynced(answer: Answer, refusal: StoreUnavailable, owe: Callable[[Job], None]) -> Answer:
    """What to tell where the sync failed. What was admitted is undone by a job that is owed; what was
    only told (a replay, a quota that is used up) stands."""
    job, result, _ = answer
    undoing = None if job.undo is None else job.undo(result)
    if undoing is not None:
        owe(undoing)
    return answer if undoing is None and job.undo is not None else Answer(job, None, refusal)


def hand_out(answers: list[Answer], put: Callable[[Job], None]) -> None:
    """Tell whoever waits, on the event loop; an admission that nobody waits for is undone."""
    for job, result, error in answers:
        if job.future is not None and not job.future.done():
            if error is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(error)
        elif error is None and job.undo is not None:
            undoing = job.undo(result)
            if undoing is not None:
                put(undoing)


__all__ = ["Answer", "hand_out", "is_worth_another", "unsynced"]
