"""The `Idempotency-Key` header: a quoted structured-field string, or the bare key; both are one key.

Source: draft-ietf-httpapi-idempotency-key-header, section 2.1, and RFC 8941, section 3.3.3.
"""

import re
from typing import Final

MALFORMED: Final = ""
"""Stands for a quoted string that can't be read: like an empty key, no valid key ever equals it."""

_QUOTED: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ESCAPE: Final = re.compile(r'\\(["\\])')


def header_key(raw: bytes) -> str:
    """The key that a header value holds. Its length and characters are judged where all keys are, so
    every value that is no key comes back as text which fails there: MALFORMED, or as it was sent."""
    text = raw.decode("latin-1").strip(" \t")
    if not text.startswith('"'):
        return text
    quoted = _QUOTED.fullmatch(text)
    return MALFORMED if quoted is None else _ESCAPE.sub(r"\1", quoted[1])
