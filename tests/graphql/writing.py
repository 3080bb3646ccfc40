"""Writes GraphQL documents of every shape over our schema, for tests that compare two ways to run one."""

from dataclasses import dataclass, field
from random import Random
from typing import Final

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
SWITCHES: Final = {"a": "Boolean!", "b": "Boolean! = true", "c": "Boolean = false"}
Choices = tuple[tuple[str, dict[str, str]], ...]
INPUTS: Final[Choices] = (
    ("input: $input", {"input": "MakeCallInput!"}),
    ('input: {caller: {number: "100"}, callee: {number: "200"}, waitSeconds: 5}', {}),
    ('input: {callee: {number: "200"}, caller: {number: "one"}}', {}),
    (
        'input: {caller: {number: $n, type: $t}, callee: {number: "200"}, dryRun: $dry}',
        {"n": "String!", "t": "CallerType = LINE", "dry": "Boolean"},
    ),
    (
        "input: {caller: $caller, callee: {number: $nullable}}",
        {"caller": "CallerInput!", "nullable": 'String = "1"'},
    ),
)
ARGUMENTS: Final[dict[str, Choices]] = {
    "makeCall": INPUTS,
    "call": (("id: $id", {"id": "ID!"}), ("id: 2", {})),
    "callByIdempotencyKey": (
        ("key: $key", {"key": "String!"}),
        ("key: $key", {"key": 'String = "k"'}),
        ('key: "k"', {}),
    ),
    "calls": (
        ("", {}),
        ("first: $first", {"first": "Int"}),
        ("first: $first", {"first": "Int = 2"}),
        ("first: $first after: $after status: $s", {"first": "Int", "after": "String", "s": "CallStatus"}),
        ('first: 1 status: REQUESTED after: "c1"', {}),
    ),
}
# These two differ in nullability from fields of the same name, which GraphQL does not merge.
_ALWAYS_ALIASED: Final = {("CallOutcomeUnknown", "call"), ("CallQuotaExceeded", "retryAfterSeconds")}


@dataclass
class Writer:
    """One document in the making. `variables` are the declared ones, by name."""

    schema: GraphQLSchema
    random: Random
    variables: dict[str, str] = field(default_factory=dict)
    fragments: dict[str, tuple[str, Composite]] = field(default_factory=dict)

    def document(self) -> str:
        """An operation with one field of the root, seldom two, and the fragments it spreads."""
        root = self.random.choice([self.schema.mutation_type, self.schema.query_type])
        assert root is not None
        names = self.random.sample(sorted(root.fields), min(len(root.fields), 1 + self.chance(0.1)))
        parts = [self._root_field(root, name) for name in names]
        if self.chance(0.3):
            parts.insert(self.random.randrange(len(parts) + 1), "kind: __typename")
        if self.chance(0.1):
            parts = [f"... on {root.name} {{ {' '.join(parts)} }}"]
        declared = ", ".join(f"${name}: {kind}" for name, kind in self.variables.items())
        head = ("query" if root is self.schema.query_type else "mutation") + self.random.choice(
            ["", " Named"]
        )
        head += f"({declared})" if declared else ""
        return " ".join([f"{head} {{ {' '.join(parts)} }}", *(text for text, _ in self.fragments.values())])

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return self.random.random() < share

    def _root_field(self, root: GraphQLObjectType, name: str) -> str:
        alias = self.random.choice(["", "", "asked: "])
        arguments, variables = self.random.choice(ARGUMENTS.get(name, (("", {}),)))
        self.variables.update(variables)
        given = f"({arguments})" if arguments else ""
        text = f"{alias}{name}{given}{self._selection(root.fields[name].type, 3)}"
        return text + f" {alias}{name}{given}{{ __typename }}" * (name != "makeCall" and self.chance(0.1))

    def _selection(self, kind: GraphQLOutputType, depth: int) -> str:
        named = get_named_type(kind)
        return f"{{ {self._inside(named, depth)} }}" if isinstance(named, Composite) else ""

    def _inside(self, kind: Composite, depth: int) -> str:
        parts = [self._part(kind, depth) for _ in range(self.random.randint(1, 4))]
        if isinstance(kind, GraphQLUnionType) and depth > 1:
            members = self.random.sample(self._overlapping(kind), 3)
            parts += [f"... on {member.name} {{ {self._inside(member, 1)} }}" for member in members]
        return " ".join(parts)

    def _part(self, kind: Composite, depth: int) -> str:
        what = self.random.random()
        if depth > 0 and (what < 0.25 or (what < 0.5 and isinstance(kind, GraphQLUnionType))):
            inner = self.random.choice(self._overlapping(kind))
            condition = f"on {inner.name}" if inner is not kind or self.chance(0.5) else ""
            return f"... {condition}{self._directives()} {{ {self._inside(inner, depth - 1)} }}"
        if depth > 0 and what > 0.85:
            return f"...{self._fragment(kind, depth - 1)}{self._directives()}"
        return self._field(kind, depth)

    def _field(self, kind: Composite, depth: int) -> str:
        if isinstance(kind, GraphQLUnionType) or self.chance(0.15):
            return "kind: " * self.chance(0.1) + "__typename" + self._directives()
        name = self.random.choice(list(kind.fields))
        is_aliased = (kind.name, name) in _ALWAYS_ALIASED or self.chance(0.05)
        alias = f"{kind.name}_{name}: " if is_aliased else ""
        return f"{alias}{name}{self._directives()}{self._selection(kind.fields[name].type, depth - 1)}"

    def _overlapping(self, kind: Composite) -> list[Composite]:
        """Types that a fragment inside `kind` may name."""
        mine = self._possible(kind)
        composites = [t for t in self.schema.type_map.values() if isinstance(t, Composite)]
        return [t for t in composites if not t.name.startswith("__") and mine & self._possible(t)]

    def _possible(self, kind: Composite) -> set[str]:
        if isinstance(kind, GraphQLObjectType):
            return {kind.name}
        return {member.name for member in self.schema.get_possible_types(kind)}

    def _fragment(self, kind: Composite, depth: int) -> str:
        fitting = [n for n, (_, t) in self.fragments.items() if self._possible(t) & self._possible(kind)]
        if fitting and self.chance(0.5):
            return self.random.choice(fitting)
        on = self.random.choice(self._overlapping(kind))
        inside = self._inside(on, depth)
        name = f"F{len(self.fragments)}"  # after its inside: fragments spread earlier ones only
        self.fragments[name] = (f"fragment {name} on {on.name} {{ {inside} }}", on)
        return name

    def _directives(self) -> str:
        text = ""
        for directive in ("skip", "include"):
            if self.chance(0.08):
                value = self.random.choice(["true", "false", "$a", "$b", "$c"])
                if value.startswith("$"):
                    self.variables[value[1:]] = SWITCHES[value[1:]]
                text += f" @{directive}(if: {value})"
        return text
