"""The parameters of a list of records (contract, section 3, `GET /v1/calls`)."""

from typing import Final
from urllib.parse import parse_qsl

from gateway.call import Status
from gateway.errors import Refusal
from gateway.records import MAX_PAGE, bad_parameter

_NAMES: Final = frozenset({"status", "limit", "cursor"})


def list_parameters(query: bytes) -> tuple[Status | None, int, str | None] | Refusal:
    """Status, limit and cursor; or INVALID_INPUT, which names the parameter. All others are passed over."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="replace")
    given = dict(pairs)
    for name in _NAMES.intersection(given):
        if sum(other == name for other, _ in pairs) > 1:
            return bad_parameter(name, "may be given once only")
    status: Status | None = None
    if "status" in given:
        if given["status"] not in Status.__members__:
            return bad_parameter("status", f"must be one of {', '.join(Status.__members__)}")
        status = Status(given["status"])
    limit = given.get("limit", "20")
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= MAX_PAGE):
        return bad_parameter("limit", f"must be a whole number from 1 to {MAX_PAGE}")
    return status, int(limit), given.get("cursor")


__all__ = ["list_parameters"]
