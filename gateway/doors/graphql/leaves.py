"""Values that pass through GraphQL unchanged, in or out, because they are plainly right.

Whatever is not - another type, a number out of range, a word of no enumeration - raises Unplanned:
graphql-core then converts it, or finds the words for what is wrong.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

from graphql import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT, GraphQLEnumType, GraphQLScalarType

Read = Callable[[object], object]
"""Makes of a value what GraphQL makes of it, or raises Unplanned."""


class Unplanned(Exception):  # noqa: N818 - no fault: the matter is left to graphql-core
    """The short way does not know what to make of this."""


def nullable(read: Read) -> Read:
    """The same, and None stays None."""

    def read_or_none(value: object) -> object:
        return None if value is None else read(value)

    return read_or_none


def leaf(kind: object) -> Read:
    """What reads the values of a scalar or an enumeration, and nothing where it does not know the kind."""
    if isinstance(kind, GraphQLScalarType):
        return _SCALARS.get(kind.name, nothing)
    if isinstance(kind, GraphQLEnumType):
        return _word_of(frozenset(name for name, value in kind.values.items() if value.value == name))
    return nothing


@cache
def nullable_leaf(read: Read) -> Read:
    """As `nullable`, made once for each of the few leaves."""
    return nullable(read)


@cache
def _word_of(words: frozenset[str]) -> Read:
    def word(value: object) -> object:
        if type(value) is not str or value not in words:
            raise Unplanned
        return value

    return word


def nothing(_value: object) -> object:
    """Reads no value at all."""
    raise Unplanned


def _text(value: object) -> object:
    if type(value) is not str:
        raise Unplanned
    return value


def _flag(value: object) -> object:
    if type(value) is not bool:
        raise Unplanned
    return value


def _whole(value: object) -> object:
    if type(value) is not int or not GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT:
        raise Unplanned
    return value


_SCALARS: Final[dict[str, Read]] = {
    "Boolean": _flag,
    "DateTime": _text,
    "ID": _text,
    "Int": _whole,
    "String": _text,
}
