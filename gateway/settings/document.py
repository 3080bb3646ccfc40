"""A YAML document as plain values, each with its place: duplicate keys, merges, aliases, odd numbers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from gateway.settings.findings import KeyPath, Place, quoted
from gateway.settings.nodes import Alias, Events, Loader, Mapping, Node, Scalar, Sequence, read_nodes
from gateway.settings.syntax import SyntaxFault

MAX_ALIASED_VALUES: Final = 100_000
"""How many values aliases may add to those that are written out, each of which takes a character."""


@dataclass(slots=True)
class Document:
    """`root` holds dict (text keys only), list, str, int, float, bool and None.

    `places` tells where each value stands (a section or list: where its key does), `keys` where its
    key does; `raw` is the text of scalars without quotes. `faults` are those of YAML itself that did
    not stop the reading, by place and message: what an alias repeats is wrong once.
    """

    root: object = None
    places: dict[KeyPath, Place] = field(default_factory=dict)
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    raw: dict[KeyPath, str] = field(default_factory=dict)
    faults: dict[tuple[Place, str], KeyPath] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place:
        """Where the value stands; where there is none, where the section stands that lacks it."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path[:-1]
        return Place()


def read_document(text: str, loader: Callable[[str], Events] = Loader) -> Document:
    """The document in `text`. Raises SyntaxFault where it can't be read at all."""
    document = Document()
    node = read_nodes(text, loader)
    if node is not None:
        document.root = _Builder(document, len(text) + MAX_ALIASED_VALUES).value((), node, frozenset())
    return document


class _Builder:
    def __init__(self, document: Document, limit: int) -> None:
        self._document = document
        self._count = 0
        self._limit = limit

    def value(self, path: KeyPath, node: Node, around: frozenset[int]) -> object:
        """`around` are the nodes that enclose this one: an alias of one of them would never end."""
        self._document.places[path] = place = node.place
        node = self._entered(node, place, around)
        if isinstance(node, Scalar):
            return self._scalar(path, node)
        around |= {id(node)}
        if isinstance(node, Sequence):
            return [self.value((*path, index), item, around) for index, item in enumerate(node.items)]
        values: dict[str, object] = {}
        for key, (key_place, value) in self._entries(path, node, around).items():
            here = (*path, key)
            self._document.keys[here] = key_place
            values[key] = self.value(here, value, around)
            if isinstance(values[key], dict | list):
                self._document.places[here] = key_place
        return values

    def _entered(self, node: Node, place: Place, around: frozenset[int]) -> Scalar | Sequence | Mapping:
        self._count += 1
        target = node.target if isinstance(node, Alias) else node
        if self._count > self._limit or id(target) in around:
            raise SyntaxFault(place, "its aliases unfold without end: write the values out")
        return target

    def _scalar(self, path: KeyPath, scalar: Scalar) -> object:
        if scalar.is_plain:
            self._document.raw[path] = scalar.text
        if scalar.is_odd_number:
            name = quoted(scalar.text)
            self._fault(
                path,
                self._document.places[path],
                f"YAML 1.1 reads this as base 8 or 60, as {scalar.value}: write a number without leading "
                f"zeros and colons, or quote the text: {name}",
            )
        return scalar.value

    def _entries(
        self, path: KeyPath, mapping: Mapping, around: frozenset[int]
    ) -> dict[str, tuple[Place, Node]]:
        """The mapping's own entries, and after them what it merges in."""
        entries: dict[str, tuple[Place, Node]] = {}
        merged: list[Node] = []
        for key, value in mapping.entries:
            scalar = key.target if isinstance(key, Alias) else key
            if not isinstance(scalar, Scalar):
                self._fault(path, key.place, "a key must be text: a word, a colon and a space")
            elif scalar.is_merge:
                merged.append(value)
            elif scalar.text in entries:
                line = entries[scalar.text][0].line
                self._fault(
                    (*path, scalar.text), key.place, f"is given twice, first on line {line}: keep one of them"
                )
            else:
                if not isinstance(scalar.value, str):
                    name = quoted(scalar.text)
                    self._fault((*path, scalar.text), key.place, f"YAML reads no text here: quote it: {name}")
                entries[scalar.text] = (key.place, value)
        for source in self._merged(path, merged, around):
            for name, entry in self._entries(path, source, around | {id(source)}).items():
                entries.setdefault(name, entry)
        return entries

    def _merged(self, path: KeyPath, nodes: Iterable[Node], around: frozenset[int]) -> Iterable[Mapping]:
        for node in nodes:
            target = self._entered(node, node.place, around)
            for source in target.items if isinstance(target, Sequence) else [target]:
                mapping = self._entered(source, source.place, around)
                if isinstance(mapping, Mapping):
                    yield mapping
                else:
                    self._fault((*path, "<<"), source.place, "must be an alias of a mapping: <<: *name")

    def _fault(self, path: KeyPath, place: Place, message: str) -> None:
        self._document.faults.setdefault((place, message), path)
