"""The short way of an operation: compiled once, and run without graphql-core where all is plainly right.

A plan covers the operations that clients send all day: one field of the root, with variables that need
no conversion. Everything else, and everything that turns out otherwise on the way, is graphql-core's to
run; `tests/graphql/test_plans.py` holds the two to the same bytes.
"""

from collections.abc import Callable
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.pyutils import Undefined

from gateway.doors.graphql.coercion import Coerced, Coercion, InputReaders
from gateway.doors.graphql.completion import TYPENAME, Allowance, Selected, Selection
from gateway.doors.graphql.leaves import Read, Unplanned
from gateway.values import value_class

MAX_PLANS: Final = 8
"""Plans of one operation: one for each way its switches were set."""


@value_class(frozen=True, slots=True)
class Plan:
    """One operation under one setting of its switches. Its field of the root is `name`, shown as `key`;
    `blank` is the data around it."""

    name: str
    key: str
    blank: Selected
    read: Read
    arguments: Callable[[Coerced], Coerced]

    def data(self, value: object) -> Selected | None:
        """The response's data where the field came to `value`; None where graphql-core must tell."""
        found = self.blank.copy()
        try:
            found[self.key] = self.read(value)
        except (Unplanned, KeyError):
            return None
        return found


class Plans:
    """The plans of one valid operation; nothing is compiled before it is needed."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        switches: frozenset[str],
        readers: InputReaders,
        allowance: Allowance,
        max_plans: int,
    ) -> None:
        """`switches` are the variables that directives read."""
        self._schema = schema
        self._document = document
        self._operation = operation
        self._switches = tuple(switches)
        self._readers = readers
        self._allowance = allowance
        self._max_plans = max_plans
        self._coercion: Coercion | None = None
        self._known: dict[tuple[object, ...], Plan | None] = {}

    def ready(self, variables: dict[str, object]) -> tuple[Plan, Coerced] | None:
        """The plan for a request with these variables and the arguments of its field, if there is one."""
        coercion = self._coercion
        if coercion is None:
            coercion = self._coercion = Coercion(self._schema, self._operation, self._readers)
        try:
            coerced = coercion.coerced(variables)
            plan = self._plan(coerced)
            return None if plan is None else (plan, plan.arguments(coerced))
        except (Unplanned, GraphQLError):
            return None

    def _plan(self, coerced: Coerced) -> Plan | None:
        setting = tuple([coerced.get(name, Undefined) for name in self._switches]) if self._switches else ()
        known = self._known.get(setting)
        if known is not None:
            return known
        # A null passes validation where the variable has a default, but can't run.
        if setting in self._known or len(self._known) >= self._max_plans or None in setting:
            return None
        switches = {name: coerced[name] for name in self._switches if name in coerced}
        plan = self._known[setting] = self._compiled(switches)
        return plan

    def _compiled(self, switches: dict[str, object]) -> Plan | None:
        root = self._schema.get_root_type(self._operation.operation)
        if root is None:
            return None
        selection = Selection(self._schema, self._document, self._operation, switches, self._allowance)
        fields = selection.of_root(root)
        asked = [key for key, nodes in fields.items() if nodes[0].node.name.value != TYPENAME]
        if len(asked) != 1:
            return None
        [key] = asked
        node = fields[key][0].node
        field = root.fields.get(node.name.value)
        if field is None:  # introspection
            return None
        read = selection.reader(field.type, fields[key])
        blank: Selected = dict.fromkeys(fields, root.name)
        return Plan(node.name.value, key, blank, read, _arguments(field, node))


def _arguments(field: GraphQLField, node: FieldNode) -> Callable[[Coerced], Coerced]:
    """What makes the field's arguments of coerced variables; raises GraphQLError where they don't fit."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    variables = {name: value.name.value for name, value in given.items() if isinstance(value, VariableNode)}

    def general(coerced: Coerced) -> Coerced:
        return get_argument_values(field, node, VariableValues({}, coerced), hide_suggestions=True)

    def direct(coerced: Coerced) -> Coerced:
        found = {name: coerced.get(variable) for name, variable in variables.items()}
        return general(coerced) if None in found.values() else found

    return direct if variables.keys() == field.args.keys() else general
