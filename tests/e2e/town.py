"""The tenants of the gateway that most end-to-end tests share, and tokens for them."""

import hashlib
import time
from pathlib import Path
from typing import Any

from tests.access.issuer import AUDIENCE, ISSUER, SigningKey, ec_key, key_set
from tests.house import DOORS, api_key, configuration, open_policy, tenant

EVERYTHING = open_policy(
    presented_caller_ids=["*"],
    options=["autoAnswer", "screening", "suppressForwarding", "calleeType"],
    recording_groups=[7],
    cards=["card-1"],
    customers=[42],
)
DAILY = {"name": "daily", "limit": 1000, "per": "day"}
AT_ONCE = {"name": "at-once", "limit": 50, "per": "concurrent"}
PERIODS = ("second", "minute", "hour", "day", "month")
SCOPES = ("tenant", "user", "callee")
N = 4

KEY: SigningKey = ec_key("town-1")


def token(tenant_name: str, scope: str = "calls:make calls:read", user: str = "agent-7") -> str:
    """A good token of one hour."""
    now = int(time.time())
    claims = {"iat": now - 5, "exp": now + 3600, "tenant": tenant_name, "scope": scope, "sub": user}
    return KEY.token(**claims).decode("ascii")


def bearer(tenant_name: str, scope: str = "calls:make calls:read", user: str = "agent-7") -> dict[str, str]:
    """The header that a token goes in."""
    return {"Authorization": f"Bearer {token(tenant_name, scope, user)}"}


def counted(per: str, scope: str) -> str:
    """The tenant whose quota counts by that period and scope."""
    return f"n-{per}-{scope}"


def _counted(per: str, scope: str) -> dict[str, Any]:
    quota: dict[str, Any] = {"name": "tight", "limit": N, "per": per, "scope": scope}
    if per == "second":
        quota |= {"limit": 1, "burst": N}
    return tenant(counted(per, scope), policy=EVERYTHING, quotas=[DAILY, quota])


def _upper(name: str) -> str:
    return hashlib.sha256(api_key(name).encode()).hexdigest().upper()


def tenants() -> dict[str, dict[str, Any]]:
    """Everybody in town."""
    plain = {name: tenant(name, policy=EVERYTHING, quotas=[DAILY]) for name in ("acme", "globex", "faulty")}
    return {
        **plain,
        "free": tenant("free", policy=EVERYTHING),
        "shouted": tenant("shouted", quotas=[DAILY], api_keys=[{"id": "crm", "sha256": _upper("shouted")}]),
        "asleep": tenant("asleep", suspended=True, quotas=[DAILY]),
        "strict": tenant("strict", idempotency="required", quotas=[DAILY]),
        "pinned": tenant("pinned", customer=42, quotas=[DAILY]),
        "nobody": tenant("nobody", policy={}, quotas=[DAILY]),
        "narrow": tenant("narrow", quotas=[DAILY], policy=open_policy(destinations={"allow": ["12*", "2*"]})),
        "spent": tenant("spent", quotas=[DAILY, {"name": "once", "limit": 1, "per": "month"}]),
        **{
            f"twice-{door}": tenant(
                f"twice-{door}",
                quotas=[DAILY, *({"name": per, "limit": 1, "per": per} for per in ("month", "hour"))],
            )
            for door in DOORS
        },
        "lean": tenant(
            "lean",
            quotas=[
                {"name": "once", "limit": 1, "per": "month"},
                {"name": "line", "limit": 1, "per": "concurrent"},
            ],
        ),
        "rated": tenant(
            "rated",
            policy=EVERYTHING,
            quotas=[
                {"name": "burst", "limit": 5, "per": "second", "burst": 9},
                {"name": "hourly", "limit": 100, "per": "hour"},
                DAILY,
                AT_ONCE,
                {"name": "same-callee", "limit": 3, "per": "hour", "scope": "callee"},
            ],
        ),
        **{counted(per, scope): _counted(per, scope) for per in PERIODS for scope in SCOPES},
    }


def settings(directory: Path, upstream_url: str, **more: Any) -> dict[str, Any]:
    """The town's configuration: a short margin, so that calls without answer are quickly over."""
    keys = directory / "jwks.json"
    keys.write_bytes(key_set(KEY))
    upstream = {"answer_margin_seconds": 1, "callee_types": ["phone"], "circuit": "off"}
    return configuration(
        directory,
        upstream_url,
        tenants(),
        upstream=upstream,
        auth={"jwt": [{"issuer": ISSUER, "audience": AUDIENCE, "jwks_file": str(keys)}]},
        cors={"allowed_origins": ["https://APP.example.com:443"]},
        telemetry={"log_level": "debug"},
        **more,
    )
