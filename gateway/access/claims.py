"""What a verified token says about its sender, judged by its issuer's settings (contract, section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.access.jws import BadToken
from gateway.access.principal import ALL_SCOPES
from gateway.settings.model import JwtIssuer

LEEWAY_SECONDS: Final = 30
"""How far the issuer's clock and ours may differ."""
MAX_LIFETIME_SECONDS: Final = 86_400
MAX_SUBJECT_LENGTH: Final = 255
"""OpenID Connect Core, section 2."""
_LAST_INSTANT: Final = 2**40
"""Far past any date meant in seconds; numbers below it can't overflow a float."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the claims say. `subject` is unique over all issuers; `until` is in epoch seconds."""

    subject: str
    tenant: str
    scopes: frozenset[str]
    until: float


def read_claims(claims: Mapping[str, object], issuer: JwtIssuer, now: float) -> Identity:
    """The identity in the claims of a token of that issuer; `now` in epoch seconds. Raises BadToken."""
    expires = _check_times(claims, now)
    if issuer.audience not in _strings(claims.get("aud")):
        raise BadToken("unknown", "The token's `aud` does not name this gateway.")
    subject = claims.get("sub")
    # A printable text has no line break (nor lone surrogates), which separates it from the issuer below.
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= MAX_SUBJECT_LENGTH
        or not subject.isprintable()
    ):
        raise BadToken(
            "malformed",
            f"The token's `sub` must be a text of 1 to {MAX_SUBJECT_LENGTH} printable characters.",
        )
    tenant = claims.get(issuer.tenant_claim)
    if not isinstance(tenant, str):
        raise BadToken("unknown", "The token does not name its tenant.")
    return Identity(
        f"jwt:{issuer.issuer}\n{subject}", tenant, _scopes(claims.get("scope")), expires + LEEWAY_SECONDS
    )


def _check_times(claims: Mapping[str, object], now: float) -> float:
    expires, issued, begins = (_instant(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None:
        raise BadToken("malformed", "The token's `exp` is missing.")
    if now >= expires + LEEWAY_SECONDS:
        raise BadToken("expired", "The token's `exp` is past; get a new one.")
    if issued is not None and issued > now + LEEWAY_SECONDS:
        raise BadToken("unknown", "The token's `iat` is in the future.")
    if begins is not None and begins > now + LEEWAY_SECONDS:
        raise BadToken("unknown", "The token's `nbf` is in the future.")
    # Without `iat` the rest of its life is all that can be judged, by clocks that differ.
    lifetime_seconds = expires - now - LEEWAY_SECONDS if issued is None else expires - issued
    if lifetime_seconds > MAX_LIFETIME_SECONDS:
        raise BadToken("unknown", "The token lives longer than 24 hours.")
    return expires


def _instant(claims: Mapping[str, object], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_INSTANT:
        raise BadToken("malformed", f"The token's `{name}` must be a number of seconds since 1970.")
    return value


def _scopes(value: object) -> frozenset[str]:
    # RFC 8693, section 4.2: a text separated by spaces; some issuers send a list. What is neither
    # holds nothing, so that the refusal will name the scope that lacks.
    return ALL_SCOPES.intersection(value.split(" ") if isinstance(value, str) else _strings(value))


def _strings(value: object) -> tuple[str, ...]:
    """A text, or a list of texts; nothing of a list that holds anything else."""
    items: list[object] = value if isinstance(value, list) else [value]
    texts = tuple(item for item in items if isinstance(item, str))
    return texts if len(texts) == len(items) else ()
