"""Mutants of what mutmut does not reach: the shared store's scripts, and Python outside of plain functions
(constants, patterns, properties and cached functions of the modules that it mutates)."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SCRIPTS: Final = tuple(f"gateway/ledger/redis/{name}.lua" for name in ("common", "admit", "close", "peek"))
MODULES: Final = (
    *("gateway/legacy/answer.py", "gateway/legacy/query.py", "gateway/policy.py"),
    *("gateway/ledger/quota.py", "gateway/ledger/weight.py", "gateway/ledger/windows.py"),
    *("gateway/ledger/sqlite/decide.py", "gateway/ledger/sqlite/settle.py"),
)

_SWAPS: Final = {
    "==": "~=",
    "~=": "==",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "and": "or",
    "or": "and",
    "not": "",
    "true": "false",
    "false": "true",
    "math.max": "math.min",
    "math.min": "math.max",
    "math.ceil": "math.floor",
}
_PYTHON_SWAPS: Final = {
    **{
        key: new
        for key, new in _SWAPS.items()
        if key not in {"~=", "==", "*", "math.max", "math.min", "math.ceil"}
    },
    "==": "!=",
    "!=": "==",
    "True": "False",
    "False": "True",
    "is": "is not",
    "++": "+",
}
_LUA: Final = re.compile(
    r"(?P<skip>--[^\n]*|(?<=call\()'\w+')|(?P<text>'[^'\n]*')|(?P<number>\b\d+\b)"
    r"|(?P<swap>\b(?:and|or|not|true|false|math\.(?:max|min|ceil))\b|==|~=|<=|>=|(?<!\.)[-+*/<>](?!\.))"
)
_PYTHON: Final = re.compile(
    r'(?P<skip>#[^\n]*|"""[\s\S]*?"""|->|: \w+\[[^\n]*?\](?= =)|Literal[^\n]*'
    r"|__slots__ =[^\n]*|__all__[\s\S]*)"
    r"""|(?P<text>r?"[^"\n]*"|r'[^'\n]*')|(?P<number>\b\d[\d_]*\b)"""
    r"|(?P<swap>\b(?:and|or|not|is|True|False)\b|==|!=|<=|>=|[-+/<>])"
)
_STATEMENT: Final = re.compile(
    r"^ *(?:call\(|(?!local |for |if )[\w.\[\]# +-]+(?:, [\w.]+)* = )[^\n]*(?<!,)\n", re.MULTILINE
)


@dataclass(frozen=True)
class Mutant:
    """One change of one place. `before` and `after` are the changed line, without its indentation."""

    path: str
    line: int
    before: str
    after: str
    text: str


def mutants() -> Iterator[Mutant]:
    """All of them, the scripts' first."""
    for path in SCRIPTS:
        text = (ROOT / path).read_text()
        yield from _swapped(path, text, _LUA, _SWAPS, [(0, len(text))])
        yield from _dropped(path, text)
    for path in MODULES:
        text = (ROOT / path).read_text()
        yield from _swapped(path, text, _PYTHON, _PYTHON_SWAPS, list(_unreached(text)))


def _swapped(
    path: str, text: str, tokens: re.Pattern[str], swaps: dict[str, str], spans: list[tuple[int, int]]
) -> Iterator[Mutant]:
    for found in tokens.finditer(text):
        if found["skip"] is None and any(start <= found.start() < end for start, end in spans):
            for new in _changed(found, swaps):
                yield _mutant(path, text, found.start(), found.end(), new)


def _changed(found: re.Match[str], swaps: dict[str, str]) -> Iterator[str]:
    if found["number"]:
        yield str(int(found[0].replace("_", "")) + 1)
    elif found["text"]:
        quote = found[0][-1]
        body = found[0].removeprefix("r")[1:-1]
        yield found[0][: len(found[0]) - len(body) - 1] + (body[:-1] if body else "x") + quote
        yield from _loosened(found[0], body)
    else:
        yield swaps[found[0]]


def _loosened(whole: str, body: str) -> Iterator[str]:
    """A pattern's repeats, made looser."""
    if whole.startswith("r"):
        for sign, new in (("++", "+"), ("*+", "*"), ("{1,", "{0,"), ("?", "")):
            if sign in body:
                yield whole.replace(sign, new, 1)


def _dropped(path: str, text: str) -> Iterator[Mutant]:
    """Statements left out: calls that write, and assignments to what exists already."""
    for found in _STATEMENT.finditer(text):
        yield _mutant(path, text, found.start(), found.end(), "")


def _mutant(path: str, text: str, start: int, end: int, new: str) -> Mutant:
    mutated = text[:start] + new + text[end:]
    number = text.count("\n", 0, start)
    before = text.splitlines()[number].strip()
    after = mutated.splitlines()[number].strip() if new or not text[start:end].endswith("\n") else ""
    return Mutant(path, number + 1, before, after, mutated)


def _unreached(text: str) -> Iterator[tuple[int, int]]:
    """The spans of a module that are no plain function."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tree = ast.parse(text)
    nodes = [
        *tree.body,
        *(inner for node in tree.body if isinstance(node, ast.ClassDef) for inner in node.body),
    ]
    for node in nodes:
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(node, ast.Assign | ast.AnnAssign) or (is_function and node.decorator_list):
            assert node.end_lineno is not None
            yield starts[node.lineno - 1], starts[node.end_lineno]
