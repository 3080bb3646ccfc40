"""The `Authorization` header: an API key, found by its digest, or a JWT, handed to the verifier.

Only SHA-256 digests of API keys are held. A key is 256 random bits, so a plain digest looked up in
a dict tells nothing by its timing that would help to guess one.
"""

import hashlib
from collections.abc import Mapping
from typing import Final, Protocol

from gateway.access.principal import ALL_SCOPES, Denied, Principal, unauthenticated
from gateway.settings.model import Settings
from gateway.tenant import Tenant

MAX_CREDENTIAL_BYTES: Final = 8192
_WAY: Final = "send `Authorization: Bearer <API key or JWT>`"


class TokenVerifier(Protocol):
    """Verifies JWTs of the configured issuers."""

    async def verify(self, token: bytes) -> Principal | Denied:
        """The principal of a compact JWS, or why not."""


class Access:
    """Knows the API keys of one configuration; a reload makes a new one."""

    def __init__(
        self, settings: Settings, tenants: Mapping[str, Tenant], tokens: TokenVerifier | None
    ) -> None:
        """`tokens` is None where no issuer is configured."""
        self._tokens = tokens
        self._keys = {
            bytes.fromhex(key.sha256): Principal(tenants[name], f"key:{key.id}", key.id, ALL_SCOPES)
            for name, tenant in settings.tenants.items()
            for key in tenant.api_keys
        }

    async def authenticate(self, authorization: bytes | None) -> Principal | Denied:
        """Who sent this header value."""
        if authorization is None:
            return unauthenticated("missing", f"No credential was sent: {_WAY}.")
        scheme, _, credential = authorization.partition(b" ")
        credential = credential.strip()
        if scheme.lower() != b"bearer" or not credential or len(credential) > MAX_CREDENTIAL_BYTES:
            return unauthenticated("malformed", f"The Authorization header could not be read: {_WAY}.")
        principal = self._keys.get(hashlib.sha256(credential).digest())
        if principal is not None:
            return principal
        if self._tokens is not None and credential.count(b".") == 2:
            return await self._tokens.verify(credential)
        return unauthenticated("unknown", "The API key is not known here; ask the operators for a valid one.")
