"""Why a request's variables do not fit, in words that name places and never repeat values.

graphql-core's own messages quote what was sent: telephone numbers, keys, whole inputs.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    type_from_ast,
)
from graphql.pyutils import Undefined, did_you_mean, suggestion_list
from graphql.utilities import coerce_input_value

_MAX_NAME: Final = 64


def variable_faults(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    values: dict[str, object],
    *,
    limit: int,
    suggests: bool,
) -> list[str]:
    """At most `limit` sentences on the variables of a valid operation that could not be coerced."""
    return list(islice(_faults(schema, operation, values, suggests=suggests), limit))


def _faults(
    schema: GraphQLSchema, operation: OperationDefinitionNode, values: dict[str, object], *, suggests: bool
) -> Iterator[str]:
    for definition in operation.variable_definitions or ():
        kind = type_from_ast(schema, definition.type)
        name = definition.variable.name.value
        if kind is None:  # a valid operation has only input types
            continue
        if name in values:
            yield from _value_faults(values[name], kind, f"${name}", suggests=suggests)  # type: ignore[arg-type]
        elif is_non_null_type(kind) and definition.default_value is None:
            yield f"The variable `${name}` is required."


def _value_faults(value: object, kind: GraphQLInputType, place: str, *, suggests: bool) -> Iterator[str]:
    if is_non_null_type(kind):
        if value is None:
            yield f"`{place}` must not be null."
            return
        kind = kind.of_type
    if value is None:
        return
    if is_input_object_type(kind):
        yield from _object_faults(value, kind, place, suggests=suggests)
    elif is_list_type(kind) or coerce_input_value(value, kind) is Undefined:
        yield f"`{place}` is not a valid {kind}."


def _object_faults(
    value: object, kind: GraphQLInputObjectType, place: str, *, suggests: bool
) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"`{place}` must be an object ({kind.name})."
        return
    for name in value:
        if name not in kind.fields:
            near = _near(name, list(kind.fields), suggests=suggests)
            yield f"`{place}` has no field `{_shown(name)}`.{near}"
    for name, field in kind.fields.items():
        if name in value:
            yield from _value_faults(value[name], field.type, f"{place}.{name}", suggests=suggests)
        elif is_required_input_field(field):
            yield f"`{place}.{name}` is required."


def _near(name: str, known: list[str], *, suggests: bool) -> str:
    return did_you_mean(suggestion_list(name[:_MAX_NAME], known)) if suggests else ""


def _shown(name: str) -> str:
    bounded = name if len(name) <= _MAX_NAME else name[:_MAX_NAME] + "..."
    return bounded.encode("ascii", "backslashreplace").decode()
