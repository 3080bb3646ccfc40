"""A JWK Set (RFC 7517) becomes public keys, each knowing which algorithms it may verify.

An algorithm must fit the key's type and curve and, where the key tells them, its `alg`, `use` and
`key_ops` (RFC 8725, section 3.1). Symmetric keys are left out, so that `HS256` over a public key, or
no algorithm at all, has nothing to be verified with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWTError
from jwt.algorithms import AllowedPublicKeys, get_default_algorithms

from gateway.access.jws import json_object

MAX_KEY_SET_BYTES: Final = 262_144
_RSA_BITS: Final = range(2048, 8193)
"""Below: weak (NIST SP 800-131A). Above: a signature would take milliseconds to check."""

_ALGORITHMS: Final = get_default_algorithms()
_FITTING: Final[Mapping[tuple[object, object], frozenset[str]]] = {
    ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("OKP", "Ed448"): frozenset({"EdDSA"}),
}
_PUBLIC_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "RSA": ("kty", "n", "e"),
    "EC": ("kty", "crv", "x", "y"),
    "OKP": ("kty", "crv", "x"),
}
_REPRESENTATIVE: Final = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key and the algorithms that it may verify."""

    kid: str | None
    algorithms: frozenset[str]
    public_key: AllowedPublicKeys

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over `signed`; `algorithm` must be one of its own."""
        return _ALGORITHMS[algorithm].verify(signed, self.public_key, signature)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of one document. A changed document is another object: identity is the version."""

    keys: tuple[VerificationKey, ...]

    def fitting(self, kid: str | None, algorithm: str) -> tuple[VerificationKey, ...]:
        """The keys that may have signed: of that id (any, where the token names none), for that algorithm."""
        return tuple(
            key for key in self.keys if algorithm in key.algorithms and (kid is None or key.kid == kid)
        )


def read_key_set(document: bytes) -> KeySet:
    """The usable keys of a JWK Set; others are left out (RFC 7517, section 5). Raises ValueError."""
    if len(document) > MAX_KEY_SET_BYTES:
        raise ValueError(f"the JWK Set is larger than {MAX_KEY_SET_BYTES} bytes")
    try:
        entries = json_object(document).get("keys")
    except ValueError:
        raise ValueError("not a JSON object with unique names") from None
    if not isinstance(entries, list):
        raise ValueError("not a JWK Set: the list `keys` is missing")  # noqa: TRY004 - bad input
    keys = (_key(entry) for entry in entries if isinstance(entry, dict))
    return KeySet(tuple(key for key in keys if key is not None))


def _key(jwk: Mapping[str, Any]) -> VerificationKey | None:
    kid, kty = jwk.get("kid"), jwk.get("kty")
    algorithms = _algorithms(jwk)
    if not algorithms or not isinstance(kty, str) or not (kid is None or isinstance(kid, str)):
        return None
    try:
        # Public members only: a private key in the set would become one that can't verify.
        public = {name: jwk[name] for name in _PUBLIC_MEMBERS[kty]}
        key = _ALGORITHMS[_REPRESENTATIVE[kty]].from_jwk(public)
    except (PyJWTError, KeyError, TypeError, ValueError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size not in _RSA_BITS:
        return None
    return VerificationKey(kid, algorithms, key)


def _algorithms(jwk: Mapping[str, object]) -> frozenset[str]:
    kty, crv = jwk.get("kty"), jwk.get("crv")
    if not isinstance(kty, str) or not (crv is None or isinstance(crv, str)):
        return frozenset()
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return frozenset()
    fitting = _FITTING.get((kty, None if kty == "RSA" else crv), frozenset())
    named = jwk.get("alg")
    return fitting if named is None else fitting & {named} if isinstance(named, str) else frozenset()
