"""What is wrong, or doubtful, in a configuration: always with its place in the file.

Imports nothing heavy: the commands use it to print faults.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

KeyPath = tuple[str | int, ...]
"""The keys and list positions that lead from the document's root to a value."""

Severity = Literal["error", "warning"]

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_KEY: Final = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the file, both counted from 1; columns count characters."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault or warning. `path` is like `tenants.acme.quotas[0].limit`, `$` for the whole file."""

    file: str
    line: int
    column: int
    path: str
    severity: Severity
    message: str

    def __str__(self) -> str:
        """`FILE:LINE:COLUMN: path: message`, on one line; a warning's message says that it is one."""
        prefix = "warning: " if self.severity == "warning" else ""
        return f"{self.file}:{self.line}:{self.column}: {self.path}: {prefix}{self.message}"


class BadConfiguration(Exception):  # noqa: N818 - the name says what is bad
    """A configuration that can't be used; `faults` are all of its faults, in the file's order, and
    `unread_pairs` the names of the upstream credentials among them whose files can't be read."""

    def __init__(self, faults: Iterable[Finding], unread_pairs: Iterable[str] = ()) -> None:
        """`faults` holds at least one finding of severity error."""
        self.faults = tuple(faults)
        self.unread_pairs = tuple(unread_pairs)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def shown(path: KeyPath) -> str:
    """A path as people write it. Keys that are no plain word are quoted, so that they can't mislead."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif _PLAIN_KEY.fullmatch(key) and len(key) <= _LONGEST_KEY:
            text += f".{key}" if text else key
        else:
            text += f"[{quoted(key)}]"
    return text or "$"


def quoted(text: str) -> str:
    """Text from the file, safe to print: quoted, ASCII, on one line and not long."""
    return json.dumps(text if len(text) <= _LONGEST_KEY else text[: _LONGEST_KEY - 3] + "...")
