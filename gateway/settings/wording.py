"""The model's faults in plain words: what is wrong, and what would be right. Values are never shown."""

import json
import re
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.settings import shape
from gateway.settings.document import Document
from gateway.settings.fields import PATTERN_IN_WORDS
from gateway.settings.findings import KeyPath

KEY: Final = "[key]"
"""What pydantic ends a location with that means the key itself."""

_SECTION: Final = "must be a section: keys with values, indented below"
_LIST: Final = "must be a list, such as [first, second]"
_QUOTE: Final = ': YAML reads none here, so quote it, as in "042"'


def path_of(location: tuple[int | str, ...], root: object) -> KeyPath:
    """A fault's location without what only the model knows: its unions' branches, its mark for keys."""
    path: list[int | str] = []
    value = root
    for position, key in enumerate(location):
        is_last = position == len(location) - 1
        if isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        elif isinstance(value, dict) and isinstance(key, str) and (key in value or is_last):
            if key == KEY:
                continue
            value = value.get(key)
        else:
            continue
        path.append(key)
    return tuple(path)


def sentences(error: ValidationError, document: Document) -> list[tuple[KeyPath, str, str]]:
    """Every fault as its path, its message and its type: pydantic's, or KEY where the key is at fault."""
    found: list[tuple[KeyPath, str, str]] = []
    for details in error.errors(include_url=False):
        if details["type"] == "too_short" and details["input"]:
            continue  # counted without its faulty entries, which are told
        path = path_of(details["loc"], document.root)
        is_key = details["loc"][-1:] == (KEY,)
        found.append((path, _sentence(path, details, document), KEY if is_key else details["type"]))
    return found


def _sentence(path: KeyPath, details: ErrorDetails, document: Document) -> str:
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if kind == "missing":
        return _missing(path)
    wanted = _wanted(kind, path, details.get("ctx", {}), details["input"], path in document.raw)
    if details["input"] is None:
        return f"is empty: it {wanted}, or leave the key out"
    return wanted


def _unknown_key(path: KeyPath) -> str:
    key, known = str(path[-1]), shape.keys_at(path[:-1])
    near = get_close_matches(key, known, n=1)
    if near:
        return f"is an unknown key: did you mean `{near[0]}`?"
    homes = [home for home in shape.homes_of(key) if home]
    if homes:
        return f"is an unknown key here: it belongs in `{homes[0]}`"
    return f"is an unknown key: known here are {', '.join(known)}"


def _missing(path: KeyPath) -> str:
    example = shape.example_at(path)
    if example is None:
        return "is missing and must be given"
    return f"is missing: give it, such as {path[-1]}: {json.dumps(example)}"


def _wanted(kind: str, path: KeyPath, context: dict[str, Any], value: object, is_plain: bool) -> str:
    if path == ("upstream", "circuit"):
        return "must be `off`, or a section with `failures` and `open_seconds`"
    if kind == "literal_error":
        return _choice(context, value)
    if kind == "string_pattern_mismatch":
        return PATTERN_IN_WORDS.get(context.get("pattern", ""), "is not written as it must be")
    if kind == "value_error":
        return str(context.get("error"))
    if kind == "string_type":
        return f"must be text{_QUOTE if is_plain and value is not None else ''}"
    if kind in _NUMBERS:
        unquoted = ", without quotes" if isinstance(value, str) and not is_plain else ""
        return f"must be {_number(path)}{unquoted}"
    return _OTHERS.get(kind, "is not what this key takes")


def _choice(context: dict[str, Any], value: object) -> str:
    choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    near = get_close_matches(value, choices, n=1) if isinstance(value, str) else []
    hint = f": did you mean {near[0]}?" if near else ""
    return f"must be one of {', '.join(choices)}{hint}"


def _number(path: KeyPath) -> str:
    known = shape.at(path)
    noun = "a whole number" if known.get("type") == "integer" else "a number"
    low, above, high = known.get("minimum"), known.get("exclusiveMinimum"), known.get("maximum")
    if low is not None and high is not None:
        return f"{noun} from {low:g} to {high:.10g}"
    if above is not None and high is not None:
        return f"{noun} above {above:g}, up to {high:.10g}"
    return noun


_NUMBERS: Final = frozenset(
    {
        "int_type",
        "int_from_float",
        "int_parsing_size",
        "float_type",
        "finite_number",
        "greater_than",
        "greater_than_equal",
        "less_than",
        "less_than_equal",
    }
)
_OTHERS: Final[dict[str, str]] = {
    "bool_type": "must be true or false",
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _SECTION,
    "model_type": _SECTION,
    "model_attributes_type": _SECTION,
    "string_too_short": "must not be empty",
    "too_short": "must hold at least one entry",
}
