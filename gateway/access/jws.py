"""A compact JWS (RFC 7515), taken apart once and strictly. Nothing here is verified yet.

The token is read in one place only: the bytes that are judged are the bytes whose signature is
checked, so no two parsers can differ over them. Hence no second spelling is read either: base64url
is canonical and unpadded (RFC 7515, section 2), names are unique (sections 4 and RFC 7519, section 4).
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from gateway.access.principal import AuthReason

_TYPES: Final = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
"""RFC 8725, section 3.11: a token made for something else (a logout, a proof) is no access token."""


class BadToken(Exception):  # noqa: N818 - the name says what is bad
    """A token that is not taken. `detail` helps its sender and holds nothing of the token."""

    def __init__(self, reason: AuthReason, detail: str) -> None:
        """`reason` is what the metric counts, `detail` one sentence."""
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Token:
    """The parts of a token. `signed` is the text that `signature` should have signed."""

    header: Mapping[str, object]
    claims: Mapping[str, object]
    signed: bytes
    signature: bytes


def read_token(token: bytes) -> Token:
    """The parts of a compact JWS. Raises BadToken (malformed)."""
    parts = token.split(b".")
    if len(parts) != 3:
        raise _malformed("The token must have three parts, separated by dots.")
    try:
        header, claims, signature = (_base64url(part) for part in parts)
        return Token(json_object(header), json_object(claims), token[: token.rindex(b".")], signature)
    except ValueError:
        raise _malformed(
            "The token's parts must be unpadded base64url, and the first two JSON objects with unique names."
        ) from None


def check_header(header: Mapping[str, object]) -> None:
    """Refuses what a header may ask that is not done here. Raises BadToken.

    `jku`, `x5u`, `jwk` and `x5c` are not looked at: keys come from the configuration alone.
    """
    # RFC 7515, section 4.1.11: what is marked critical must be understood, and no extension is.
    if "crit" in header or header.get("b64", True) is not True:
        raise _malformed("The token's header asks for extensions (`crit`, `b64`) that are not supported.")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise _malformed("The token's `typ` must be absent, `JWT` or `at+jwt`.")


def json_object(text: bytes) -> Mapping[str, object]:
    """A JSON object in UTF-8 with unique names and finite numbers. Raises ValueError."""
    try:
        value: object = _DECODER.decode(text.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - bad input, not a caller's mistake
    return value


def _base64url(part: bytes) -> bytes:
    try:
        data = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except binascii.Error:
        raise ValueError("no base64url") from None
    # The standard library skips foreign characters and stray bits; only the one right spelling comes back.
    if base64.urlsafe_b64encode(data).rstrip(b"=") != part:
        raise ValueError("no canonical base64url")
    return data


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _malformed(detail: str) -> BadToken:
    return BadToken("malformed", detail)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
