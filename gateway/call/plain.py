"""Values that are plainly good, told apart at once; what these rules don't take has its fault sought."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from gateway.call.kinds import Flag, Text, Whole
from gateway.call.parameters import GROUPS, PARAMETERS, Parameter


class Rule(NamedTuple):
    """A parameter's field, and whether a value is plainly good, so that no fault need be sought."""

    field: str
    takes: Callable[[Any], bool]


def rule_of(parameter: Parameter) -> Rule:
    kind = parameter.kind
    if isinstance(kind, Text):
        matches = (kind.wide_pattern or kind.pattern).fullmatch
        return Rule(parameter.field, lambda given: type(given) is str and matches(given) is not None)
    if isinstance(kind, Flag):
        return Rule(parameter.field, lambda given: given is True or given is False)
    if isinstance(kind, Whole):
        low, high = kind.minimum, kind.maximum
        return Rule(parameter.field, lambda given: type(given) is int and low <= given <= high)
    words = frozenset(kind.words)
    return Rule(parameter.field, lambda given: type(given) is str and given in words)


RULES: Final[dict[str, Rule | dict[str, Rule]]] = {
    **{group: {p.path[1]: rule_of(p) for p in PARAMETERS if p.path[0] == group} for group in GROUPS},
    **{p.path[0]: rule_of(p) for p in PARAMETERS if len(p.path) == 1},
}
"""By public name; a group's by the names inside."""
