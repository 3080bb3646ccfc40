"""Reads what a caller asked for: `name=value` pairs in a query string or a form body."""

import re

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_SEPARATOR = re.compile(rb"[;&]")


def pairs(raw: bytes) -> tuple[tuple[str, str], ...]:
    """The parameters of a raw query or body in their order, repetitions included.

    The vendor's examples separate by `;` and real hosts take `&` too, so either separates, in a body
    as well. As in any form, `+` is a space. An escape that is none stays as it is, bytes that are no
    UTF-8 become U+FFFD, a name without `=` has an empty value, and nothing between two separators is
    no parameter: nothing raises.
    """
    return tuple(
        (_decoded(name), _decoded(value))
        for part in _SEPARATOR.split(raw)
        if part
        for name, _, value in (part.partition(b"="),)
    )


def _decoded(text: bytes) -> str:
    if b"+" in text:
        text = text.replace(b"+", b" ")
    if b"%" in text:
        text = _ESCAPE.sub(_byte, text)
    return text.decode("utf-8", "replace")


def _byte(escape: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escape[1].decode("ascii"))
