"""The documents of this repository, and what stands in them between fences."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
SHELL: Final = frozenset({"console", "sh"})
LANGUAGES: Final = SHELL | {"bash", "zsh", "fish", "python", "graphql", "json", "yaml", "text"}
"""`bash`, `zsh` and `fish` are lines of that shell's own start-up file; `text` is a drawing."""

_FENCE: Final = re.compile(r"(?P<indent> *)```(?P<language>.*)")
_LEFT_OUT: Final = re.compile(r"<!-- not run: (?P<reason>.+) -->")
_PROGRAMS: Final = re.compile(
    r"<!-- not run: lines of (?P<programs>[a-z]+(?: and [a-z]+)*), (?P<reason>.+) -->"
)


@dataclass(frozen=True)
class Block:
    """What stands between two fences. `left_out` is the reason why it can't be run, if there is one."""

    line: int
    language: str
    text: str
    left_out: str | None


@dataclass(frozen=True)
class Document:
    """One Markdown file. Lines of `programs` can't be run, for a reason that it gives."""

    name: str
    text: str
    blocks: tuple[Block, ...]
    programs: tuple[str, ...]


def _blocks(text: str) -> Iterator[Block]:
    opened, before = None, ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.fullmatch(line)
        if opened is None and fence is None:
            before = line.strip() or before
        elif opened is None and fence is not None:
            marker = None if _PROGRAMS.fullmatch(before) else _LEFT_OUT.fullmatch(before)
            opened = (number, fence, marker and marker["reason"])
            lines: list[str] = []
        elif opened is not None and fence is None:
            lines.append(line[len(opened[1]["indent"]) :])
        elif opened is not None:
            begun, opening, reason = opened
            yield Block(begun, opening["language"], "\n".join(lines) + "\n", reason)
            opened, before = None, ""
    assert opened is None, f"a fence of line {opened[0]} never closes"


def document(name: str, text: str) -> Document:
    """The document of that path and text."""
    programs = [program for found in _PROGRAMS.finditer(text) for program in found["programs"].split(" and ")]
    return Document(name, text, tuple(_blocks(text)), tuple(programs))


MADE: Final = frozenset(
    line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line.startswith("/")
)
"""What `make` leaves at the root: no part of the repository."""


def _files() -> Iterator[Path]:
    for folder, inner, names in os.walk(ROOT):
        made = MADE if Path(folder) == ROOT else frozenset[str]()
        inner[:] = sorted({n for n in inner if not n.startswith(".") and n != "node_modules"} - made)
        yield from (Path(folder) / name for name in sorted({*names} - made) if name.endswith(".md"))


DOCUMENTS: Final = {
    name: document(name, file.read_text(encoding="utf-8"))
    for file in _files()
    for name in [str(file.relative_to(ROOT))]
}
"""Every document, by its path from the repository's root."""
