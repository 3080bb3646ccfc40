"""Completion of values by a selection that was collected once: what graphql-core makes of them, sooner.

graphql-core collects the fields (fragments, type conditions, aliases, merging, @skip and @include), so
that which fields are shown, and in which order, is decided by the same code on either way.
"""

from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from gateway.doors.graphql.leaves import Read, Unplanned, leaf, nothing, nullable, nullable_leaf

Selected = dict[str, object]
TYPENAME = "__typename"


class Allowance:
    """How much may still be compiled of one document, so that it can't take more room than it is charged
    for: a fragment on an interface is compiled anew for each type, and for each setting of the switches."""

    def __init__(self, fields: int) -> None:
        """Fields are counted once for each type that they are selected on."""
        self._left = fields

    def take(self, fields: int) -> bool:
        """Whether so many more are allowed, which are then taken."""
        if fields > self._left:
            return False
        self._left -= fields
        return True


class Selection:
    """What one operation selects while its switches stand as they stand."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        switches: Mapping[str, object],
        allowance: Allowance,
    ) -> None:
        """`switches` are the variables that directives read, and no others: their values are kept."""
        self._schema = schema
        self._operation = operation
        self._allowance = allowance
        self._switches = VariableValues({}, dict(switches))
        self._fragments = {
            node.name.value: FragmentDetails(node)
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def of_root(self, root: GraphQLObjectType) -> GroupedFieldSet:
        """The fields of the operation itself, by response key."""
        return collect_fields(
            self._schema, self._fragments, self._switches, root, self._operation
        ).grouped_field_set

    def reader(self, kind: GraphQLOutputType, nodes: FieldDetailsList) -> Read:
        """What completes the values of a field that is selected by `nodes`."""
        if is_non_null_type(kind):
            return self._solid(kind.of_type, nodes)
        if is_leaf_type(kind):
            return nullable_leaf(leaf(kind))
        return nullable(self._solid(kind, nodes))

    def _solid(self, kind: object, nodes: FieldDetailsList) -> Read:
        if isinstance(kind, GraphQLObjectType):
            return self._object(kind, nodes)
        if isinstance(kind, GraphQLUnionType):
            return self._union(kind, nodes)
        if is_list_type(kind):
            return _list(self.reader(kind.of_type, nodes))
        return leaf(kind)

    def _object(self, kind: GraphQLObjectType, nodes: FieldDetailsList) -> Read:
        # Every key in its place, with the values that do not depend on the object.
        blank: Selected = {}
        reads: list[tuple[str, str, Read]] = []
        fields = collect_subfields(
            self._schema, self._fragments, self._switches, self._operation, kind, nodes
        ).grouped_field_set
        if not self._allowance.take(1 + len(fields)):
            return nothing
        for key, inner in fields.items():
            name = inner[0].node.name.value
            blank[key] = kind.name
            if name != TYPENAME:
                reads.append((key, name, self.reader(kind.fields[name].type, inner)))

        def read(source: object) -> object:
            if type(source) is not dict:
                raise Unplanned
            found = blank.copy()
            for key, name, read_field in reads:
                found[key] = read_field(source[name])
            return found

        return read

    def _union(self, kind: GraphQLUnionType, nodes: FieldDetailsList) -> Read:
        members = {member.name: member for member in kind.types}
        reads: dict[str, Read] = {}

        def read(value: object) -> object:
            if type(value) is not dict:
                raise Unplanned
            name = value[TYPENAME]
            known = reads.get(name)
            if known is None:  # most operations meet few of a union's members
                known = reads[name] = self._object(members[name], nodes)
            return known(value)

        return read


def _list(read: Read) -> Read:
    def read_list(value: object) -> object:
        if type(value) is not list:
            raise Unplanned
        return [read(item) for item in value]

    return read_list
