"""The configuration's shape: one pydantic model, every key of the contract's section 2.

Unknown keys are faults, values are strict, instances are frozen. The JSON Schema of the
configuration is generated from here. What one key alone can't tell is judged in `rules`.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.policy import OPTIONS, BadPattern, parse_pattern


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _pattern(text: str) -> str:
    try:
        parse_pattern(text)
    except BadPattern as fault:
        raise ValueError(str(fault)) from None
    return text


def _url(text: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"must be a URL such as {schemes[-1]}://host/path") from None
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        raise ValueError(f"must be a URL that starts with {' or '.join(s + '://' for s in schemes)}")
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise ValueError(
            "must hold no user, password, query or fragment: credentials have files of their own"
        )
    return text


def _web_url(text: str) -> str:
    return _url(text, ("http", "https"))


def _store_url(text: str) -> str:
    if text == "sqlite://:memory:":
        return text
    if text.startswith("sqlite://"):
        if not text.removeprefix("sqlite://").startswith("/") or text.endswith("/"):
            raise ValueError("must name a file by its absolute path: sqlite:///var/lib/gateway/gateway.db")
        return text
    return _url(text, ("redis", "rediss", "redis+cluster", "rediss+cluster"))


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone of the IANA database, such as Europe/Kyiv or UTC") from None
    return name


def _origin(text: str) -> str:
    if text != "*" and re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+", text) is None:
        raise ValueError("must be an origin such as https://app.example.com, without a path")
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
TimeZone = Annotated[str, AfterValidator(_zone)]
CorsOrigin = Annotated[str, AfterValidator(_origin)]
FilePath = Annotated[Path, Field(strict=False)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Card = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Identifier = Annotated[int, Field(ge=1, le=2_147_483_647)]


class Listen(_Section):
    """Where the two doors are served."""

    host: str = "127.0.0.1"
    port: Port = 8080


class Admin(_Section):
    """Where /metrics, /livez, /readyz and /startupz are served; never the public port."""

    host: str = "127.0.0.1"
    port: Port = 9464


class Limits(_Section):
    """What a client may send, and how slowly."""

    body_bytes: Annotated[int, Field(ge=1024, le=16_777_216)] = 65_536
    header_bytes: Annotated[int, Field(ge=1024, le=1_048_576)] = 16_384
    header_seconds: Seconds = 10
    body_seconds: Seconds = 10


class Drain(_Section):
    """On SIGTERM: not ready, keep serving for the delay, then settle everything within the grace."""

    delay_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0
    grace_seconds: Seconds = 75


class Tls(_Section):
    """How the upstream is verified; null: the system's authorities."""

    ca_file: FilePath | None = None


class Credentials(_Section):
    """A directory with the files `username` and `password`, read and re-read as one pair."""

    directory: FilePath


class Circuit(_Section):
    """Consecutive failures to connect that open the transport circuit, and for how long."""

    failures: Count = 5
    open_seconds: Seconds = 10


def _circuit(value: object) -> object:
    # YAML 1.1 reads a bare `off` as false.
    return "off" if value is False else value


class Upstream(_Section):
    """The legacy API."""

    base_url: WebUrl
    allow_plaintext: bool = False
    tls: Tls = Tls()
    method: Literal["GET", "POST"] = "GET"
    separator: Literal[";", "&"] = ";"
    credentials: Annotated[dict[Name, Credentials], Field(min_length=1)]
    connect_timeout_seconds: Seconds = 3
    answer_margin_seconds: Seconds = 10
    max_in_flight: Count = 512
    max_in_flight_waiting: Count = 384
    max_in_flight_per_tenant: Count = 128
    reuse_connections: bool = True
    idle_connection_seconds: Seconds = 2
    circuit: Annotated[Circuit | Literal["off"], BeforeValidator(_circuit)] = Circuit()
    callee_types: tuple[Card, ...] = Field(default=(), strict=False)


class Store(_Section):
    """The ledger's store."""

    url: StoreUrl
    password_file: FilePath | None = None
    spool_directory: FilePath | None = None
    ca_file: FilePath | None = None
    connect_timeout_ms: Count = 100
    command_timeout_ms: Count = 150
    retention_hours: Annotated[int, Field(ge=1, le=8784)] = 24
    unknown_retention_days: Annotated[int, Field(ge=1, le=3660)] = 30


class TelemetrySettings(_Section):
    """What is told, and where to."""

    otlp_endpoint: WebUrl | None = None
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = 0.1
    slow_call_seconds: Seconds = 2
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    audit_numbers: Literal["masked", "full"] = "masked"


class Cors(_Section):
    """Which web pages may call the doors."""

    allowed_origins: tuple[CorsOrigin, ...] = Field(default=(), strict=False)


class Graphql(_Section):
    """The GraphQL door."""

    introspection: bool = True


class JwtIssuer(_Section):
    """One issuer of tokens. Exactly one of `jwks_url` and `jwks_file` names its keys."""

    issuer: Annotated[str, Field(min_length=1)]
    audience: Annotated[str, Field(min_length=1)]
    jwks_url: WebUrl | None = None
    jwks_file: FilePath | None = None
    tenant_claim: Annotated[str, Field(min_length=1)] = "tenant"
    algorithms: Annotated[
        tuple[
            Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
            ...,
        ],
        Field(min_length=1, strict=False),
    ] = ("RS256", "ES256")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.jwks_url is None) == (self.jwks_file is None):
            raise ValueError("needs exactly one of `jwks_url` and `jwks_file`")
        return self


class Auth(_Section):
    """Who may ask, besides the tenants' API keys."""

    jwt: tuple[JwtIssuer, ...] = Field(default=(), strict=False)


class ApiKey(_Section):
    """The SHA-256 of one API key; `gateway keys new` makes both."""

    id: Name
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Quota(_Section):
    """One quota; `burst` is the bucket's size (default: the limit), for second, minute and hour."""

    name: Name
    limit: Annotated[int, Field(ge=1, le=1_000_000)]
    per: Literal["second", "minute", "hour", "day", "month", "concurrent"]
    burst: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    time_zone: TimeZone = "UTC"
    scope: Literal["tenant", "user", "callee"] = "tenant"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.burst is not None and self.per not in {"second", "minute", "hour"}:
            raise ValueError("`burst` belongs to quotas per second, minute or hour; leave it out here")
        if "time_zone" in self.model_fields_set and self.per not in {"day", "month"}:
            raise ValueError("`time_zone` belongs to quotas per day or month; leave it out here")
        return self


class Destinations(_Section):
    """Who may be rung; patterns over exactly the text that is sent."""

    allow: tuple[Pattern, ...] = Field(default=(), strict=False)
    deny: tuple[Pattern, ...] = Field(default=(), strict=False)


class PolicySettings(_Section):
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


class TenantSettings(_Section):
    """One tenant."""

    suspended: bool = False
    api_keys: tuple[ApiKey, ...] = Field(default=(), strict=False)
    credentials: Name
    customer: Identifier | None = None
    idempotency: Literal["optional", "required"] = "optional"
    trust_sampling: bool = False
    quotas: tuple[Quota, ...] = Field(default=(), strict=False)
    policy: PolicySettings = PolicySettings()


class Settings(_Section):
    """The whole configuration."""

    paused: bool = False
    listen: Listen = Listen()
    admin: Admin = Admin()
    limits: Limits = Limits()
    drain: Drain = Drain()
    upstream: Upstream
    store: Store
    telemetry: TelemetrySettings = TelemetrySettings()
    cors: Cors = Cors()
    graphql: Graphql = Graphql()
    console: bool = True
    auth: Auth = Auth()
    tenants: dict[Name, TenantSettings] = Field(default_factory=dict)


def json_schema() -> dict[str, Any]:
    """The configuration's JSON Schema, draft 2020-12, for editors."""
    schema = Settings.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Gateway configuration",
        **schema,
    }
