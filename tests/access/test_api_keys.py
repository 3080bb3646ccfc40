"""API keys, and header values that are no credential."""

import asyncio
import hashlib
import time

import pytest

from gateway.access import ALL_SCOPES, Access, Principal
from gateway.settings.model import Settings
from gateway.tenant import tenant_of
from tests.access.conftest import reason
from tests.access.issuer import issuer_settings, key_set

KEY = b"gw_acme_secret-of-the-crm"
OTHER = b"gw_globex_secret"


def digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()


@pytest.fixture(scope="module")
def settings() -> Settings:
    tenant = {"credentials": "default"}
    return Settings.model_validate(
        {
            "upstream": {
                "base_url": "https://pbx.example.com/api/json",
                "credentials": {"default": {"directory": "/run/secrets/pbx"}},
            },
            "store": {"url": "sqlite://:memory:"},
            "tenants": {
                "acme": {**tenant, "api_keys": [{"id": "crm", "sha256": digest(KEY)}]},
                "globex": {**tenant, "api_keys": [{"id": "crm", "sha256": digest(OTHER)}]},
            },
        }
    )


@pytest.fixture
def access(settings):
    """Access by the keys of two tenants, and no issuer of tokens."""
    return Access(settings, {n: tenant_of(n, t) for n, t in settings.tenants.items()}, None)


def ask(access: Access, authorization: bytes | None):
    return asyncio.run(access.authenticate(authorization))


@pytest.mark.parametrize(("key", "name"), [(KEY, "acme"), (OTHER, "globex")])
def test_a_key_becomes_its_tenants_principal(access, key, name):
    """Both scopes, the key's id as its subject; equal ids of two tenants are two askers."""
    principal = ask(access, b"Bearer " + key)
    assert isinstance(principal, Principal)
    assert (principal.tenant.name, principal.subject, principal.key_id) == (name, "key:crm", "crm")
    assert principal.scopes == ALL_SCOPES


@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"BEARER   "])
def test_the_scheme_may_be_written_in_any_case(access, scheme):
    """RFC 9110, section 11.1."""
    assert reason(ask(access, scheme + KEY)) == "ok"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "missing"),
        (b"", "malformed"),
        (b"Bearer", "malformed"),
        (b"Bearer ", "malformed"),
        (b"Bearer" + KEY, "malformed"),
        (b"Basic " + KEY, "malformed"),
        (b"Token " + KEY, "malformed"),
        (KEY, "malformed"),
        (b"Bearer " + b"x" * 8193, "malformed"),
        (b"Bearer " + b"x" * 8192, "unknown"),
        (b"Bearer " + KEY + b"x", "unknown"),
        (b"Bearer " + KEY[:-1], "unknown"),
        (b"Bearer " + KEY.upper(), "unknown"),
        (b"Bearer " + digest(KEY).encode(), "unknown"),
        (b"Bearer " + KEY + b", Bearer " + KEY, "unknown"),
        (b"Bearer \x00\xff\xfe", "unknown"),
        (b"Bearer a.b.c", "unknown"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_values_are_refused_with_their_reason(access, value, expected):
    """401 with the reason that the metric counts; the text holds nothing of the credential."""
    verdict = ask(access, value)
    assert reason(verdict) == expected
    assert "secret" not in verdict.refusal.detail


def test_a_key_with_dots_is_looked_up_before_it_is_read_as_a_token(settings):
    """A key is a key, however it looks."""
    key = b"a.b.c"
    tenant = settings.tenants["acme"].model_copy(
        update={
            "api_keys": (settings.tenants["acme"].api_keys[0].model_copy(update={"sha256": digest(key)}),)
        }
    )
    changed = settings.model_copy(update={"tenants": {"acme": tenant}})
    assert reason(ask(Access(changed, {"acme": tenant_of("acme", tenant)}, None), b"Bearer " + key)) == "ok"


def test_a_token_reaches_the_verifier_of_its_issuer(play, settings, keys, key_server):
    """The same header serves both kinds of credential; a huge token is refused unread."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_url=key_server.url))
        access = Access(settings, bench.tenants, verifier)
        assert reason(await access.authenticate(b"Bearer " + keys.rsa.token())) == "ok"
        assert reason(await access.authenticate(b"Bearer " + KEY)) == "ok"
        huge = await access.authenticate(b"Bearer " + keys.rsa.token(padding="x" * 8192))
        assert reason(huge) == "malformed"

    play(story)


def test_a_key_is_found_quickly(access):
    """One digest and one look-up, in processor time, hit or miss."""

    async def best_us(value: bytes) -> float:
        best = float("inf")
        for _ in range(20):
            started = time.process_time()
            for _ in range(500):
                await access.authenticate(value)
            best = min(best, (time.process_time() - started) / 500 * 1e6)
        return best

    assert asyncio.run(best_us(b"Bearer " + KEY)) < 15
    assert asyncio.run(best_us(b"Bearer " + OTHER + b"x")) < 45
