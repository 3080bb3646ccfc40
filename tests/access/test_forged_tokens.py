"""Tokens that nobody should take: each differs in one thing from one that is taken."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.access import Denied, Principal
from tests.access.conftest import reason
from tests.access.forgeries import FORGERIES, hs256
from tests.access.issuer import (
    ALGORITHMS,
    SigningKey,
    base64url,
    compact,
    good_claims,
    issuer_settings,
    key_set,
    rsa_key,
)


@pytest.fixture
def verify(play, keys, key_server, tmp_path):
    """Verifies tokens at an issuer that signs with RS256 and ES256; `evil` is another tenant's issuer."""
    key_server.body = key_set(keys.rsa, keys.ec)
    other = tmp_path / "evil.json"
    other.write_bytes(key_set(keys.stranger))
    issuers = (
        issuer_settings(jwks_url=key_server.url),
        issuer_settings(issuer="https://evil.example.com/", jwks_file=other),
    )

    def verify(*tokens: bytes):
        async def story(bench):
            verifier = bench.verifier(*issuers)
            assert isinstance(await verifier.verify(keys.rsa.token()), Principal)
            return [await verifier.verify(token) for token in tokens]

        return play(story)

    return verify


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused(verify, keys, name):
    """Each is 401 with the reason that the metric counts, and the text holds nothing of the token."""
    forge, expected = FORGERIES[name]
    token = forge(keys)
    (verdict,) = verify(token)
    assert isinstance(verdict, Denied)
    assert verdict.reason == expected
    detail = verdict.refusal.detail
    assert not any(part in detail.encode() for part in token.split(b".") if len(part) > 2)
    assert "evil" not in detail
    assert "globex" not in detail


def test_a_refused_token_is_refused_again(verify, keys):
    """The cache of verified tokens holds only verified ones."""
    forged = keys.stranger.token()
    assert [reason(verdict) for verdict in verify(forged, keys.rsa.token(), forged)] == [
        "unknown",
        "ok",
        "unknown",
    ]


def test_a_token_with_another_signature_is_not_taken_for_the_verified_one(verify, keys):
    """The digest that is remembered covers the signature too."""
    good = keys.ec.token()
    other = good.rpartition(b".")[0] + b"." + base64url(bytes(64))
    assert [reason(verdict) for verdict in verify(good, other)] == ["ok", "unknown"]


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
def test_keys_that_a_token_brings_or_points_to_are_never_used(verify, keys, key_server, name):
    """A stranger's key stays a stranger's, and nobody fetches it."""
    value = {
        "jku": f"http://127.0.0.1:{key_server.port}/planted",
        "x5u": f"http://127.0.0.1:{key_server.port}/planted",
        "jwk": keys.stranger.public_jwk(kid="planted"),
        "x5c": [base64.b64encode(b"planted").decode()],
    }[name]
    tokens = [
        keys.stranger.token(header={name: value}),
        keys.stranger.token(header={name: value, "kid": "planted"}),
    ]
    assert [reason(verdict) for verdict in verify(*tokens)] == ["unknown", "unknown"]
    assert "/planted" not in key_server.paths


def test_a_symmetric_key_in_the_set_verifies_nothing(play, keys, key_server):
    """Not even an issuer's own `oct` key makes HS256 possible."""
    secret = {"kty": "oct", "kid": "hs", "k": base64.urlsafe_b64encode(b"s" * 32).decode(), "alg": "HS256"}
    key_server.body = json.dumps({"keys": [secret, keys.rsa.public_jwk()]}).encode()

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_url=key_server.url))
        token = compact({"alg": "HS256", "kid": "hs"}, good_claims(), hs256(b"s" * 32))
        assert reason(await verifier.verify(token)) == "unknown"
        assert reason(await verifier.verify(keys.rsa.token())) == "ok"

    play(story)


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "PS256"},
        {"alg": "RSA-OAEP"},
        {"kty": "EC"},
        {"kty": ["RSA"]},
        {"n": "AQAB"},
        {"n": 5},
        {"kid": 1},
    ],
    ids=str,
)
def test_a_key_not_made_for_this_verifies_nothing(play, keys, key_server, changes):
    """`use`, `key_ops`, `alg` and `kty` bind, and an unusable key spoils none beside it."""
    key_server.body = json.dumps({"keys": [keys.rsa.public_jwk(**changes), keys.ec.public_jwk(), 5]}).encode()

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_url=key_server.url))
        assert reason(await verifier.verify(keys.rsa.token())) == "unknown"
        assert reason(await verifier.verify(keys.ec.token())) == "ok"

    play(story)


def test_a_weak_rsa_key_verifies_nothing(play, key_server):
    """1024 bits can be broken by a company's budget."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it is the point
    weak = SigningKey("weak", "RS256", private)
    key_server.body = key_set(weak)

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_url=key_server.url))
        assert reason(await verifier.verify(weak.token())) == "unknown"

    play(story)


def test_a_private_key_in_the_set_serves_as_its_public_half(play, key_server):
    """An operator's mistake: tokens are judged all the same."""
    key = rsa_key("oops")
    private = type(ALGORITHMS["RS256"]).to_jwk(key.private, as_dict=True)
    private.pop("key_ops")
    key_server.body = json.dumps({"keys": [{**private, "kid": "oops"}]}).encode()

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_url=key_server.url))
        assert reason(await verifier.verify(key.token())) == "ok"

    play(story)
