"""The tenants of a soak: generous, tight, key-demanding, asleep, pinned; by API key and by JWT."""

from pathlib import Path
from typing import Any

from tests.access.issuer import AUDIENCE, ISSUER, key_set
from tests.e2e.town import KEY
from tests.house import configuration, open_policy, tenant

MANY = 24
CIRCUIT = {"failures": 5, "open_seconds": 1}
"""Soon closed again, or a run would be of refusals."""
PLENTY = {"name": "daily", "limit": 1_000_000, "per": "day"}
POLICY = open_policy(
    destinations={"allow": ["*"], "deny": ["1900*"]},
    options=["screening"],
    max_wait_seconds=5,
    max_delay_seconds=5,
)
FREE = tuple(f"house-{n}" for n in range(MANY))
"""Tenants whose calls are admitted."""
TIGHT = tuple(f"tight-{n}" for n in range(2))
"""Tenants that are mostly refused."""
ARCHIVE = "archive"
"""The tenant that made many calls before the gateway was started."""


def tenants() -> dict[str, dict[str, Any]]:
    """Everybody."""
    at_once = {"name": "at-once", "limit": 100, "per": "concurrent"}
    a_user = {"name": "user", "limit": 1_000_000, "per": "hour", "scope": "user"}
    a_callee = {"name": "callee", "limit": 5, "per": "minute", "scope": "callee"}
    tight = [
        PLENTY,
        {"name": "few", "limit": 3, "per": "minute"},
        {"name": "one", "limit": 1, "per": "concurrent"},
    ]
    return {
        **{name: tenant(name, policy=POLICY, quotas=[PLENTY, at_once, a_user, a_callee]) for name in FREE},
        **{name: tenant(name, policy=POLICY, quotas=tight) for name in TIGHT},
        ARCHIVE: tenant(ARCHIVE, policy=POLICY, quotas=[PLENTY]),
        "strict": tenant("strict", policy=POLICY, idempotency="required", quotas=[PLENTY]),
        "asleep": tenant("asleep", policy=POLICY, suspended=True, quotas=[PLENTY]),
        "pinned": tenant("pinned", policy=POLICY, customer=42, quotas=[PLENTY]),
    }


def settings(directory: Path, upstream_url: str, store: dict[str, Any]) -> dict[str, Any]:
    """The configuration: short margins and bounds, so that what hangs is over within the run."""
    keys = directory / "jwks.json"
    keys.write_bytes(key_set(KEY))
    return configuration(
        directory,
        upstream_url,
        tenants(),
        store=store,
        upstream={"answer_margin_seconds": 2, "idle_connection_seconds": 1, "circuit": CIRCUIT},
        limits={"header_seconds": 2, "body_seconds": 2},
        drain={"delay_seconds": 0, "grace_seconds": 20},
        auth={"jwt": [{"issuer": ISSUER, "audience": AUDIENCE, "jwks_file": str(keys)}]},
    )
