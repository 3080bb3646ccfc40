"""The ids of a request's trace, by W3C Trace Context (level 2, sections 3.2 and 3.3)."""

import re
from typing import Final

from gateway.random_bytes import random_bytes
from gateway.telemetry.accounts import TraceIds

_TRACEPARENT: Final = re.compile(
    rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL
)
_KEY: Final = r"[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}"
_VALUE: Final = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER: Final = re.compile(rf"(?:{_KEY})={_VALUE}")
_TRACE_STATE_BYTES: Final = 512
_TRACE_STATE_MEMBERS: Final = 32
_SPAN_BITS: Final = 64
_SPAN_MASK: Final = (1 << _SPAN_BITS) - 1


def new_trace() -> TraceIds:
    """Fresh ids, for a request without a caller's trace."""
    bits = int.from_bytes(random_bytes(24))
    # Zero is the one id that W3C forbids.
    return TraceIds(bits >> _SPAN_BITS or 1, bits & _SPAN_MASK or 1)


def new_span_id() -> int:
    """A fresh span id."""
    return int.from_bytes(random_bytes(8)) or 1


def parse_traceparent(header: bytes | None, trace_state: bytes | None = None) -> TraceIds:
    """The caller's trace continued with a span id of our own; a new trace where `header` is not a
    valid traceparent. An invalid `trace_state` is dropped, as it never voids the traceparent."""
    match = _TRACEPARENT.fullmatch(header) if header is not None else None
    if match is None:
        return new_trace()
    version, trace, parent, flags, rest = match.groups()
    trace_id, parent_id = int(trace, 16), int(parent, 16)
    # Version 00 ends with the flags; later ones may go on after a dash; ff is forbidden.
    if version == b"ff" or (version == b"00" and rest is not None) or not trace_id or not parent_id:
        return new_trace()
    is_sampled = bool(int(flags, 16) & 1)
    return TraceIds(trace_id, new_span_id(), parent_id, is_sampled, _trace_state(trace_state))


def _trace_state(header: bytes | None) -> str | None:
    if not header or len(header) > _TRACE_STATE_BYTES or not header.isascii():
        return None
    members = [member.strip(" \t") for member in header.decode("ascii").split(",")]
    members = [member for member in members if member]
    keys = {member.partition("=")[0] for member in members}
    if len(members) > _TRACE_STATE_MEMBERS or len(keys) != len(members):
        return None
    if not all(_MEMBER.fullmatch(member) for member in members):
        return None
    return ",".join(members) or None
