"""From a call to the legacy query: pure, built once, exactly as the vendor's page documents it.

Credentials first, then the page's own order; parameters at their legacy default are left out, but
`stype` and `ctype` are always sent. UTF-8, everything but the unreserved characters of RFC 3986
(section 2.3) percent-encoded, so that no value can end or begin a parameter.
"""

from operator import attrgetter
from typing import Final, Literal
from urllib.parse import quote_from_bytes

from gateway.call import PARAMETERS, CallRequest
from gateway.call.kinds import Choice, Value
from gateway.settings.credentials import Pair
from gateway.values import value_class

FUNCTION_PATH: Final = "/calls/make/"
REDACTED: Final = "REDACTED"

Method = Literal["GET", "POST"]
Separator = Literal[";", "&"]


@value_class(frozen=True, slots=True)
class UpstreamRequest:
    """What a dry run shows: the path with the base path, and the query or the body."""

    method: Method
    path: str
    query: str | None
    body: str | None


@value_class(frozen=True, slots=True)
class Dialect:
    """How one host takes its parameters. `separator` is for GET; a POST body always uses `&`."""

    base_path: str
    method: Method = "GET"
    separator: Separator = ";"

    @property
    def path(self) -> str:
        """The only path that the gateway can reach."""
        return self.base_path.rstrip("/") + FUNCTION_PATH

    @property
    def joint(self) -> str:
        """What stands between two parameters."""
        return "&" if self.method == "POST" else self.separator


def _encode(text: str) -> str:
    # quote's own set is A-Z a-z 0-9 _ . - ~, the unreserved characters of RFC 3986 section 2.3.
    return text if text.isalnum() and text.isascii() else quote_from_bytes(text.encode(), safe="")


def _legacy_text(value: Value, choices: dict[str, str] | None) -> str:
    if value is None:
        return ""
    if value is True:
        return "1"
    if value is False:
        return "0"
    if choices is not None:
        return choices[str(value)]
    return str(value)


# (field, legacy name with its equals sign, default, choice words)
_ROWS: Final = tuple(
    (p.field, p.legacy + "=", p.default, dict(p.kind.legacy_of) if isinstance(p.kind, Choice) else None)
    for p in PARAMETERS
    if p.legacy is not None
)
_ALWAYS: Final = sum(p.always_sent or p.required for p in PARAMETERS)
"""So many of the first rows are sent whatever their value."""

_SENT_ROWS, _OTHER_ROWS = _ROWS[:_ALWAYS], _ROWS[_ALWAYS:]
_sent_of: Final = attrgetter(*(field for field, *_ in _SENT_ROWS))
_others_of: Final = attrgetter(*(field for field, *_ in _OTHER_ROWS))
_DEFAULTS: Final = tuple(default for _, _, default, _ in _OTHER_ROWS)


def parameters_text(call: CallRequest, customer: int | None, joint: str) -> str:
    """The call's own parameters, encoded and joined, without credentials.

    `customer` is the tenant's pinned customer, which is sent always and instead of any other.
    """
    parts = [
        name + _encode(_legacy_text(value, choices))
        for value, (_, name, _, choices) in zip(_sent_of(call), _SENT_ROWS, strict=True)
    ]
    others = _others_of(call)
    if customer is None and others == _DEFAULTS:  # most calls, and all that need be asked of them
        return joint.join(parts)
    for value, (field, name, default, choices) in zip(others, _OTHER_ROWS, strict=True):
        if field == "billing_customer_id" and customer is not None:
            parts.append(f"{name}{customer}")
        elif value != default:
            parts.append(name + _encode(_legacy_text(value, choices)))
    return joint.join(parts)


def with_credentials(pair: Pair, text: str, joint: str) -> bytes:
    """The whole query (or form body): for the wire only, never kept, logged or shown."""
    return (
        f"auth_username={_encode(pair.username)}{joint}auth_password={_encode(pair.password)}{joint}{text}"
    ).encode("ascii")


def upstream_request(dialect: Dialect, call: CallRequest, customer: int | None) -> UpstreamRequest:
    """The request as a dry run shows it."""
    text = parameters_text(call, customer, dialect.joint)
    shown = with_credentials(Pair(REDACTED, REDACTED), text, dialect.joint).decode("ascii")
    if dialect.method == "POST":
        return UpstreamRequest("POST", dialect.path, None, shown)
    return UpstreamRequest("GET", dialect.path, shown, None)
