"""Writes the README's reference tables from the code: `python -m tests.reference` (or `make readme`)."""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from gateway.call import PARAMETERS, Parameter
from gateway.call.kinds import Choice, Flag, Text, Whole
from gateway.errors import CATALOGUE, Code

README: Final = Path(__file__).parent.parent / "README.md"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join([_row(head), _row("---" for _ in head), *(_row(row) for row in rows)])


def _kind(parameter: Parameter) -> str:
    kind = parameter.kind
    if isinstance(kind, Text):
        allowed = f"1-{kind.max_length} of `{kind.characters}`"
        return f"{allowed}; with a type, `{kind.wide_characters}`" if kind.wide_pattern else allowed
    if isinstance(kind, Flag):
        return "true or false"
    if isinstance(kind, Whole):
        return f"{kind.minimum}-{kind.maximum}"
    assert isinstance(kind, Choice)
    return ", ".join(
        f"`{word}` (`{legacy}`)" if legacy else f"`{word}` (empty)" for word, legacy in kind.legacy_of
    )


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "**required**"
    if parameter.default is None:
        return "absent"
    return f"`{str(parameter.default).lower() if isinstance(parameter.default, bool) else parameter.default}`"


def parameters() -> str:
    """The call's parameters."""
    rows = (
        (f"`{'.'.join(p.path)}`", f"`{p.legacy}`" if p.legacy else "-", _kind(p), _default(p), p.meaning)
        for p in PARAMETERS
    )
    return _table(("Field", "Legacy", "Values", "Default", "Meaning"), rows)


def errors() -> str:
    """The error catalogue."""
    rows = []
    for code in Code:
        entry = CATALOGUE[code]
        status = "504, 502" if code is Code.OUTCOME_UNKNOWN else str(entry.status)
        retryable = "yes" if entry.retryable else "no"
        rows.append((f"`{code}`", status, entry.member.value, entry.call_state.value, retryable, entry.title))
    return _table(("Code", "REST", "GraphQL", "callState", "retryable", "Meaning"), rows)


TABLES: Final[dict[str, Callable[[], str]]] = {"parameters": parameters, "errors": errors}


def filled(text: str) -> str:
    """The text with every marked table made anew."""
    for name, make in TABLES.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        parts = pattern.split(text)
        found = len(parts) // 3
        text = "".join([*parts[:2], make(), "\n", *parts[2:]])
        if found != 1:
            raise SystemExit(f"README.md must mark the table `{name}` once")
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
    sys.exit(0)
