"""The one place that knows everything: builds the house bottom-up from the settings, and serves it."""

from gateway.app.ledgers import open_ledger
from gateway.app.serve import serve

__all__ = ["open_ledger", "serve"]
