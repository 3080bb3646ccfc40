"""Coercion of variables that are plainly right, to exactly what graphql-core makes of them."""

from typing import cast

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    is_non_null_type,
    is_required_input_field,
    type_from_ast,
)
from graphql.pyutils import Undefined
from graphql.utilities import coerce_input_literal

from gateway.doors.graphql.leaves import Read, Unplanned, leaf, nothing, nullable

Coerced = dict[str, object]


class InputReaders:
    """What reads the values of a schema's input types; each is made once, for all operations."""

    def __init__(self) -> None:
        """Knows no type yet."""
        self._known: dict[str, Read] = {}

    def reader(self, kind: GraphQLInputType) -> Read:
        """What reads the values of a type."""
        name = str(kind)
        if name not in self._known:
            self._known[name] = self._made(kind)
        return self._known[name]

    def _made(self, kind: GraphQLInputType) -> Read:
        if not is_non_null_type(kind):
            return nullable(self._solid(kind))
        return self._solid(kind.of_type)

    def _solid(self, kind: object) -> Read:
        return self._object(kind) if isinstance(kind, GraphQLInputObjectType) else leaf(kind)

    def _object(self, kind: GraphQLInputObjectType) -> Read:
        fields = kind.fields
        if any(f.default is not None or f.default_value is not Undefined for f in fields.values()):
            return nothing  # our schema has none
        known = {name: (place, self.reader(field.type)) for place, (name, field) in enumerate(fields.items())}
        required = frozenset(name for name, field in fields.items() if is_required_input_field(field))

        def read(value: object) -> object:
            if type(value) is not dict or not required <= value.keys():
                raise Unplanned
            found: Coerced = {}
            last, is_ordered = -1, True
            for name, given in value.items():
                entry = known.get(name)
                if entry is None:
                    raise Unplanned
                place, read_field = entry
                if place < last:
                    is_ordered = False
                last = place
                found[name] = read_field(given)
            # As graphql-core does: the schema's order, in which problems are told.
            return found if is_ordered else {name: found[name] for name in known if name in found}

        return read


class Coercion:
    """The variables of one valid operation."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, readers: InputReaders
    ) -> None:
        """Finds what reads each variable."""
        self._reads: dict[str, Read] = {}
        self._defaults: Coerced = {}
        self._required: set[str] = set()
        for definition in operation.variable_definitions or ():
            name = definition.variable.name.value
            kind = cast("GraphQLInputType", type_from_ast(schema, definition.type))
            self._reads[name] = readers.reader(kind)
            if definition.default_value is not None:
                self._defaults[name] = coerce_input_literal(definition.default_value, kind)
            elif is_non_null_type(kind):
                self._required.add(name)

    def coerced(self, values: dict[str, object]) -> Coerced:
        """The variables' values, without those that have none; raises Unplanned."""
        if not self._required <= values.keys():
            raise Unplanned
        coerced = {name: read(values[name]) for name, read in self._reads.items() if name in values}
        return {**self._defaults, **coerced} if self._defaults else coerced
