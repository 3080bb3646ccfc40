"""Verified tokens are remembered: until they expire, and not more of them than fit."""

import time

from gateway.access import jwt
from tests.access.conftest import reason
from tests.access.issuer import NOW, issuer_settings, key_set


def test_a_remembered_token_expires(play, keys, key_server):
    """At `exp` and the leeway, to the second."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_url=key_server.url))
        token = keys.rsa.token(exp=NOW + 60)
        assert reason(await verifier.verify(token)) == "ok"
        bench.pass_seconds(89.9)
        assert reason(await verifier.verify(token)) == "ok"
        bench.pass_seconds(0.1)
        assert reason(await verifier.verify(token)) == "expired"

    play(story)


def test_a_removed_tenant_takes_its_tokens_along(play, keys, key_server):
    """A reload's verifier remembers nothing of the one before."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        issuer = issuer_settings(jwks_url=key_server.url)
        assert reason(await bench.verifier(issuer).verify(keys.rsa.token())) == "ok"
        bench.tenants = {"globex": bench.tenants["globex"]}
        assert reason(await bench.verifier(issuer).verify(keys.rsa.token())) == "unknown"

    play(story)


def test_the_tokens_used_longest_ago_are_forgotten_first(play, keys, key_server):
    """Memory is bounded; a token that was forgotten is verified again."""
    key_server.body = key_set(keys.ec)

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_url=key_server.url))
        tokens = [keys.ec.token(sub=f"agent-{n}") for n in range(8)]
        filled = [await verifier.verify(token) for token in tokens]
        template = next(iter(verifier._verified.values()))
        for n in range(jwt.MAX_VERIFIED_TOKENS - len(tokens)):
            verifier._verified[b"%d" % n] = template
        assert await verifier.verify(tokens[0]) is filled[0]
        await verifier.verify(keys.ec.token(sub="one more"))
        assert len(verifier._verified) == jwt.MAX_VERIFIED_TOKENS
        assert await verifier.verify(tokens[0]) is filled[0]
        again = await verifier.verify(tokens[1])
        assert again == filled[1]
        assert again is not filled[1]

    play(story)


def test_a_remembered_token_costs_little(play, keys, key_server):
    """Many times less than a signature's check, in processor time; the aim is 5 us."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_url=key_server.url))
        token = keys.rsa.token()
        await verifier.verify(token)
        best_us = float("inf")
        for _ in range(20):
            started = time.process_time()
            for _ in range(500):
                await verifier.verify(token)
            best_us = min(best_us, (time.process_time() - started) / 500 * 1e6)
        return best_us

    assert play(story) < 15
