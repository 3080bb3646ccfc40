"""What a simulator is told at its start."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Role = Literal["actions", "panel", "none"]

# The pair of the vendor's examples, so that their URLs can be pasted as they are.
DEFAULT_USERS = (("user", "password"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """Where to listen, whom to know and how to answer.

    users: pairs of (username, password); none means DEFAULT_USERS.
    role: what every service user may do; the page asks for "actions" or "panel", "none" earns a 402.
    latency_ms: how long each answer to a call takes, counted from the request's last byte.
    ledger_path: the dial ledger's file, continued if it exists; None keeps the ledger in memory.
    """

    host: str = "127.0.0.1"
    port: int = 8081
    users: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    role: Role = "actions"
    latency_ms: int = 0
    ledger_path: Path | None = None
