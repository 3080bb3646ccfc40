"""What the wire hands up."""

from dataclasses import field

from gateway.values import value_class
from gateway.wire.faults import Phases


@value_class(frozen=True, slots=True)
class WireAnswer:
    """A complete HTTP answer; redirects too are only reported.

    `body_is_framed`: its length was given by Content-Length or chunks. Where it is False the body ended
    with the connection, or is empty because nothing framed the body of a 204 (or it was a 304).
    `content_encoded`: a Content-Encoding other than identity was named; `body` is as it came.
    """

    status: int
    body: bytes = field(repr=False)
    body_is_framed: bool
    content_encoded: bool
    phases: Phases
    reused: bool
