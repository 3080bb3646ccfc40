"""What can go wrong on the wire, and whether a byte had left when it did.

WireFault(sent=False)  connect_timeout, connect_error, tls_error
                       connection_lost, bad_framing: the peer closed or spoke before it was asked
WireFault(sent=True)   answer_timeout, connection_lost, bad_framing, too_large
"""

from enum import StrEnum

from gateway.values import value_class


class ErrorType(StrEnum):
    """The wire's share of the closed set `error.type`; `REDIRECT` is for callers who judge a 3xx."""

    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_ERROR = "connect_error"
    TLS_ERROR = "tls_error"
    ANSWER_TIMEOUT = "answer_timeout"
    CONNECTION_LOST = "connection_lost"
    BAD_FRAMING = "bad_framing"
    TOO_LARGE = "too_large"
    REDIRECT = "redirect"


@value_class(frozen=True, slots=True)
class Phases:
    """Durations in seconds; None where a phase was not completed, or not needed (a reused connection).

    `connect_seconds` covers name resolution and TCP; `send_seconds` ends when the transport has taken
    the request; `first_byte_seconds` runs from there to the first byte of any answer head, a 1xx
    included; `read_seconds` from there to the answer's end.
    """

    connect_seconds: float | None = None
    tls_seconds: float | None = None
    send_seconds: float | None = None
    first_byte_seconds: float | None = None
    read_seconds: float | None = None


class WireFault(Exception):  # noqa: N818  a fault is not always an error: nothing may have happened
    """No complete answer. Neither its text nor its attributes hold the request's target, head or body.

    `sent` is False only where certainly no byte of the request was handed to the transport;
    everything else is ambiguous and must be treated as if the upstream had received it.
    `status` is the HTTP status where a final answer head was read before the fault. `reason` is the cause's
    own words where no connection could be made, for a log: nothing of the request was written by then.
    """

    def __init__(
        self,
        error_type: ErrorType,
        *,
        sent: bool,
        status: int | None = None,
        phases: Phases = Phases(),
        reason: str = "",
    ) -> None:
        super().__init__(f"{error_type} ({'sent' if sent else 'not sent'})")
        self.error_type = error_type
        self.sent = sent
        self.status = status
        self.phases = phases
        self.reason = reason
