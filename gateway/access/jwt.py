"""JWTs of the configured issuers, verified once and then known by their digest.

`iss` is read before anything is verified, but only to choose the issuer whose settings then judge
the token; which keys and algorithms serve is the configuration's say, never the token's (RFC 8725,
sections 3.1 to 3.10).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.access.claims import Identity, read_claims
from gateway.access.jwks import KeySet
from gateway.access.jws import BadToken, Token, check_header, read_token
from gateway.access.key_sources import JwksSources, KeySource
from gateway.access.principal import Denied, Principal, unauthenticated
from gateway.settings.model import JwtIssuer
from gateway.tenant import Tenant

MAX_VERIFIED_TOKENS: Final = 10_000
_MOST_KEYS_TRIED: Final = 4
"""For tokens without `kid`; each try takes a signature's check."""
_NO_KEYS: Final = "The keys of the token's issuer could not be fetched; try again shortly."


@dataclass(frozen=True, slots=True)
class _Issuer:
    settings: JwtIssuer
    source: KeySource


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token known to be good while its keys are the ones it was verified with, and until `until`."""

    principal: Principal
    until: float
    source: KeySource
    keys: KeySet


class JwtVerifier:
    """Verifies tokens under one configuration; a reload makes a new one, over the same sources."""

    def __init__(
        self,
        issuers: tuple[JwtIssuer, ...],
        tenants: Mapping[str, Tenant],
        sources: JwksSources,
        clock: Callable[[], float],
    ) -> None:
        """`clock` tells epoch seconds."""
        self._issuers = {each.issuer: _Issuer(each, sources.source(each)) for each in issuers}
        self._tenants = tenants
        self._clock = clock
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    async def verify(self, token: bytes) -> Principal | Denied:
        """The principal of a compact JWS, or why not: expired, malformed, or unknown for all else."""
        digest = hashlib.sha256(token).digest()
        known = self._verified.get(digest)
        if known is not None:
            if self._clock() < known.until and known.source.current() is known.keys:
                self._verified.move_to_end(digest)
                return known.principal
            del self._verified[digest]
        try:
            verified = await self._judge(read_token(token))
        except BadToken as fault:
            return unauthenticated(fault.reason, fault.detail)
        self._verified[digest] = verified
        if len(self._verified) > MAX_VERIFIED_TOKENS:
            self._verified.popitem(last=False)
        return verified.principal

    async def _judge(self, token: Token) -> _Verified:
        name = token.claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise BadToken("unknown", "The token's `iss` is no issuer that is trusted here.")
        check_header(token.header)
        keys = await self._signing_keys(token, issuer)
        identity = read_claims(token.claims, issuer.settings, self._clock())
        return _Verified(self._principal(identity), identity.until, issuer.source, keys)

    async def _signing_keys(self, token: Token, issuer: _Issuer) -> KeySet:
        """The keys of the issuer, one of which signed the token. Raises BadToken."""
        algorithm, kid = token.header.get("alg"), token.header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in issuer.settings.algorithms:
            raise BadToken("unknown", "The token's `alg` is not one that its issuer signs with.")
        if not (kid is None or isinstance(kid, str)):
            raise BadToken("malformed", "The token's `kid` must be a text.")
        keys = issuer.source.current()
        if keys is None or not keys.fitting(kid, algorithm):
            keys = await issuer.source.renewed()
        if keys is None:
            raise BadToken(
                "unknown", "The keys of the token's issuer could not be fetched; try again shortly."
            )
        for key in keys.fitting(kid, algorithm)[:_MOST_KEYS_TRIED]:
            if key.verifies(algorithm, token.signed, token.signature):
                return keys
        raise BadToken("unknown", "The token's signature is by no key of its issuer.")

    def _principal(self, identity: Identity) -> Principal:
        tenant = self._tenants.get(identity.tenant)
        if tenant is None:
            raise BadToken("unknown", "The token's tenant is not known here.")
        return Principal(tenant, identity.subject, None, identity.scopes)
