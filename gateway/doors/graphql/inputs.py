"""`MakeCallInput`, made from the one parameter table, so that it can't differ from it."""

from enum import Enum
from typing import Annotated, Any, Final

import strawberry

from gateway.call.kinds import Choice, Flag, Kind, Text, Whole
from gateway.call.parameters import GROUPS, PARAMETERS, Parameter

KEY_FIELD: Final = "idempotencyKey"
_GROUP_MEANING: Final = {
    "caller": "The party that is rung first.",
    "callee": "The party that is rung when the caller has answered.",
    "billing": "Who pays for the call.",
}
_KEY_MEANING: Final = (
    "1 to 255 visible ASCII characters; the same key never dials twice. Default: the Idempotency-Key header."
)


def _limits_of(kind: Kind) -> str:
    if isinstance(kind, Text):
        wide = f" ({kind.wide_characters} where the type allows)" if kind.wide_characters else ""
        return f"1 to {kind.max_length} characters of {kind.characters}{wide}."
    if isinstance(kind, Whole):
        return f"From {kind.minimum} to {kind.maximum}."
    return ""


def _description(parameter: Parameter) -> str:
    parts = [parameter.meaning, _limits_of(parameter.kind)]
    if parameter.default is not None:
        default = parameter.default
        parts.append(f"Default: {str(default).lower() if isinstance(default, bool) else default}.")
    return " ".join(part for part in parts if part)


def _scalar(parameter: Parameter) -> Any:  # noqa: ANN401 - a type, chosen by the table
    kind = parameter.kind
    if isinstance(kind, Choice):
        group = parameter.path[0].capitalize() if parameter.path[-1] == "type" else ""
        name = group + parameter.path[-1][0].upper() + parameter.path[-1][1:]
        words: Any = Enum(name, [(word, word) for word in kind.words])  # type: ignore[misc]
        return strawberry.enum(words, description=parameter.meaning)
    return bool if isinstance(kind, Flag) else int if isinstance(kind, Whole) else str


def _input(name: str, fields: list[tuple[str, Any, str, bool]], description: str) -> type:
    """A Strawberry input type of (public name, type, description, is required)."""
    annotations = {
        public: Annotated[kind if required else kind | None, strawberry.field(name=public, description=says)]
        for public, kind, says, required in fields
    }
    optional = {public: strawberry.UNSET for public, _, _, required in fields if not required}
    shape = type(name, (), {"__annotations__": annotations, **optional, "__module__": __name__})
    return strawberry.input(shape, description=description)


def _group(group: str) -> tuple[str, Any, str, bool]:
    rows = [p for p in PARAMETERS if p.path[0] == group]
    fields = [(p.path[-1], _scalar(p), _description(p), p.required) for p in rows]
    shape = _input(f"{group.capitalize()}Input", fields, _GROUP_MEANING[group])
    return group, shape, _GROUP_MEANING[group], any(p.required for p in rows)


def make_call_input() -> type:
    """The whole input: the groups, the parameters that stand alone, and the idempotency key."""
    alone = [(p.path[0], _scalar(p), _description(p), False) for p in PARAMETERS if len(p.path) == 1]
    key = (KEY_FIELD, str, _KEY_MEANING, False)
    fields = [*(_group(group) for group in GROUPS), *alone, key]
    return _input("MakeCallInput", fields, "One call to make.")
