"""Keys behind a URL: how often they are fetched, and what holds while they can't be."""

import asyncio
import json
import logging

import pytest

from gateway.access.jwks import MAX_KEY_SET_BYTES
from tests.access.conftest import asked, reason, until
from tests.access.issuer import NOW, issuer_settings, key_set


def issuer_at(server):
    return issuer_settings(jwks_url=server.url)


def test_keys_are_fetched_once_for_many_tokens(play, keys, key_server):
    """Lazily, by the first tokens together; the query holds nothing of them."""
    key_server.body = key_set(keys.rsa)
    key_server.delay_seconds = 0.05

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        tokens = [keys.rsa.token(sub=f"agent-{n}") for n in range(100)]
        verdicts = await asyncio.gather(*(verifier.verify(token) for token in tokens))
        assert {reason(verdict) for verdict in verdicts} == {"ok"}

    play(story)
    assert key_server.paths == ["/jwks"]


def test_keys_survive_a_reload_of_the_configuration(play, keys, key_server):
    """A new verifier over the same sources fetches nothing, unless its issuer left in between."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        issuer = issuer_at(key_server)
        await bench.verifier(issuer).verify(keys.rsa.token())
        bench.sources.retain([issuer])
        assert reason(await bench.verifier(issuer).verify(keys.rsa.token())) == "ok"
        assert len(key_server.paths) == 1
        bench.sources.retain([])
        assert reason(await bench.verifier(issuer).verify(keys.rsa.token())) == "ok"
        assert len(key_server.paths) == 2

    play(story)


def test_a_new_key_is_fetched_once_for_many_tokens(play, keys, key_server):
    """After a rotation 100 concurrent tokens of an unknown key cause one fetch, and all are taken."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        assert reason(await verifier.verify(keys.rsa.token())) == "ok"
        key_server.body = key_set(keys.rsa, keys.next)
        key_server.delay_seconds = 0.05
        tokens = [keys.next.token(sub=f"agent-{n}") for n in range(100)]
        verdicts = await asyncio.gather(*(verifier.verify(token) for token in tokens))
        assert {reason(verdict) for verdict in verdicts} == {"ok"}
        assert len(key_server.paths) == 2

    play(story)


def test_unknown_keys_cause_at_most_one_fetch_in_ten_seconds(play, keys, key_server):
    """Anybody can make up key ids; a real rotation is seen when the ten seconds are over."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        await verifier.verify(keys.rsa.token())
        for n in range(50):
            assert reason(await verifier.verify(keys.rsa.token(header={"kid": f"made-up-{n}"}))) == "unknown"
        assert len(key_server.paths) == 2
        key_server.body = key_set(keys.next)
        bench.pass_seconds(9.9)
        assert reason(await verifier.verify(keys.next.token())) == "unknown"
        assert len(key_server.paths) == 2
        bench.pass_seconds(0.2)
        assert reason(await verifier.verify(keys.next.token())) == "ok"
        assert len(key_server.paths) == 3

    play(story)


def test_forged_signatures_cause_no_fetch(play, keys, key_server):
    """A known key id is enough to judge by."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        await verifier.verify(keys.rsa.token())
        for n in range(20):
            await verifier.verify(keys.stranger.token(sub=f"agent-{n}"))

    play(story)
    assert len(key_server.paths) == 1


def test_a_withdrawn_key_stops_its_verified_tokens(play, keys, key_server):
    """Once the keys are fetched anew, five minutes later, remembered tokens are judged by them."""
    key_server.body = key_set(keys.rsa, keys.ec)

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        withdrawn, kept = keys.rsa.token(), keys.ec.token()
        assert [reason(await verifier.verify(token)) for token in (withdrawn, kept)] == ["ok", "ok"]
        key_server.body = key_set(keys.ec)
        bench.pass_seconds(299)
        assert reason(await verifier.verify(withdrawn)) == "ok"
        assert len(key_server.paths) == 1
        bench.pass_seconds(1)
        async with asyncio.timeout(10):
            while reason(await verifier.verify(withdrawn)) == "ok":  # noqa: ASYNC110 - a fetch comes in
                await asyncio.sleep(0.002)
        assert reason(await verifier.verify(kept)) == "ok"
        # The second is the fetch that was due, the third the one that a key now unknown may cause.
        assert len(key_server.paths) <= 3

    play(story)


def test_a_fetch_holds_up_no_verified_token(play, keys, key_server):
    """While the issuer hangs, tokens of known keys are judged at once."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        await verifier.verify(keys.rsa.token())
        key_server.delay_seconds = 1.0
        bench.pass_seconds(301)
        unknown = asyncio.create_task(verifier.verify(keys.next.token()))
        async with asyncio.timeout(0.5):
            assert reason(await verifier.verify(keys.rsa.token())) == "ok"
            assert reason(await verifier.verify(keys.rsa.token(sub="agent-8"))) == "ok"
        assert not unknown.done()
        assert reason(await unknown) == "unknown"

    play(story)


def test_a_client_that_hangs_up_ends_no_fetch(play, keys, key_server):
    """The fetch that one request began serves the others that wait for it."""
    key_server.body = key_set(keys.rsa)
    key_server.delay_seconds = 0.1

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        first = asyncio.create_task(verifier.verify(keys.rsa.token()))
        second = asyncio.create_task(verifier.verify(keys.rsa.token()))
        await asked(key_server, 1)
        first.cancel()
        assert reason(await second) == "ok"

    play(story)
    assert len(key_server.paths) == 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 500}, "HTTP status 500"),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, "HTTP status 302"),
        ({"body": b"<html>"}, "not a JSON object"),
        ({"body": b"[]"}, "not a JSON object"),
        ({"body": b'{"keys":{}}'}, "`keys` is missing"),
        ({"body": b'{"keys":[],"keys":[]}'}, "unique names"),
        ({"body": b" " * (MAX_KEY_SET_BYTES + 1)}, "larger than"),
        ({"headers": {"Content-Encoding": "gzip"}}, "compressed"),
        ({"delay_seconds": 1.5}, "TimeoutError"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_keys_are_served_while_they_cannot_be_fetched(play, keys, key_server, caplog, fault, told):
    """Whatever the fault: for a day, no longer, retried every ten seconds, and logged with its cause."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        await verifier.verify(keys.rsa.token())
        for name, value in fault.items():
            setattr(key_server, name, value)
        bench.pass_seconds(300)
        for times, seconds in ((2, 9), (2, 1), (3, 10)):
            await verifier.verify(keys.rsa.token(iat=bench.epoch.now, exp=bench.epoch.now + 60))
            await until(lambda faults=times - 1: len(caplog.records) >= faults)
            assert len(key_server.paths) == times
            bench.pass_seconds(seconds)
        bench.pass_seconds(NOW + 86_300 - bench.epoch.now)
        fresh = keys.rsa.token(iat=bench.epoch.now, exp=bench.epoch.now + 600)
        assert reason(await verifier.verify(fresh)) == "ok"
        bench.pass_seconds(101)
        verdict = await verifier.verify(fresh)
        assert reason(verdict) == "unknown"
        assert "could not be fetched" in verdict.refusal.detail

    with caplog.at_level(logging.WARNING, logger="gateway.access"):
        play(story, fetch_timeout_seconds=0.5 if "delay_seconds" in fault else 5.0)
    assert told in caplog.text
    assert "/elsewhere" not in key_server.paths


def test_without_any_keys_no_token_is_taken(play, keys, key_server):
    """Never open: 401, while the keys are asked for again once a second, and taken as they come."""
    key_server.status = 503
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        for _ in range(5):
            verdict = await verifier.verify(keys.rsa.token())
            assert reason(verdict) == "unknown"
            assert "could not be fetched" in verdict.refusal.detail
        assert len(key_server.paths) <= 2
        key_server.status = 200
        bench.pass_seconds(1)
        assert reason(await verifier.verify(keys.rsa.token())) == "ok"

    play(story)


def test_keys_are_ready_before_the_first_token(play, keys, key_server):
    """`keep_fresh` fetches at start-up in the background."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        keeping = asyncio.create_task(bench.sources.keep_fresh())
        await asked(key_server, 1)
        key_server.status = 500
        assert reason(await verifier.verify(keys.rsa.token())) == "ok"
        keeping.cancel()

    play(story)


def test_keys_are_not_fetched_in_plaintext_from_afar(play, keys, caplog):
    """Whoever sits on the wire could otherwise put keys of theirs in."""

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_url="http://192.0.2.1/jwks"))
        async with asyncio.timeout(1):
            assert reason(await verifier.verify(keys.rsa.token())) == "unknown"

    play(story)
    assert "https only" in caplog.text


def test_an_emptied_key_set_is_believed(play, keys, key_server):
    """An issuer that withdraws all of its keys means it."""
    key_server.body = key_set(keys.rsa)

    async def story(bench):
        verifier = bench.verifier(issuer_at(key_server))
        await verifier.verify(keys.rsa.token())
        key_server.body = json.dumps({"keys": []}).encode()
        await verifier.verify(keys.rsa.token(header={"kid": "unknown"}))
        assert reason(await verifier.verify(keys.rsa.token())) == "unknown"

    play(story)
