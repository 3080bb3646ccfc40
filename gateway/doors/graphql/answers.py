"""From what a call came to, to the member of `MakeCallResult` that tells it."""

from typing import Final

from gateway.doors.views import call_view
from gateway.errors import Member, Refusal
from gateway.place_call import Refused, Requested, Result, Translated

Answer = dict[str, object]
"""A member's fields by their public names, and `__typename`."""

_HAS_PROBLEMS: Final = frozenset({Member.INVALID_CALL_INPUT, Member.CALL_NOT_PERMITTED})
_SHORTEST_RETRY_SECONDS: Final = 1


class RefusedAtTop(Exception):  # noqa: N818 - carries a refusal through the executor to the top level
    """A refusal that has no place among the members, or was met by a query."""

    def __init__(self, refusal: Refusal) -> None:
        """`refusal` becomes one of the answer's `errors`."""
        super().__init__(refusal.code.value)
        self.refusal = refusal


def answer_of(result: Result, request_id: str) -> Answer:
    """The member of a result; raises RefusedAtTop for codes that are told at the top level."""
    if isinstance(result, Requested):
        call = call_view(result.record)
        return {"__typename": "CallRequested", "call": call, "replayed": result.is_replayed}
    if isinstance(result, Translated):
        sent = result.upstream_request
        shown = {"method": sent.method, "path": sent.path, "query": sent.query, "body": sent.body}
        return {"__typename": "CallTranslated", "upstreamRequest": shown}
    return _error_of(result, request_id)


def error_of(refusal: Refusal, request_id: str) -> Answer:
    """The member of a refusal that left no record."""
    return _error_of(Refused(refusal), request_id)


def _error_of(refused: Refused, request_id: str) -> Answer:
    refusal = refused.refusal
    entry = refusal.entry
    if entry.member is Member.TOP_LEVEL:
        raise RefusedAtTop(refusal)
    answer: Answer = {
        "__typename": entry.member.value,
        "code": refusal.code.value,
        "message": refusal.detail,
        "retryable": entry.retryable,
        "callState": refusal.call_state.value,
        "requestId": request_id,
        "retryAfterSeconds": refusal.retry_after_seconds,
    }
    if entry.member in _HAS_PROBLEMS:
        answer["problems"] = [
            {"pointer": p.pointer, "code": p.code.value, "detail": p.detail} for p in refusal.problems
        ]
    elif entry.member is Member.CALL_QUOTA_EXCEEDED:
        answer["violatedPolicies"] = list(refusal.violated_policies)
        answer["retryAfterSeconds"] = refusal.retry_after_seconds or _SHORTEST_RETRY_SECONDS
    elif entry.member is Member.CALL_OUTCOME_UNKNOWN:
        answer["call"] = None if refused.record is None else call_view(refused.record)
    return answer
