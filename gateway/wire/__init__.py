"""The wire: one HTTP exchange with the upstream, and the certain knowledge whether a byte had left.

Nothing here re-sends, redirects, decompresses, or keeps cookies; the environment's proxies are never read.
"""

from gateway.wire.answer import WireAnswer
from gateway.wire.faults import ErrorType, Phases, WireFault
from gateway.wire.request import Origin
from gateway.wire.tls import client_ssl_context
from gateway.wire.transport import WireTransport, WireTransportError
from gateway.wire.wire import Wire

__all__ = [
    "ErrorType",
    "Origin",
    "Phases",
    "Wire",
    "WireAnswer",
    "WireFault",
    "WireTransport",
    "WireTransportError",
    "client_ssl_context",
]
