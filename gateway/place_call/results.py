"""What `PlaceCall` answers: values that each door gives its own form."""

from typing import Literal

from gateway.access import Principal
from gateway.call import CallRecord, CallRequest
from gateway.errors import Problem, Refusal
from gateway.ledger import QuotaState
from gateway.legacy import UpstreamRequest
from gateway.telemetry.accounts import CallAccount, TraceIds
from gateway.values import value_class


@value_class(frozen=True, slots=True)
class Asked:
    """One request to make a call, as a door read it.

    `key` is the idempotency key as it was sent, None without one; `call` the validated request or
    every problem of the body; `is_dry_run` holds for a faulty body too.
    """

    principal: Principal
    door: Literal["rest", "graphql"]
    request_id: str
    trace: TraceIds
    key: str | None
    call: CallRequest | tuple[Problem, ...]
    is_dry_run: bool = False


@value_class(frozen=True, slots=True)
class Requested:
    """The upstream said that it placed the call, now or (replayed) at the first try."""

    record: CallRecord
    is_replayed: bool


@value_class(frozen=True, slots=True)
class Translated:
    """A dry run: what would have been sent, credentials redacted."""

    upstream_request: UpstreamRequest


@value_class(frozen=True, slots=True)
class Refused:
    """Every error. `record` is the call's record, where one was made or found."""

    refusal: Refusal
    record: CallRecord | None = None
    is_replayed: bool = False


Result = Requested | Translated | Refused


@value_class(frozen=True, slots=True)
class Placed:
    """The result, the quotas as they stand (None where the ledger was not asked), and the account."""

    result: Result
    quotas: tuple[QuotaState, ...] | None
    account: CallAccount
