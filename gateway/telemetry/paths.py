"""The path of a request as a span may show it: anybody may put a phone number in one."""

import re
from typing import Final
from urllib.parse import unquote

from gateway.telemetry.labels import UNMATCHED
from gateway.telemetry.masking import mask_digits

_LIMIT: Final = 256
_CALL: Final = "/v1/calls/{id}"
_CALL_ID: Final = re.compile(r"[0-9a-f]{32}")
_API: Final = "/v1/"


def shown_path(path: str, route: str) -> str:
    """What a route says literally is shown as it is, and so is a call's id; in all else of the path every run
    of digits is masked, percent-encoded however often too."""
    if path == route:
        return path
    known = _known(path, route)
    given = path[len(known) : _LIMIT]
    if route == _CALL and _CALL_ID.fullmatch(given):
        return path
    plain = _decoded(given)
    masked = mask_digits(plain)
    return path[:_LIMIT] if masked == plain else known + masked


def _known(path: str, route: str) -> str:
    """The beginning of the path that is not the client's."""
    if route != UNMATCHED:
        return route.partition("{")[0]
    return _API if path.startswith(_API) else ""


def _decoded(text: str) -> str:
    """Without any escape; each turn makes it shorter, so there is an end."""
    while (plain := unquote(text)) != text:
        text = plain
    return text


__all__ = ["shown_path"]
