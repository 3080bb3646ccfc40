"""From what the ledger decided, or a call came to, to the result that the doors answer."""

from dataclasses import replace
from typing import Final, assert_never

from gateway.call import CallRecord, Status, refusal_of
from gateway.errors import CallState, Code, Refusal, refuse
from gateway.ledger import Admitted, Decision, Exceeded, Known
from gateway.ledger import Refused as StillRefused
from gateway.place_call.results import Refused, Requested, Result

IN_PROGRESS_RETRY_SECONDS: Final = 1


def answer(record: CallRecord, *, is_replayed: bool) -> Result:
    """The answer of a settled record; a replay gives the first answer again."""
    if record.status is Status.REQUESTED:
        return Requested(record, is_replayed)
    return Refused(refusal_of(record.outcome, record.call_id), record, is_replayed)


def decided(decision: Decision | None, refusal: Refusal | None) -> Result:
    """The answer of everything but an admission; `refusal` is the verdict that was handed in."""
    match decision:
        case Known():
            return _known(decision)
        case Exceeded():
            return Refused(_exceeded(decision))
        case StillRefused() | None:
            # Without a verdict there is always a decision, and a ledger refuses only what was refused.
            return Refused(refusal or defect(None))
        case Admitted():
            raise AssertionError("an admitted call is dialled, not refused")
        case _:
            assert_never(decision)


def _known(known: Known) -> Result:
    record = known.record
    if not known.is_same_input:
        detail = (
            "This idempotency key was used for another input; send the same input for the same call, "
            "and a new key for a new one."
        )
        return Refused(refuse(Code.IDEMPOTENCY_KEY_REUSED, detail), record)
    if record.status is Status.IN_PROGRESS:
        detail = "The call of this idempotency key is still being made; retry with the same key."
        retry = IN_PROGRESS_RETRY_SECONDS
        return Refused(
            refuse(Code.CALL_IN_PROGRESS, detail, retry_after_seconds=retry, call_id=record.call_id), record
        )
    return answer(record, is_replayed=True)


def _exceeded(exceeded: Exceeded) -> Refusal:
    names = ", ".join(exceeded.violated)
    noun = "quota" if len(exceeded.violated) == 1 else "quotas"
    return refuse(
        Code.QUOTA_EXCEEDED,
        f"The {noun} {names} left no room for this call; nothing was spent. Retry after the time given.",
        violated_policies=exceeded.violated,
        retry_after_seconds=exceeded.retry_after_seconds,
    )


def defect(call_id: str | None) -> Refusal:
    """500; once a record exists a byte may have left, so the call's state is unknown."""
    detail = "The gateway met a defect of its own; tell the operators the request id."
    refusal = refuse(Code.INTERNAL, detail, call_id=call_id)
    return refusal if call_id is None else replace(refusal, call_state=CallState.UNKNOWN)
