"""Making one call: the use case that both doors share."""

from gateway.place_call.results import Asked, Placed, Refused, Requested, Result, Translated

__all__ = ["Asked", "Placed", "Refused", "Requested", "Result", "Translated"]
