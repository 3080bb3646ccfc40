"""Keys made once, a server of keys, and verifiers over them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.access import Denied, Principal
from gateway.access.jwt import JwtVerifier
from gateway.access.key_sources import JwksSources
from gateway.settings.model import JwtIssuer, TenantSettings
from gateway.tenant import Tenant, tenant_of
from tests.access.issuer import NOW, Clock, KeyServer, SigningKey, ec_key, ed_key, rsa_key, serving


@dataclass(frozen=True)
class Keys:
    """`rsa` and `ec` are the issuer's; `stranger` is nobody's; `next` is what the issuer rotates to."""

    rsa: SigningKey
    ec: SigningKey
    ed: SigningKey
    next: SigningKey
    stranger: SigningKey


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys(rsa_key("rsa-1"), ec_key("ec-1"), ed_key("ed-1"), rsa_key("rsa-2"), rsa_key("rsa-1"))


@pytest.fixture(scope="session")
def tenants() -> dict[str, Tenant]:
    settings = TenantSettings.model_validate({"credentials": "default"})
    return {name: tenant_of(name, settings) for name in ("acme", "globex")}


@pytest.fixture
def key_server():
    with serving() as server:
        yield server


@dataclass
class Bench:
    """One process: sources of keys and two clocks, asked for verifiers as configurations come."""

    tenants: dict[str, Tenant]
    sources: JwksSources
    epoch: Clock
    monotonic: Clock

    def verifier(self, *issuers: JwtIssuer) -> JwtVerifier:
        return JwtVerifier(issuers, self.tenants, self.sources, self.epoch)

    def pass_seconds(self, seconds: float) -> None:
        self.epoch.now += seconds
        self.monotonic.now += seconds


@pytest.fixture
def play(tenants):
    """Runs a story `async def story(bench)` on a loop of its own."""

    def play(story, fetch_timeout_seconds: float = 2.0) -> Any:
        async def main() -> Any:
            monotonic = Clock(1000.0)
            sources = JwksSources(monotonic, fetch_timeout_seconds=fetch_timeout_seconds)
            try:
                return await story(Bench(tenants, sources, Clock(NOW), monotonic))
            finally:
                await sources.aclose()

        return asyncio.run(main())

    return play


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what another thread or task is about to bring."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing here can set an event
            await asyncio.sleep(0.002)


async def asked(server: KeyServer, times: int) -> None:
    """Waits until the server was asked so often."""
    await until(lambda: len(server.paths) >= times)


def reason(verdict: Principal | Denied) -> str:
    """The metric's reason, or `ok`."""
    return verdict.reason if isinstance(verdict, Denied) else "ok"
