"""Names that no parameter has: what was meant, and where the name stood."""

from collections.abc import Container
from difflib import get_close_matches
from typing import Final

from gateway.call.parameters import GROUPS, PARAMETERS
from gateway.errors import Code, Problem

_POINTERS: Final = frozenset(("", *(f"/{group}" for group in GROUPS), *(p.pointer for p in PARAMETERS)))


def is_of_unknown_field(problem: Problem) -> bool:
    """Thousands of made-up names must not crowd out what is wrong with the known ones."""
    return problem.pointer not in _POINTERS


def unknown_field(path: tuple[str, ...], beside: Container[str]) -> Problem:
    """The problem of a name that no parameter has. `beside` are the names given there: who wrote `calle`
    beside `caller` did not mean `caller`."""
    siblings = [p.path[-1] for p in PARAMETERS if p.path[:-1] == path[:-1]]
    siblings += GROUPS if len(path) == 1 else ()
    name, absent = path[-1][:64], [other for other in siblings if other not in beside]
    near = get_close_matches(name, absent, 1, 0.8) or get_close_matches(name, siblings, 1)  # 0.6 by default
    known = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(sorted(siblings))}"
    pointer = "/" + "/".join(_pointer_token(part) for part in path)
    return Problem(pointer, Code.INVALID_INPUT, f"is not a known field; {known}")


def _pointer_token(name: str) -> str:
    """A name from the client as a pointer token: RFC 6901 escapes, bounded, without lone surrogates."""
    bounded = name if len(name) <= 64 else name[:64] + "..."
    printable = bounded.encode("utf-8", "backslashreplace").decode()
    return printable.replace("~", "~0").replace("/", "~1")


__all__ = ["is_of_unknown_field", "unknown_field"]
