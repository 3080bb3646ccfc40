"""What the model knows at a path: the keys, bounds and examples that a fault's sentence needs.

Read from the model's own JSON Schema, so that no second list of keys can go stale.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from gateway.settings.findings import KeyPath
from gateway.settings.model import Settings

Schema = dict[str, Any]
_REFERENCE: Final = "#/$defs/"


@cache
def _root() -> Schema:
    return Settings.model_json_schema()


def _resolved(schema: Schema) -> Schema:
    """The schema behind a reference, or the branch that is not null or `off`; siblings stay."""
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if branch.get("type") != "null" and "const" not in branch:
            return {**schema, **_resolved(branch)}
    if "$ref" in schema:
        return {**schema, **_root()["$defs"][schema["$ref"].removeprefix(_REFERENCE)]}
    return schema


def _any_key(schema: Schema) -> Schema:
    """What stands under any name, where names are the operator's own; empty elsewhere."""
    return next(iter(schema.get("patternProperties", {}).values()), {})


def at(path: KeyPath) -> Schema:
    """The schema of the value at `path`; empty where the model knows no such value."""
    schema = _root()
    for key in path:
        schema = _resolved(schema)
        if isinstance(key, int):
            schema = schema.get("items", {})
        else:
            schema = schema.get("properties", {}).get(key) or _any_key(schema)
    return _resolved(schema) if schema else {}


def keys_at(path: KeyPath) -> tuple[str, ...]:
    """The keys that the section at `path` may hold."""
    return tuple(at(path).get("properties", ()))


def example_at(path: KeyPath) -> object:
    """A value that is right at `path`; None where the model gives none."""
    return next(iter(at(path).get("examples", ())), None)


@cache
def homes_of(key: str) -> tuple[str, ...]:
    """The sections that do know this key, such as `tenants.*.policy`."""
    return tuple(section for section, known in _sections(_root(), "") if key in known)


def _sections(schema: Schema, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    schema = _resolved(schema)
    properties: dict[str, Schema] = schema.get("properties", {})
    if properties:
        yield name, tuple(properties)
    for key, child in properties.items():
        yield from _sections(child, f"{name}.{key}" if name else key)
    if named := _any_key(schema):
        yield from _sections(named, f"{name}.*")
    if isinstance(schema.get("items"), dict):
        yield from _sections(schema["items"], f"{name}[*]")
