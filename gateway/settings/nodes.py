"""YAML text as a tree of nodes, each with its place.

Built from PyYAML's events, not by its composer: nesting is bounded while reading, so no file can
exhaust the stack. Scalars are resolved as YAML 1.1 does, except that dates stay text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import yaml

from gateway.settings.findings import Place
from gateway.settings.syntax import SyntaxFault, in_words

MAX_DEPTH: Final = 32


class Events(Protocol):
    """What is asked of PyYAML's loaders."""

    def get_event(self) -> yaml.Event:
        """The next event. Raises yaml.YAMLError."""


# libyaml is twenty times as fast, which a reload under load can feel; both give the same events.
Loader: Final[Callable[[str], Events]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CORE: Final = "tag:yaml.org,2002:"
_MERGE: Final = _CORE + "merge"
_BASE_8_OR_60: Final = re.compile(r"[-+]?0[0-7_]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A plain value. `is_plain`: it stands without quotes, so that `text` may mean more than text."""

    value: str | int | float | bool | None
    text: str
    is_plain: bool
    is_merge: bool
    place: Place

    @property
    def is_odd_number(self) -> bool:
        """Whether YAML 1.1 makes another number of it than people read."""
        is_number = isinstance(self.value, (int, float)) and not isinstance(self.value, bool)
        return self.is_plain and is_number and _BASE_8_OR_60.fullmatch(self.text) is not None


@dataclass(slots=True)
class Sequence:
    """A list."""

    place: Place
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """A mapping as it is written: keys may repeat, and need not be text."""

    place: Place
    entries: list[tuple["Node", "Node"]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Alias:
    """Another mention of an anchored value, at a place of its own."""

    target: Scalar | Sequence | Mapping
    place: Place


Node = Scalar | Sequence | Mapping | Alias


def read_nodes(text: str, loader: Callable[[str], Events] = Loader) -> Node | None:
    """The tree of the one document in `text`, None where it is empty. Raises SyntaxFault.

    `loader` is one of PyYAML's loader classes.
    """
    try:
        return _Reader(loader(text)).document()
    except yaml.MarkedYAMLError as fault:
        raise in_words(fault, text) from None
    except yaml.YAMLError:
        raise SyntaxFault(Place(), "is no valid YAML") from None


class _Reader:
    def __init__(self, events: Events) -> None:
        self._next = events.get_event
        self._anchors: dict[str, Scalar | Sequence | Mapping] = {}
        self._resolver = yaml.SafeLoader("")
        self._resolve: Callable[..., str] = self._resolver.resolve

    def document(self) -> Node | None:
        self._next()  # the stream begins
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        node = self._node(self._next(), 0)
        self._next()  # the document ends
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise SyntaxFault(_place(event), "a second document begins here: keep one, without ---")
        return node

    def _node(self, event: yaml.Event, depth: int) -> Node:
        place = _place(event)
        if depth > MAX_DEPTH:
            raise SyntaxFault(place, f"is nested more than {MAX_DEPTH} deep: no key needs that")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), place)
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)  # noqa: S101 - for the types
        if event.tag is not None and event.tag not in _TAGS:
            raise SyntaxFault(place, "a tag (a word that begins with !) means nothing here: remove it")
        if isinstance(event, yaml.ScalarEvent):
            node: Scalar | Sequence | Mapping = self._scalar(event, place)
        else:
            node = Sequence(place) if isinstance(event, yaml.SequenceStartEvent) else Mapping(place)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._fill(node, depth + 1)
        return node

    def _alias(self, name: str, place: Place) -> Alias:
        if name not in self._anchors:
            raise SyntaxFault(
                place,
                f"YAML reads *{name} as an alias, and no anchor &{name} stands before it: to write a "
                f"pattern, quote it: '*{name}'",
            )
        return Alias(self._anchors[name], place)

    def _fill(self, node: Scalar | Sequence | Mapping, depth: int) -> None:
        if isinstance(node, Sequence):
            while not isinstance(event := self._next(), yaml.SequenceEndEvent):
                node.items.append(self._node(event, depth))
        elif isinstance(node, Mapping):
            while not isinstance(event := self._next(), yaml.MappingEndEvent):
                key = self._node(event, depth)
                node.entries.append((key, self._node(self._next(), depth)))

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        text, is_plain = event.value, bool(event.implicit[0])
        tag = event.tag or self._resolve(yaml.ScalarNode, text, event.implicit)
        return Scalar(self._converted(tag, text), text, is_plain, tag == _MERGE, place)

    def _converted(self, tag: str, text: str) -> str | int | float | bool | None:
        convert = _CONVERTERS.get(tag)
        if convert is None:
            return text
        try:
            value: int | float | bool | None = convert(self._resolver, yaml.ScalarNode(tag, text))
        except (ValueError, KeyError, IndexError, OverflowError):
            return text  # such as !!int x: the key's type says what it wants instead
        return value


_CONVERTERS: Final[dict[str, Any]] = {
    _CORE + "null": yaml.SafeLoader.construct_yaml_null,
    _CORE + "bool": yaml.SafeLoader.construct_yaml_bool,
    _CORE + "int": yaml.SafeLoader.construct_yaml_int,
    _CORE + "float": yaml.SafeLoader.construct_yaml_float,
}
_TAGS: Final = frozenset(
    {None, "!", *_CONVERTERS, *(_CORE + kind for kind in ("str", "seq", "map", "merge"))}
)


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return Place() if mark is None else Place(mark.line + 1, mark.column + 1)
