"""Phone numbers as logs and traces may show them: but for the last two characters."""

import re
from typing import Final, overload

SHOWN: Final = 2
"""So many characters of a masked number's end can be read."""

_RUN: Final = re.compile(r"\d(?:[\W_]*\d)*")
"""Digits of any script, and what may be written between the groups of a number."""


@overload
def mask(number: str) -> str: ...
@overload
def mask(number: None) -> None: ...
def mask(number: str | None) -> str | None:
    """A number but for its last two characters, and never the whole of it: `100` is `*00`, `11` `**`."""
    if number is None:
        return None
    shown = number[-SHOWN:] if len(number) > SHOWN else ""
    return "*" * (len(number) - len(shown)) + shown


def mask_digits(text: str) -> str:
    """A text from a client with every run of digits masked, since each may be a number."""
    return _RUN.sub(lambda run: mask("".join(filter(str.isdigit, run[0]))), text)
