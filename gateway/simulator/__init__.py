"""The legacy API, simulated: an independent witness that keeps a ledger of every dial it received.

It repeats the vendor's names on purpose and imports nothing else of this project, so that a fault in
the gateway's translator cannot hide in the simulator too.
"""

from .options import DEFAULT_USERS, Role, SimulatorOptions
from .server import serve

__all__ = ["DEFAULT_USERS", "Role", "SimulatorOptions", "serve"]
