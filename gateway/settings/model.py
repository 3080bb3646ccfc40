"""The configuration's shape: one pydantic model, every key of the contract's section 2.

Unknown keys are faults, values are strict, instances are frozen. The JSON Schema of the
configuration is generated from here. What one key alone can't tell is judged in `rules`, so make
settings through `load`, not by hand.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from gateway.settings.fields import (
    Card,
    CorsOrigin,
    Count,
    FilePath,
    Host,
    Name,
    Port,
    Seconds,
    Section,
    StoreUrl,
    WebUrl,
)
from gateway.settings.tenants import (
    ApiKey,
    Destinations,
    PolicySettings,
    Quota,
    TenantSettings,
)

__all__ = [
    "Admin",
    "ApiKey",
    "Auth",
    "Circuit",
    "Cors",
    "Credentials",
    "Destinations",
    "Drain",
    "Graphql",
    "JwtIssuer",
    "Limits",
    "Listen",
    "PolicySettings",
    "Quota",
    "Settings",
    "Store",
    "TelemetrySettings",
    "TenantSettings",
    "Tls",
    "Upstream",
    "json_schema",
]


class Listen(Section):
    """Where the two doors are served."""

    host: Host = "127.0.0.1"
    port: Port = 8080


class Admin(Section):
    """Where /metrics, /livez, /readyz and /startupz are served; never the public port."""

    host: Host = "127.0.0.1"
    port: Port = 9464


class Limits(Section):
    """What a client may send, and how slowly."""

    body_bytes: Annotated[int, Field(ge=64, le=16_777_216)] = 65_536
    header_bytes: Annotated[int, Field(ge=256, le=1_048_576)] = 16_384
    header_seconds: Seconds = 10
    body_seconds: Seconds = 10


class Drain(Section):
    """On SIGTERM: not ready, keep serving for the delay, then settle everything within the grace."""

    delay_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0
    grace_seconds: Seconds = 75


class Tls(Section):
    """How the upstream is verified; null: the system's authorities."""

    ca_file: FilePath | None = None


class Credentials(Section):
    """A directory with the files `username` and `password`, read and re-read as one pair."""

    directory: Annotated[FilePath, Field(examples=["/run/secrets/pbx"])]


class Circuit(Section):
    """Consecutive failures to connect that open the transport circuit, and for how long."""

    failures: Count = 5
    open_seconds: Seconds = 10


def _circuit(value: object) -> str:
    """Which branch a `circuit` is meant to be, so that a fault speaks of that branch alone."""
    return "off" if isinstance(value, str) else "circuit"


def _off(value: object) -> object:
    # YAML 1.1 reads a bare `off` as false.
    return "off" if value is False else value


class Upstream(Section):
    """The legacy API."""

    base_url: Annotated[WebUrl, Field(examples=["https://pbx.example.com/api/json"])]
    allow_plaintext: bool = False
    tls: Tls = Tls()
    method: Literal["GET", "POST"] = "GET"
    separator: Literal[";", "&"] = ";"
    credentials: Annotated[
        dict[Name, Credentials],
        Field(min_length=1, examples=[{"default": {"directory": "/run/secrets/pbx"}}]),
    ]
    connect_timeout_seconds: Seconds = 3
    answer_margin_seconds: Seconds = 10
    max_in_flight: Count = 512
    max_in_flight_waiting: Annotated[int, Field(ge=0, le=1_000_000)] = 384
    max_in_flight_per_tenant: Count = 128
    reuse_connections: bool = True
    idle_connection_seconds: Seconds = 2
    circuit: Annotated[
        Annotated[Circuit, Tag("circuit")] | Annotated[Literal["off"], Tag("off")],
        Discriminator(_circuit),
        BeforeValidator(_off),
    ] = Circuit()
    callee_types: tuple[Card, ...] = Field(default=(), strict=False)


class Store(Section):
    """The ledger's store."""

    url: Annotated[StoreUrl, Field(examples=["sqlite:///var/lib/gateway/gateway.db"])]
    password_file: FilePath | None = None
    spool_directory: FilePath | None = None
    ca_file: FilePath | None = None
    connect_timeout_ms: Count = 100
    command_timeout_ms: Count = 150
    retention_hours: Annotated[int, Field(ge=1, le=8784)] = 24
    unknown_retention_days: Annotated[int, Field(ge=1, le=3660)] = 30


class TelemetrySettings(Section):
    """What is told, and where to."""

    otlp_endpoint: WebUrl | None = None
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = 0.1
    slow_call_seconds: Annotated[float, Field(ge=0, le=86_400)] = 2
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    audit_numbers: Literal["masked", "full"] = "masked"


class Cors(Section):
    """Which web pages may call the doors."""

    allowed_origins: tuple[CorsOrigin, ...] = Field(default=(), strict=False)


class Graphql(Section):
    """The GraphQL door."""

    introspection: bool = True


class JwtIssuer(Section):
    """One issuer of tokens. Exactly one of `jwks_url` and `jwks_file` names its keys."""

    issuer: Annotated[str, Field(min_length=1, examples=["https://id.example.com/"])]
    audience: Annotated[str, Field(min_length=1, examples=["gateway"])]
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


class Auth(Section):
    """Who may ask, besides the tenants' API keys."""

    jwt: tuple[JwtIssuer, ...] = Field(default=(), strict=False)


class Settings(Section):
    """The whole configuration."""

    paused: bool = False
    listen: Listen = Listen()
    admin: Admin = Admin()
    limits: Limits = Limits()
    drain: Drain = Drain()
    upstream: Annotated[
        Upstream,
        Field(
            examples=[
                {
                    "base_url": "https://pbx.example.com/api/json",
                    "credentials": {"default": {"directory": "/run/secrets/pbx"}},
                }
            ]
        ),
    ]
    store: Annotated[Store, Field(examples=[{"url": "sqlite:///var/lib/gateway/gateway.db"}])]
    telemetry: TelemetrySettings = TelemetrySettings()
    cors: Cors = Cors()
    graphql: Graphql = Graphql()
    console: bool = True
    auth: Auth = Auth()
    tenants: dict[Name, TenantSettings] = Field(default_factory=dict)


def json_schema() -> dict[str, Any]:
    """The configuration's JSON Schema, draft 2020-12, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(),
        "title": "Gateway configuration",
    }
