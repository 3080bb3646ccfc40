"""Media types of GraphQL over HTTP: what a client takes, and what it sends.

Source: the GraphQL-over-HTTP draft, "Media Types"; RFC 9110, sections 8.3 and 12.5.1.
"""

import re
from functools import lru_cache
from typing import Final

from gateway.doors.negotiation import LIST_ITEM, NO_ITEM

RESPONSE: Final = b"application/graphql-response+json; charset=utf-8"
JSON: Final = b"application/json; charset=utf-8"
HTML: Final = b"text/html; charset=utf-8"

_TYPES: Final = {"application/graphql-response+json": RESPONSE, "application/json": JSON, "text/html": HTML}
_PARAMETER: Final = re.compile(r';[ \t]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*+"|[^;,"\s]*)')
_WEIGHT: Final = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


@lru_cache(maxsize=256)
def response_type(accept: bytes | None, *, offers_html: bool) -> bytes | None:
    """RESPONSE, JSON or (where it is offered) HTML, as the client prefers; None where none will do.

    Without preference it is JSON, as the draft asks until its watershed; between equals the newer
    type wins, for its status codes tell more.
    """
    if accept is None or not accept.strip(NO_ITEM):
        return JSON
    weights = _weights(accept.decode("latin-1"))
    best: bytes | None = None
    best_weight = 0.0
    for name, media_type in _TYPES.items():
        weight = weights.get(name, 0.0) if offers_html or media_type is not HTML else 0.0
        if weight > best_weight:
            best, best_weight = media_type, weight
    wild = weights.get("application/*", weights.get("*/*", 0.0))
    if wild > best_weight and weights.get("application/json", 1.0) > 0:
        return JSON
    return best


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in LIST_ITEM.findall(accept):
        name = part.partition(";")[0].strip().lower()
        parameters = {key.lower(): value.strip('"') for key, value in _PARAMETER.findall(part)}
        if parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
            continue
        weight = parameters.get("q", "1")
        if _WEIGHT.fullmatch(weight) is not None:
            weights[name] = max(weights.get(name, 0.0), float(weight))
    return weights


@lru_cache(maxsize=64)
def is_json(content_type: bytes | None) -> bool:
    """Whether a request's body is `application/json` in UTF-8."""
    if content_type is None:
        return False
    text = content_type.decode("latin-1")
    if text.partition(";")[0].strip().lower() != "application/json":
        return False
    parameters = {key.lower(): value.strip('"') for key, value in _PARAMETER.findall(text)}
    return parameters.get("charset", "utf-8").lower() in {"utf-8", "utf8"}
