"""Media types and preferences of a request (RFC 9110 sections 8.3 and 12.5.1, RFC 7240)."""

import re
from typing import Final

from gateway.call.kinds import SECONDS

_JSON_TYPES: Final = frozenset({"application/json", "application/*", "*/*"})
_WAIT: Final = re.compile(r'\s*wait\s*=\s*"?([0-9]+)"?\s*(?:;.*)?', re.IGNORECASE | re.ASCII)
_TOLD_DIGITS: Final = len(str(SECONDS.maximum)) + 1
LIST_ITEM: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.?+)*+(?:"|\Z))++')
"""One item of a header that is a list. A parameter's value may be a quoted string, which may hold commas; one
that nobody closes ends with the header, or each of its quotes would be looked at to the end."""
NO_ITEM: Final = b" \t,"
"""What a list without an item is made of: it asks for as little as no header (RFC 9110, section 12.5.1)."""


def takes_json(accept: bytes | None) -> bool:
    """Whether an `Accept` header admits application/json; no header, or an empty one, admits everything."""
    if accept is None or accept in {b"*/*", b"application/json"} or not accept.strip(NO_ITEM):
        return True
    best = -1
    weight = 0.0
    for item in LIST_ITEM.findall(accept.decode("latin-1").lower()):
        media, _, parameters = item.partition(";")
        media = media.strip()
        if media not in _JSON_TYPES:
            continue
        specific = ("*/*", "application/*", "application/json").index(media)
        if specific > best:
            best, weight = specific, _quality(parameters)
    return weight > 0


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def is_json(content_type: bytes | None) -> bool:
    """Whether a body is declared as JSON in UTF-8."""
    if content_type is None or content_type == b"application/json":
        return content_type is not None
    media, _, parameters = content_type.decode("latin-1").lower().partition(";")
    charset = "utf-8"
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "charset":
            charset = value.strip('"')
    return media.strip() == "application/json" and charset in {"utf-8", "utf8", "us-ascii"}


def preferred_wait_seconds(prefer: bytes | None) -> int | None:
    """The seconds of `Prefer: wait=5`; the first one counts, and what can't be read is no preference.

    A number beyond what `waitSeconds` may be stays beyond it, and is not told whole.
    """
    if prefer is None:
        return None
    for preference in LIST_ITEM.findall(prefer.decode("latin-1")):
        match = _WAIT.fullmatch(preference)
        if match is not None:
            return int(match[1].lstrip("0")[:_TOLD_DIGITS] or "0")
    return None
