"""What requests have in common that are counted alike: their series are looked up once for each shape."""

from typing import Final, NamedTuple, TypeVar

from gateway.telemetry.accounts import RequestAccount
from gateway.telemetry.histograms import Series
from gateway.telemetry.tallies import Tally


class RequestSeries(NamedTuple):
    """Where requests of one shape are counted; `overhead` is None where none of them is a call's."""

    duration: Series
    tallies: tuple[Tally, ...]
    overhead: Series | None


RequestShape = tuple[str | int | bool | None, ...]
AnswerShape = tuple[str | int | bool | None, ...]
"""All that the labels are made of, as it is told."""

_MOST_SHAPES: Final = 32_768
"""Methods and body codes come from outside, so shapes without end could; then memory starts anew. Each of ten
thousand tenants has one or two, a few hundred bytes each."""

S = TypeVar("S")
T = TypeVar("T")


def shape_of(account: RequestAccount) -> RequestShape:
    """What decides the labels of a request."""
    method, route, status, door = account.method, account.route, account.status, account.door
    told = (method, route, status, door, account.tenant, account.error_code, account.graphql_operation_type)
    call = account.call
    if call is None:
        return told
    is_sent = call.upstream is not None and call.upstream.is_sent
    return (*told, call.outcome, call.is_replayed, is_sent, call.client_wait_seconds > 0)


def kept(memory: dict[S, T], shape: S, made: T) -> T:
    """Remember what was made for a shape."""
    if len(memory) >= _MOST_SHAPES:
        memory.clear()
    memory[shape] = made
    return made
