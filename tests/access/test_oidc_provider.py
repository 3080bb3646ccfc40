"""Tokens of a real OpenID provider, a process of its own."""

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gateway.access import Principal
from gateway.access.jwt import JwtVerifier
from gateway.access.key_sources import JwksSources
from tests.access.conftest import reason
from tests.access.issuer import Clock, issuer_settings
from tests.node.runtime import installed_node

HERE = Path(__file__).parent
RESOURCE = "https://gateway.example.com"

# The first run on a machine installs the provider's packages.
pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True)
class Provider:
    """What the provider told: its issuer's name, and where its keys are."""

    issuer: str
    jwks_url: str

    def token(self, client: str, scope: str = "calls:make", resource: str = RESOURCE) -> bytes:
        answer = httpx.post(
            f"{self.issuer}/token",
            auth=(client, "secret-of-the-test-client"),
            data={"grant_type": "client_credentials", "scope": scope, "resource": resource},
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"].encode()

    def rotate(self) -> None:
        assert httpx.post(f"{self.issuer}/rotate", trust_env=False).status_code == 200


@pytest.fixture(scope="module")
def provider(tmp_path_factory) -> Iterator[Provider]:
    """The provider, found by its discovery document."""
    place = tmp_path_factory.mktemp("oidc")
    node = installed_node(HERE.parent / "node" / "oidc")
    (place / "node_modules").symlink_to(node.home / "node_modules")
    script = shutil.copy(HERE / "oidc_provider.mjs", place)
    with (
        (place / "errors.txt").open("w+") as errors,
        subprocess.Popen(
            [node.program, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (place / "errors.txt").read_text()
            issuer = json.loads(line)["issuer"]
            found = httpx.get(f"{issuer}/.well-known/openid-configuration", trust_env=False).json()
            assert found["issuer"] == issuer
            yield Provider(issuer, found["jwks_uri"])
        finally:
            process.kill()


@pytest.fixture
def verify(provider, tenants):
    """Verifies tokens one after the other; a callable among them happens in between."""

    def verify(*steps, **changes):
        settings = {"issuer": provider.issuer, "jwks_url": provider.jwks_url, **changes}

        async def story():
            sources = JwksSources(Clock(1000.0))
            verifier = JwtVerifier((issuer_settings(**settings),), tenants, sources, time.time)
            verdicts = []
            for step in steps:
                if isinstance(step, bytes):
                    verdicts.append(await verifier.verify(step))
                else:
                    verdicts.append(await verifier.verify(await asyncio.to_thread(step)))
            await sources.aclose()
            return verdicts

        return asyncio.run(story())

    return verify


@pytest.mark.parametrize(("client", "tenant"), [("crm", "acme"), ("dialer", "globex")])
def test_a_providers_token_becomes_its_principal(verify, provider, client, tenant):
    """RS256 and ES256 tokens, with the tenant, the subject and the scopes that the provider gave."""
    (principal,) = verify(provider.token(client, "calls:make calls:read"))
    assert isinstance(principal, Principal)
    assert principal.tenant.name == tenant
    assert principal.subject == f"jwt:{provider.issuer}\n{client}"
    assert principal.scopes == {"calls:make", "calls:read"}


def test_a_providers_token_holds_only_what_was_asked(verify, provider):
    """A reader's token makes no calls."""
    (principal,) = verify(provider.token("crm", "calls:read"))
    assert principal.scopes == {"calls:read"}


def test_a_providers_token_for_another_resource_is_refused(verify, provider):
    """Its audience is not this gateway."""
    (verdict,) = verify(provider.token("crm", resource="https://other.example.com"))
    assert reason(verdict) == "unknown"
    assert "`aud`" in verdict.refusal.detail


def test_a_providers_token_of_an_unknown_tenant_is_refused(verify, provider):
    """The provider has clients that are no customers here."""
    (verdict,) = verify(provider.token("lost"))
    assert reason(verdict) == "unknown"
    assert "tenant" in verdict.refusal.detail


def test_an_algorithm_that_is_not_configured_is_refused(verify, provider):
    """Though the provider offers both, and the key is in its set."""
    verdicts = verify(provider.token("crm"), provider.token("dialer"), algorithms=["ES256"])
    assert [reason(verdict) for verdict in verdicts] == ["unknown", "ok"]


def test_a_provider_may_rotate_its_keys(verify, provider):
    """The new key is fetched for the first token that names it; tokens of the old one stop with it."""
    old = provider.token("crm")

    def rotated() -> bytes:
        provider.rotate()
        return provider.token("crm")

    assert [reason(verdict) for verdict in verify(old, old, rotated, old)] == ["ok", "ok", "ok", "unknown"]
