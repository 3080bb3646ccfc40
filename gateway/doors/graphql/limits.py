"""What a document may ask for: measured once per document, fragments expanded without being walked twice.

Each fragment is measured once and its measure added wherever it is spread, so that a bomb of
fragments costs one addition per spread, not one per expanded field. Measured before validation,
whose own rules are then safe to run.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from gateway.values import value_class

MAX_CHARACTERS: Final = 15_000
MAX_TOKENS: Final = 1_000
MAX_DEPTH: Final = 10
MAX_FIELDS: Final = 200
MAX_ALIASES: Final = 15
MAX_INTROSPECTION_DEPTH: Final = 20
MAX_INTROSPECTION_FIELDS: Final = 500
MAX_DIRECTIVES: Final = 50
"""Ours: the contract sets no number, and no honest document comes near."""
MAX_ARGUMENTS: Final = 50
"""Ours too: fields of one name are compared in pairs, argument by argument."""

CALL_FIELD: Final = "makeCall"
_INTROSPECTION: Final = frozenset({"__schema", "__type"})
_CEILING: Final = 1_000_000
"""Where counting stops: nested spreads double a count with each level."""


@value_class(frozen=True, slots=True)
class Measure:
    """The size of a selection, fragments expanded. `depth` and `fields` leave the subtrees of
    `__schema` and `__type` out; these have measures of their own."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    arguments: int = 0
    introspection_depth: int = 0
    introspection_fields: int = 0
    calls: int = 0

    def plus(self, other: "Measure") -> "Measure":
        """Both beside each other."""
        return self.joined(other, _added)

    def joined(self, other: "Measure", count: Callable[[int, int], int]) -> "Measure":
        """Both together: depths by the larger, all else by `count`."""
        return Measure(
            max(self.depth, other.depth),
            count(self.fields, other.fields),
            count(self.aliases, other.aliases),
            count(self.directives, other.directives),
            count(self.arguments, other.arguments),
            max(self.introspection_depth, other.introspection_depth),
            count(self.introspection_fields, other.introspection_fields),
            count(self.calls, other.calls),
        )


def _added(one: int, other: int) -> int:
    return min(one + other, _CEILING)


_NOTHING: Final = Measure()
_BREACHES: Final = (
    ("depth", MAX_DEPTH, "is nested deeper than {} fields"),
    ("fields", MAX_FIELDS, "selects more than {} fields"),
    ("aliases", MAX_ALIASES, "uses more than {} aliases"),
    ("directives", MAX_DIRECTIVES, "uses more than {} directives"),
    ("arguments", MAX_ARGUMENTS, "gives more than {} arguments"),
    ("introspection_depth", MAX_INTROSPECTION_DEPTH, "nests introspection deeper than {} fields"),
    ("introspection_fields", MAX_INTROSPECTION_FIELDS, "selects more than {} introspection fields"),
    ("calls", 1, "holds more than {} `makeCall`; send one request for each call"),
)


def measure(document: DocumentNode) -> Measure:
    """The most that any operation or fragment of a parsed document takes, in each respect. A fragment on
    introspection's own types is one of introspection; spread elsewhere it counts as all else there."""
    measured = _Measures(document)
    largest = _NOTHING
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            found = measured.of_definition(definition)
            if isinstance(definition, FragmentDefinitionNode) and _is_introspective(definition):
                found = _introspective(found)
            largest = largest.joined(found, max)
    return largest


def _is_introspective(fragment: FragmentDefinitionNode) -> bool:
    return fragment.type_condition.name.value.startswith("__")


def _introspective(inner: Measure) -> Measure:
    """A selection below `__schema` or `__type`: its depth and fields are introspection's."""
    return replace(
        inner,
        depth=0,
        fields=0,
        introspection_depth=max(inner.depth, inner.introspection_depth),
        introspection_fields=_added(inner.fields, inner.introspection_fields),
    )


def breaches(measured: Measure) -> list[str]:
    """What is too much, in words."""
    return [
        f"An operation {words.format(limit)}."
        for name, limit, words in _BREACHES
        if getattr(measured, name) > limit
    ]


class _Measures:
    """The measures of one document's fragments, each made once. A spread that closes a cycle, or
    names no fragment, measures nothing: validation refuses it."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }
        self._known: dict[str, Measure] = {}

    def of_definition(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> Measure:
        variables = node.variable_definitions or ()
        directives = len(node.directives or ()) + sum(len(v.directives or ()) for v in variables)
        if isinstance(node, FragmentDefinitionNode):
            inner = self._of_fragment(node.name.value)
        else:
            inner = self._of_selections(node.selection_set)
        return replace(inner, directives=inner.directives + directives)

    def _of_fragment(self, name: str) -> Measure:
        known = self._known.get(name)
        if known is not None:
            return known
        fragment = self._fragments.get(name)
        if fragment is None:
            return _NOTHING
        self._known[name] = _NOTHING  # stands while it is being measured, which ends every cycle
        measure = self._known[name] = self._of_selections(fragment.selection_set)
        return measure

    def _of_selections(self, selections: SelectionSetNode) -> Measure:
        total = _NOTHING
        for selection in selections.selections:
            total = total.plus(self._of_selection(selection))
        return total

    def _of_selection(self, node: SelectionNode) -> Measure:
        directives = len(node.directives or ())
        if isinstance(node, FragmentSpreadNode):
            inner = self._of_fragment(node.name.value)
            return replace(inner, directives=inner.directives + directives) if directives else inner
        selection_set: SelectionSetNode | None = getattr(node, "selection_set", None)
        inner = _NOTHING if selection_set is None else self._of_selections(selection_set)
        if isinstance(node, FieldNode):
            inner = _field(node, inner)
        return replace(inner, directives=inner.directives + directives) if directives else inner


def _field(node: FieldNode, inner: Measure) -> Measure:
    name = node.name.value
    is_introspection = name in _INTROSPECTION
    depth = max(inner.depth, inner.introspection_depth) if is_introspection else inner.depth
    measured = replace(
        inner,
        depth=depth + 1,
        fields=inner.fields + 1,
        aliases=inner.aliases + (node.alias is not None),
        arguments=inner.arguments + len(node.arguments or ()),
        calls=inner.calls + (name == CALL_FIELD),
    )
    return _introspective(measured) if is_introspection else measured
