"""The shape of one tenant: keys, quotas and policy."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.policy import OPTIONS
from gateway.settings.fields import Card, Count, Identifier, Name, Pattern, Section, Sha256, TimeZone


class ApiKey(Section):
    """The SHA-256 of one API key; `gateway keys new` makes both."""

    id: Annotated[Name, Field(examples=["crm"])]
    sha256: Annotated[Sha256, Field(examples=["0" * 64])]


class Quota(Section):
    """One quota; `burst` is the bucket's size (default: the limit), for second, minute and hour."""

    name: Annotated[Name, Field(examples=["daily"])]
    # What GraphQL's Int can tell. A bucket holds less: see MOST_OF_A_BUCKET.
    limit: Annotated[int, Field(ge=1, le=2_147_483_647, examples=[1000])]
    per: Annotated[Literal["second", "minute", "hour", "day", "month", "concurrent"], Field(examples=["day"])]
    burst: Count | None = None
    time_zone: TimeZone = "UTC"
    scope: Literal["tenant", "user", "callee"] = "tenant"


class Destinations(Section):
    """Who may be rung; patterns over exactly the text that is sent."""

    allow: tuple[Pattern, ...] = Field(default=(), strict=False)
    deny: tuple[Pattern, ...] = Field(default=(), strict=False)


class PolicySettings(Section):
    """What a tenant may ask for; nothing that is not listed."""

    destinations: Destinations = Destinations()
    lines: tuple[Pattern, ...] = Field(default=(), strict=False)
    presented_caller_ids: tuple[Pattern, ...] = Field(default=(), strict=False)
    max_wait_seconds: Annotated[int, Field(ge=0, le=86_400)] = 30
    max_delay_seconds: Annotated[int, Field(ge=0, le=86_400)] = 60
    options: tuple[Literal[OPTIONS], ...] = Field(default=(), strict=False)  # type: ignore[valid-type]
    recording_groups: tuple[Identifier, ...] = Field(default=(), strict=False)
    cards: tuple[Card, ...] = Field(default=(), strict=False)
    customers: tuple[Identifier, ...] = Field(default=(), strict=False)


class TenantSettings(Section):
    """One tenant."""

    suspended: bool = False
    api_keys: tuple[ApiKey, ...] = Field(default=(), strict=False)
    credentials: Annotated[Name, Field(examples=["default"])]
    customer: Identifier | None = None
    idempotency: Literal["optional", "required"] = "optional"
    trust_sampling: bool = False
    quotas: tuple[Quota, ...] = Field(default=(), strict=False)
    policy: PolicySettings = PolicySettings()
