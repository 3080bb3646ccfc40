"""The verifier of tokens, which only a configuration with an issuer needs: it brings ten megabytes of
cryptography, imported when the first one is configured."""

import asyncio
import time
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

from gateway.settings.model import JwtIssuer
from gateway.tenant import Tenant

if TYPE_CHECKING:
    from gateway.access.jwt import JwtVerifier
    from gateway.access.key_sources import JwksSources

_LOOK_SECONDS: Final = 1.0
_VERIFYING: Final = ("gateway.access.jwt", "gateway.access.key_sources")


class Issuers:
    """The key sources of a process, which outlive a reload, and the verifiers over them."""

    def __init__(self) -> None:
        self._sources: JwksSources | None = None

    @staticmethod
    def prepare(issuers: Sequence[JwtIssuer]) -> None:
        """Import what a verifier for these issuers takes. From any thread, so that no request waits."""
        if issuers:
            for name in _VERIFYING:
                import_module(name)

    def verifier(self, issuers: tuple[JwtIssuer, ...], tenants: dict[str, Tenant]) -> "JwtVerifier | None":
        """A verifier for these issuers; None without one."""
        if not issuers:
            return None
        from gateway.access.jwt import JwtVerifier  # noqa: PLC0415 - see above
        from gateway.access.key_sources import JwksSources  # noqa: PLC0415

        if self._sources is None:
            self._sources = JwksSources(time.monotonic)
        verifier = JwtVerifier(issuers, tenants, self._sources, time.time)
        self._sources.retain(issuers)
        return verifier

    async def keep_fresh(self) -> None:
        """Look the keys up whenever it is due, until cancelled."""
        while True:
            if self._sources is not None:
                await self._sources.keep_fresh()
            await asyncio.sleep(_LOOK_SECONDS)

    async def aclose(self) -> None:
        """End what is being fetched."""
        if self._sources is not None:
            await self._sources.aclose()


__all__ = ["Issuers"]
