"""Running one operation, the short way or on graphql-core, and telling how its fields fared."""

import logging
from collections.abc import Awaitable
from dataclasses import replace
from types import CoroutineType
from typing import Final, TypeGuard, cast

from graphql import ExecutionResult, GraphQLError, GraphQLSchema
from graphql.execution import Executor

from gateway.doors.graphql.answers import RefusedAtTop
from gateway.doors.graphql.coercion import Coerced
from gateway.doors.graphql.completion import Selected
from gateway.doors.graphql.documents import MAX_ERRORS, Operation, Rejected, rejected
from gateway.doors.graphql.forms import Error, Form
from gateway.doors.graphql.plans import Plan
from gateway.doors.graphql.resolvers import ROOTS
from gateway.doors.graphql.turn import Settled, Turn
from gateway.doors.graphql.variables import variable_faults
from gateway.errors import CallState, Code, Refusal, refuse

_DEFECT: Final = "The gateway met a defect of its own; tell the operators the request id."
_log = logging.getLogger(__name__)

Prepared = Executor[None]


def prepare(
    schema: GraphQLSchema, operation: Operation, variables: dict[str, object], turn: Turn, *, suggests: bool
) -> Prepared | Rejected:
    """The operation with its variables coerced, ready to run; or why they do not fit."""
    prepared = Executor.build(
        schema,
        operation.document,
        None,
        turn,
        variables,
        operation.name,
        is_awaitable=_is_coroutine,
        hide_suggestions=True,  # its sentences are not told: `variable_faults` makes ours
        max_coercion_errors=1,
    )
    if isinstance(prepared, list):
        faults = variable_faults(schema, operation.node, variables, limit=MAX_ERRORS, suggests=suggests)
        return rejected("variables", *(faults or ["The variables do not fit the operation."]))
    # A null for a variable with a default passes validation, and would end the operation half way.
    values = prepared.variable_values
    nulls = [n for n in operation.switches if n in values.sources and values.coerced.get(n) is None]
    if nulls:
        return rejected("variables", *(f"`${name}` must not be null in a directive." for name in nulls))
    return prepared


async def run_plan(plan: Plan, arguments: Coerced, turn: Turn) -> Selected | None:
    """The data of a planned operation; None where graphql-core must tell what its field came to."""
    try:
        value = await ROOTS[plan.name](turn, **arguments)
    except Exception as fault:  # noqa: BLE001 - told by graphql-core, like every field's
        turn.settled = Settled(None, fault)
        return None
    data = plan.data(value)
    if data is None:
        turn.settled = Settled(value)
    return data


async def run(prepared: Prepared) -> ExecutionResult:
    """The result of the operation; its fields' errors are in it."""
    result = prepared.execute_operation()
    return cast("ExecutionResult", (await result) if _is_coroutine(result) else result)


def _is_coroutine(value: object) -> TypeGuard[Awaitable[object]]:
    return type(value) is CoroutineType


def told(result: ExecutionResult, turn: Turn, form: Form) -> list[Error]:
    """The errors of a result as the client reads them; `turn.refusals` then holds each of them too."""
    errors: list[Error] = []
    for error in (result.errors or [])[:MAX_ERRORS]:
        refusal = _refusal(error, turn)
        if refusal not in turn.refusals:
            turn.refusals.append(refusal)
        entry = form.error(refusal.code, refusal.detail, refusal.call_state)
        if error.path:
            entry["path"] = error.path
        if error.locations:
            entry["locations"] = [place.formatted for place in error.locations]
        errors.append(entry)
    return errors


def _refusal(error: GraphQLError, turn: Turn) -> Refusal:
    original = error.original_error
    if isinstance(original, RefusedAtTop):
        return original.refusal
    if error.path and error.path[0] not in turn.entered:
        # The field never began: a value inside its arguments was null where it must not be.
        detail = "An argument does not fit its type once the variables are filled in."
        return refuse(Code.MALFORMED_REQUEST, detail)
    # Its text is not told anywhere: it may quote what the client sent.
    _log.error("request %s met a defect: %s", turn.arrival.request_id, type(original or error).__name__)
    refusal = refuse(Code.INTERNAL, _DEFECT)
    return replace(refusal, call_state=CallState.UNKNOWN) if turn.is_asked else refusal
