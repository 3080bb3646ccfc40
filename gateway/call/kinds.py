"""What a parameter's value may be: few kinds, each with its bounds, and the values made of them.

Source: the contract, section 3, the table's "Type, default" column.
"""

import re
from typing import Final

from gateway.values import value_class

NUMBER_CHARACTERS: Final = "0-9 + * #"
LINE_CHARACTERS: Final = "0-9 + * # A-Z a-z . _ -"


@value_class(frozen=True, slots=True)
class Text:
    """A string of 1 to `max_length` characters that matches `pattern` whole; `characters` says it in words.

    `wide_pattern` and `wide_characters` hold instead where the party has the type that allows them.
    """

    pattern: re.Pattern[str]
    characters: str
    max_length: int = 64
    wide_pattern: re.Pattern[str] | None = None
    wide_characters: str = ""


@value_class(frozen=True, slots=True)
class Flag:
    """true or false; 1 or 0 on the wire."""


@value_class(frozen=True, slots=True)
class Whole:
    """An integer from `minimum` to `maximum`, both included."""

    minimum: int
    maximum: int


@value_class(frozen=True, slots=True)
class Choice:
    """One of a few public words, each with its legacy value."""

    legacy_of: tuple[tuple[str, str], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The public words, the default's first."""
        return tuple(word for word, _ in self.legacy_of)


Kind = Text | Flag | Whole | Choice
Value = str | int | bool | None


_NUMBER = re.compile(r"[0-9+*#]{1,64}", re.ASCII)
_LINE = re.compile(r"[0-9+*#A-Za-z._-]{1,64}", re.ASCII)
_CALLER_ID = re.compile(r"[0-9+A-Za-z._ -]{1,64}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
# Anything that is Unicode text: lone surrogates have no UTF-8 form and could never be echoed.
_FREE = re.compile(r"[^\ud800-\udfff]{1,128}", re.DOTALL)

NUMBER: Final = Text(_NUMBER, NUMBER_CHARACTERS, 64, _LINE, LINE_CHARACTERS)
CALLER_ID: Final = Text(_CALLER_ID, "0-9 + A-Z a-z . _ - and space")
NAME: Final = Text(_NAME, "A-Z a-z 0-9 . _ -")
REFERENCE: Final = Text(_FREE, "Unicode text", 128)
FLAG: Final = Flag()
IDENTIFIER: Final = Whole(1, 2_147_483_647)
SECONDS: Final = Whole(0, 86_400)
CALLER_TYPE: Final = Choice((("NUMBER", ""), ("LINE", "phone")))
DIAL_PLAN: Final = Choice((("AUTO", "auto"),))
