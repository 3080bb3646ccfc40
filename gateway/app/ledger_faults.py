"""Why a ledger may refuse: the kinds of `StoreUnavailable`, closed sets. So each kind's series is there
before its first error, which no rate can see where it comes with its series."""

from typing import Final

from gateway.settings.model import Settings

EMBEDDED_FAULTS: Final = (
    *("busy", "closed", "corrupt", "error", "full", "io"),
    *("lost", "missing", "moved", "read_only", "timeout"),
)
SHARED_FAULTS: Final = (
    *("auth", "circuit", "clock", "closed", "cluster", "connect", "connection", "emptied", "error"),
    *("eviction", "lost", "protocol", "refused", "saturated", "timeout", "undone"),
    *("ask", "busy", "clusterdown", "crossslot", "loading", "masterdown", "misconf", "moved", "noauth"),
    *("noreplicas", "noscript", "oom", "readonly", "tryagain"),
)
"""The second half are the server's own error codes."""


def faults_of(settings: Settings) -> tuple[str, ...]:
    """The kinds of the store that the settings name."""
    return EMBEDDED_FAULTS if settings.store.url.startswith("sqlite://") else SHARED_FAULTS


__all__ = ["EMBEDDED_FAULTS", "SHARED_FAULTS", "faults_of"]
