"""Documents, parsed, limited and validated once, by their exact text; refusals are kept too.

Validation is most of an uncached request's cost, so that a client that repeats itself pays for it
once, whether its document is good or bad.
"""

import re
from collections import OrderedDict
from typing import Final

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    validate,
    visit,
)

from gateway.doors.graphql import limits
from gateway.doors.graphql.coercion import InputReaders
from gateway.doors.graphql.completion import Allowance
from gateway.doors.graphql.plans import MAX_PLANS, Plans
from gateway.values import value_class

MAX_ERRORS: Final = 5
MAX_ENTRIES: Final = 512
MAX_BYTES: Final = 16 * 1024 * 1024
_ENTRY_BYTES: Final = 2_000
_TOKEN_BYTES: Final = 1_800
"""What a parsed token and its share of the plans keep alive, by measurement, rounded up; bounds the cache
without weighing it."""
_PLANNED_FIELDS_OF_A_TOKEN: Final = 2
MAX_OPERATION_NAME: Final = 64
_MAX_MESSAGE: Final = 300

# Where graphql-core's messages begin to quote a value, or a token that may be one.
_QUOTED_VALUE: Final = re.compile(r"(?:: |, found|; found| Found:).*", re.DOTALL)
_QUOTED_TOKEN: Final = re.compile(r"""\b(String|BlockString|Int|Float) ['"].*""", re.DOTALL)


@value_class(frozen=True, slots=True)
class Fault:
    """One error of a document: words, and (line, column) pairs."""

    message: str
    locations: tuple[tuple[int, int], ...] = ()


@value_class(frozen=True, slots=True)
class Rejected:
    """Why a request can't run. `reason` is the metric's word."""

    reason: str
    faults: tuple[Fault, ...]


def rejected(reason: str, *sentences: str) -> Rejected:
    """A refusal in sentences of our own, of which the first MAX_ERRORS are told."""
    return Rejected(reason, tuple(Fault(sentence) for sentence in sentences[:MAX_ERRORS]))


@value_class(frozen=True, slots=True)
class Operation:
    """One operation that may run. `switches` are the variables that its directives read, `plans` its
    short ways."""

    document: DocumentNode
    node: OperationDefinitionNode
    type: str
    name: str | None
    switches: frozenset[str]
    plans: Plans

    @property
    def shown_name(self) -> str | None:
        """The name as logs and spans hold it, bounded."""
        return None if self.name is None else self.name[:MAX_OPERATION_NAME]


@value_class(frozen=True, slots=True)
class Document:
    """A valid document's operations, in its order."""

    operations: tuple[Operation, ...]

    def select(self, name: str | None) -> Operation | Rejected:
        """The operation to run: the one of that name, or the only one."""
        if name is None:
            if len(self.operations) == 1:
                return self.operations[0]
            detail = "names one of its operations" if self.operations else "holds an operation"
            return rejected("operation", f"A request {detail}: give `operationName`.")
        for operation in self.operations:
            if operation.name == name:
                return operation
        return rejected("operation", "The document has no operation of the name in `operationName`.")


class Documents:
    """The cache over one schema: least recently used first out, bounded by entries and by bytes."""

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        introspection: bool,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
        max_plans: int = MAX_PLANS,
    ) -> None:
        """Without `introspection` no error suggests a name either. `max_bytes` is an estimate's bound."""
        self._schema = schema
        self._introspection = introspection
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._max_plans = max_plans
        self._readers = InputReaders()
        self._bytes = 0
        self._known: OrderedDict[str, tuple[Document | Rejected, int]] = OrderedDict()

    def __len__(self) -> int:
        """How many documents are kept."""
        return len(self._known)

    @property
    def kept_bytes(self) -> int:
        """What the kept documents are estimated to take."""
        return self._bytes

    def read(self, text: str) -> Document | Rejected:
        """The document of that text, or why there is none."""
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known[0]
        if len(text) > limits.MAX_CHARACTERS:  # not worth keeping: cheap to refuse, dear to hold
            return rejected("limits", f"The document is longer than {limits.MAX_CHARACTERS} characters.")
        document, tokens = self._prepare(text)
        self._keep(text, document, _ENTRY_BYTES + 4 * len(text) + _TOKEN_BYTES * tokens)
        return document

    def _keep(self, text: str, document: Document | Rejected, weight: int) -> None:
        self._known[text] = (document, weight)
        self._bytes += weight
        while len(self._known) > self._max_entries or self._bytes > self._max_bytes:
            _, (_, dropped) = self._known.popitem(last=False)
            self._bytes -= dropped

    def _prepare(self, text: str) -> tuple[Document | Rejected, int]:
        """The answer, and how many tokens it keeps alive."""
        try:
            # One more than the limit: whichever of the two finds it first, the sentence is ours.
            tree = parse(text, max_tokens=limits.MAX_TOKENS, allow_empty_selection_sets=False)
        except GraphQLError as error:
            reason = "limits" if "tokens" in error.message else "syntax"
            return Rejected(reason, (_syntax_fault(error),)), 0
        except RecursionError:
            return rejected("limits", "The document is nested too deeply."), 0
        refusal = self._limited(tree) or self._invalid(tree)
        if refusal is not None:
            return refusal, 0
        tokens = getattr(tree, "token_count", limits.MAX_TOKENS)
        return self._document(tree, tokens), tokens

    def _limited(self, tree: DocumentNode) -> Rejected | None:
        try:
            measure = limits.measure(tree)
        except RecursionError:
            return rejected("limits", "The document is nested too deeply.")
        if not self._introspection and measure.introspection_fields:
            return rejected("introspection", "Introspection is switched off here.")
        breaches = limits.breaches(measure)
        return rejected("limits", *breaches) if breaches else None

    def _invalid(self, tree: DocumentNode) -> Rejected | None:
        try:
            errors = validate(
                self._schema, tree, max_errors=MAX_ERRORS, hide_suggestions=not self._introspection
            )
        except RecursionError:
            return rejected("limits", "The document is nested too deeply.")
        if not errors:
            return None
        return Rejected("validation", tuple(_validation_fault(error) for error in errors[:MAX_ERRORS]))

    def _document(self, tree: DocumentNode, tokens: int) -> Document:
        allowance = Allowance(_PLANNED_FIELDS_OF_A_TOKEN * tokens)
        switches = _Switches()
        visit(tree, switches)
        read = frozenset(switches.names)
        return Document(
            tuple(
                Operation(
                    tree,
                    node,
                    node.operation.value,
                    node.name.value if node.name else None,
                    read,
                    Plans(self._schema, tree, node, read, self._readers, allowance, self._max_plans),
                )
                for node in tree.definitions
                if isinstance(node, OperationDefinitionNode)
            )
        )


class _Switches(Visitor):
    """Collects the variables that stand in directives."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_args: object) -> None:
        values = [argument.value for argument in node.arguments or ()]
        self.names.update(value.name.value for value in values if isinstance(value, VariableNode))


def _syntax_fault(error: GraphQLError) -> Fault:
    return _fault(error, _QUOTED_TOKEN.sub(r"\1.", error.message))


def _validation_fault(error: GraphQLError) -> Fault:
    return _fault(error, _QUOTED_VALUE.sub(".", error.message))


def _fault(error: GraphQLError, message: str) -> Fault:
    bounded = message if len(message) <= _MAX_MESSAGE else message[:_MAX_MESSAGE] + "..."
    places = tuple((place.line, place.column) for place in (error.locations or ())[:MAX_ERRORS])
    return Fault(bounded.encode("utf-8", "backslashreplace").decode(), places)
