"""Tokens that are taken, and what they make of their sender."""

import pytest

from gateway.access import Principal
from tests.access.conftest import reason
from tests.access.issuer import (
    ISSUER,
    NOW,
    SigningKey,
    compact,
    ec_key,
    good_claims,
    issuer_settings,
    key_set,
)

DAY = 86_400


@pytest.fixture
def verify(play, keys, tmp_path):
    """Verifies one token at an issuer whose keys are in a file."""

    def verify(token: bytes, *signing: SigningKey, **settings):
        path = tmp_path / "jwks.json"
        path.write_bytes(key_set(*(signing or (keys.rsa, keys.ec))))

        async def story(bench):
            return await bench.verifier(issuer_settings(jwks_file=path, **settings)).verify(token)

        return play(story)

    return verify


def test_a_token_becomes_its_principal(verify, keys, tenants):
    """The tenant by its claim, the subject by issuer and `sub`, known scopes only, no key id."""
    assert verify(keys.rsa.token()) == Principal(
        tenants["acme"], f"jwt:{ISSUER}\nagent-7", None, frozenset({"calls:make"})
    )


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        ("calls:make calls:read", {"calls:make", "calls:read"}),
        (["calls:read", "email"], {"calls:read"}),
        ("calls:makes calls:rea", set()),
        ("Calls:Make", set()),
        ("calls:make\tcalls:read", set()),
        ("", set()),
        (..., set()),
        (None, set()),
        (7, set()),
        ({"calls:make": True}, set()),
        (["calls:make", 7], set()),
    ],
    ids=lambda value: "" if isinstance(value, set) else str(value),
)
def test_a_token_holds_exactly_the_scopes_it_lists(verify, keys, scope, held):
    """Text by spaces, or a list of texts; anything else holds nothing and is refused at the scope."""
    assert verify(keys.rsa.token(scope=scope)).scopes == held


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["other", "gateway"]},
        {"sub": "x" * 255},
        {"sub": "Zo\u00eb \u0416"},
        {"exp": NOW - 29, "iat": NOW - 60},
        {"iat": NOW, "exp": NOW + DAY},
        {"iat": NOW - DAY, "exp": NOW},
        {"iat": ..., "exp": NOW + DAY + 30},
        {"iat": NOW + 30, "nbf": NOW + 30},
        {"exp": int(NOW) + 60},
        {"exp": NOW + 60.5},
        {"extra": {"deep": [1, None, {}]}},
    ],
    ids=str,
)
def test_a_token_at_the_edge_of_the_rules_is_taken(verify, keys, claims):
    """24 hours and 30 seconds are within them; fractions of seconds and many audiences too."""
    assert reason(verify(keys.rsa.token(**claims))) == "ok"


@pytest.mark.parametrize("kind", [None, "jwt", "at+jwt", "application/at+JWT"])
def test_access_tokens_by_either_name_are_taken(verify, keys, kind):
    """RFC 9068's type, the plain one, or none."""
    header = {"alg": "RS256", "kid": "rsa-1"} | ({} if kind is None else {"typ": kind})
    assert reason(verify(compact(header, good_claims(), keys.rsa.sign))) == "ok"


@pytest.mark.parametrize(
    "algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
)
def test_every_algorithm_of_the_configuration_works(verify, keys, algorithm):
    """Where its issuer lists it, and only there."""
    if algorithm == "EdDSA":
        key = keys.ed
    elif algorithm.startswith("ES"):
        key = ec_key("k", algorithm)
    else:
        key = SigningKey("k", algorithm, keys.rsa.private)
    assert reason(verify(key.token(), key, algorithms=[algorithm])) == "ok"
    other = "ES256" if algorithm != "ES256" else "RS256"
    assert reason(verify(key.token(), key, algorithms=[other])) == "unknown"


def test_a_token_without_key_id_is_tried_with_the_keys_that_fit(verify, keys):
    """RFC 7515 leaves `kid` to the issuer; another issuer's key does not come into it."""
    header = {"alg": "RS256"}
    assert reason(verify(compact(header, good_claims(), keys.rsa.sign), keys.next, keys.ec, keys.rsa)) == "ok"
    assert (
        reason(verify(compact(header, good_claims(), keys.stranger.sign), keys.next, keys.rsa)) == "unknown"
    )


def test_issuers_and_claims_may_have_any_letters(verify, keys):
    """Names are compared as they are written, character by character."""
    issuer, claim = (
        "https://\u043f\u0440\u0438\u043a\u043b\u0430\u0434.\u0443\u043a\u0440/",
        "https://example.com/tenant",
    )
    token = keys.rsa.token(iss=issuer, tenant="globex", **{claim: "acme"})
    principal = verify(token, issuer=issuer, tenant_claim=claim)
    assert principal.tenant.name == "acme"
    assert principal.subject == f"jwt:{issuer}\nagent-7"


def test_two_issuers_subjects_never_meet(play, keys, tmp_path):
    """User-scoped quotas of equal `sub`s of two issuers are two quotas."""
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set(keys.rsa))
    issuers = [issuer_settings(issuer=name, jwks_file=path) for name in ("https://a/", "https://a/\nb")]

    async def story(bench):
        verifier = bench.verifier(*issuers)
        first = await verifier.verify(keys.rsa.token(iss="https://a/", sub="c"))
        second = await verifier.verify(keys.rsa.token(iss="https://a/\nb", sub="c"))
        return first.subject, second.subject

    first, second = play(story)
    assert first != second
