"""The last line of defence of promise 6: credentials that reach a log or a span are struck out.

Nothing should ever be found, so what is found is counted. Values are sought exactly, in every form
in which this stack writes text: plain, percent-encoded, form-encoded, base64, JSON- and
repr-escaped.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable
from typing import Final, Literal
from urllib.parse import quote, quote_plus

import orjson

from gateway.telemetry.lines import encode

Sink = Literal["log", "span"]
REDACTED: Final = "REDACTED"
MIN_CHARACTERS: Final = 4
"""Shorter values are not sought: they would strike out ordinary words."""


class Redactor:
    """Strikes out what it was given to guard. `found(sink, count)` is told of every find.

    Texts of others (library logs, exceptions) are searched for user names and passwords; messages, lines
    and spans of our own for passwords only, since a tenant or a file may well bear the user's name.
    """

    def __init__(self, found: Callable[[Sink, int], None]) -> None:
        self._found = found
        self._pairs: dict[str, tuple[tuple[str, str], ...]] = {}
        self._every_form: tuple[str, ...] = ()
        self._password_forms: tuple[str, ...] = ()
        self._password_hints: tuple[str, ...] = ()
        self._line_forms: tuple[bytes, ...] = ()
        self._line_hints: tuple[bytes, ...] = ()

    def guard(self, name: str, username: str, password: str) -> None:
        """Guard a named pair. The pair it replaces stays guarded, as calls in flight still use it."""
        pairs = ((username, password), *self._pairs.get(name, ())[:1])
        self._pairs[name] = pairs
        known = [pair for kept in self._pairs.values() for pair in kept]
        passwords = _forms(secret for user, secret in known for secret in (secret, f"{user}:{secret}"))
        self._every_form = _longest_first(passwords | _forms(user for user, _ in known))
        self._password_forms = _longest_first(passwords)
        self._password_hints = _hints(self._password_forms)
        in_lines = [_in_line(form) for form in self._password_forms]
        self._line_forms = tuple(form.encode() for form in in_lines)
        self._line_hints = tuple(hint.encode() for hint in _hints(in_lines))

    def clean_foreign(self, text: str) -> str:
        """A text that others wrote, without user names and passwords."""
        return self._strike(text, self._every_form, "log")

    def clean_own(self, text: str, sink: Sink) -> str:
        """A text of our own, without passwords."""
        if not any(hint in text for hint in self._password_hints):
            return text
        return self._strike(text, self._password_forms, sink)

    def holds_password(self, lines: bytes) -> bool:
        """Whether any password stands in these lines; cheap enough for every line that is written."""
        if not any(hint in lines for hint in self._line_hints):
            return False
        return any(form in lines for form in self._line_forms)

    def clean_line(self, line: bytes) -> bytes:
        """One JSON line without passwords; struck out in its values, so that it stays JSON."""
        if not self.holds_password(line):
            return line
        fields: dict[str, object] = orjson.loads(line)
        return encode({name: self._clean_value(value) for name, value in fields.items()})

    def _clean_value(self, value: object) -> object:
        if isinstance(value, str):
            return self.clean_own(value, "log")
        if isinstance(value, list):
            return [self._clean_value(item) for item in value]
        if isinstance(value, dict):
            return {name: self._clean_value(item) for name, item in value.items()}
        return value

    def _strike(self, text: str, forms: Iterable[str], sink: Sink) -> str:
        finds = 0
        for form in forms:
            if form in text:
                finds += text.count(form)
                text = text.replace(form, REDACTED)
        if finds:
            self._found(sink, finds)
        return text


def _forms(values: Iterable[str]) -> set[str]:
    forms: set[str] = set()
    for value in values:
        if len(value) < MIN_CHARACTERS:
            continue
        percent, form, raw = quote(value, safe=""), quote_plus(value), value.encode()
        forms |= {value, percent, _lower_hex(percent), form, _lower_hex(form)}
        forms |= {quote(value), quote(percent, safe=""), repr(raw)[2:-1]}
        # Escaped twice too: an exception often shows the repr of what was JSON.
        forms |= {twice for once in _escapes(value) for twice in (once, *_escapes(once))}
        for encoded in (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()):
            forms |= {encoded, encoded.rstrip("=")}
    return forms


def _escapes(text: str) -> tuple[str, str, str]:
    return json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]


def _hints(forms: Iterable[str]) -> tuple[str, ...]:
    """The fewest texts of which one stands in every form: escapes leave plain runs as they are, so
    most forms of a password share its longest one, and one search stands for all of them."""
    hints: list[str] = []
    for form in sorted(forms, key=len):
        if any(hint in form for hint in hints):
            continue
        run = max(re.findall(r"[A-Za-z0-9]+", form), key=len, default="")
        hints.append(run if len(run) >= MIN_CHARACTERS else form)
    return tuple(hints)


def _in_line(form: str) -> str:
    """A text as it stands between the quotes of a JSON line."""
    return encode({"": form}).decode()[len('{"":"') : -len('"}\n')]


def _lower_hex(percent: str) -> str:
    head, *rest = percent.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


def _longest_first(forms: set[str]) -> tuple[str, ...]:
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))
