"""The legacy dialect, pure: the query from a call, the outcome from an answer."""

from gateway.legacy.answer import Answer, read_answer
from gateway.legacy.query import (
    FUNCTION_PATH,
    REDACTED,
    Dialect,
    UpstreamRequest,
    parameters_text,
    upstream_request,
    with_credentials,
)

__all__ = [
    "FUNCTION_PATH",
    "REDACTED",
    "Answer",
    "Dialect",
    "UpstreamRequest",
    "parameters_text",
    "read_answer",
    "upstream_request",
    "with_credentials",
]
