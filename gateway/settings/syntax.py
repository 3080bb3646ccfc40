"""What is wrong with YAML itself, in words that say what would be right."""

from typing import Final

import yaml
from yaml.reader import Reader

from gateway.settings.findings import Place


class SyntaxFault(Exception):  # noqa: N818 - the name says what is bad
    """The text can't be read as one YAML document; `message` never holds the text itself."""

    def __init__(self, place: Place, message: str) -> None:
        """`place` is where reading stopped."""
        super().__init__(message)
        self.place = place
        self.message = message


_INDENT: Final = "the indentation fits no line above: align the keys of one mapping, the dashes of one list"

# Fragments of both scanners' messages (PyYAML's own and libyaml's); the first that occurs decides.
_WORDS: Final[tuple[tuple[str, str], ...]] = (
    (
        "expected alphabetic or numeric character",
        "YAML reads a star at the beginning as an alias: quote the pattern: \"*\" or '*1900'",
    ),
    ("unknown escape character", r"double quotes know no such escape: use single quotes, as in '\**'"),
    ("\\t", "a tab can't indent or separate: use spaces"),
    ("mapping values are not allowed", "a colon can't stand here: indent the line, or quote the text"),
    ("could not find expected ':'", "a key needs a colon and a space after it"),
    ("unexpected end of stream", "a quoted text that begins here never ends: close the quote"),
    (
        "expected ',' or ']'",
        "a list that began with [ goes on without a comma or never ends: close it with ]",
    ),
    (
        "expected ',' or '}'",
        "a mapping that began with { goes on without a comma or never ends: close it with }",
    ),
    ("cannot start any token", "this character can't begin a value: quote the text"),
    ("expected <block end>", _INDENT),
    ("did not find expected key", _INDENT),
    ("expected '-' indicator", _INDENT),
    ("expected the node content", "a value is missing here"),
    ("expected node content", "a value is missing here"),
    ("unknown directive", "a line that begins with % is a directive: remove it, or quote the text"),
)


def in_words(fault: yaml.MarkedYAMLError, text: str) -> SyntaxFault:
    """The fault of a scanner or parser, said plainly."""
    problem = str(fault.problem or fault.context or "it can't be read")
    place = _place_of(fault, len(text.rstrip().split("\n")))
    if "cannot start any token" in problem and _character(text, place) == "\t":
        problem = "\\t"
    for fragment, words in _WORDS:
        if fragment in problem:
            return SyntaxFault(place, f"is no valid YAML: {words}")
    return SyntaxFault(place, f"is no valid YAML: {' '.join(problem.split())}")


def _place_of(fault: yaml.MarkedYAMLError, last_line: int) -> Place:
    mark = fault.problem_mark or fault.context_mark
    never_ends = fault.problem is not None and ("end of stream" in fault.problem or "' or '" in fault.problem)
    # What never ends is noticed at the end of the file; where it began tells more.
    if never_ends and fault.context_mark is not None and mark is not None and mark.line + 1 >= last_line:
        mark = fault.context_mark
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place()


def decoded(source: bytes) -> str:
    """The text of a file. Raises SyntaxFault where it is not UTF-8 or holds control characters."""
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        place = _place_after(source[: fault.start].decode("utf-8-sig", "replace"))
        raise SyntaxFault(place, "is not UTF-8 from here on: save the file as UTF-8") from None
    if found := Reader.NON_PRINTABLE.search(text):
        place = _place_after(text[: found.start()])
        raise SyntaxFault(place, f"holds the control character U+{ord(found.group()):04X}: remove it")
    return text


def _place_after(text: str) -> Place:
    lines = text.split("\n")
    return Place(len(lines), len(lines[-1]) + 1)


def _character(text: str, place: Place) -> str:
    lines = text.split("\n")
    return lines[place.line - 1][place.column - 1 : place.column] if place.line <= len(lines) else ""
