"""Keys in a file, which is read again when it changes."""

import os

import pytest

from tests.access.conftest import reason
from tests.access.issuer import issuer_settings, key_set


@pytest.fixture
def path(tmp_path, keys):
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set(keys.rsa))
    return path


def test_a_key_withdrawn_from_the_file_stops_its_tokens_within_a_second(play, keys, path):
    """Remembered ones too."""

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_file=path))
        assert reason(await verifier.verify(keys.rsa.token())) == "ok"
        path.write_bytes(key_set(keys.next))
        bench.pass_seconds(1)
        assert reason(await verifier.verify(keys.rsa.token())) == "unknown"
        assert reason(await verifier.verify(keys.next.token())) == "ok"

    play(story)


def test_a_key_added_to_the_file_is_taken_at_once(play, keys, path):
    """A token that names an unknown key has the file read again without waiting."""

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_file=path))
        assert reason(await verifier.verify(keys.rsa.token())) == "ok"
        path.write_bytes(key_set(keys.rsa, keys.next))
        assert reason(await verifier.verify(keys.next.token())) == "ok"

    play(story)


def test_a_file_behind_swapped_links_is_followed(play, keys, tmp_path):
    """Kubernetes mounts `..data` as a link and swaps it."""
    for name, key in (("1", keys.rsa), ("2", keys.next)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "jwks.json").write_bytes(key_set(key))
    data, path = tmp_path / "..data", tmp_path / "jwks.json"
    data.symlink_to("1")
    path.symlink_to("..data/jwks.json")

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_file=path))
        assert reason(await verifier.verify(keys.rsa.token())) == "ok"
        (tmp_path / "next").symlink_to("2")
        os.replace(tmp_path / "next", data)  # noqa: PTH105 - the rename that Kubernetes does
        bench.pass_seconds(1)
        assert reason(await verifier.verify(keys.rsa.token())) == "unknown"
        assert reason(await verifier.verify(keys.next.token())) == "ok"

    play(story)


@pytest.mark.parametrize("content", [b"", b'{"keys":', b'{"keys":5}', None], ids=str)
def test_a_file_that_cannot_be_used_keeps_the_known_keys(play, keys, path, caplog, content):
    """As a bad configuration keeps the running one; it is told once, not every second."""

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_file=path))
        assert reason(await verifier.verify(keys.rsa.token())) == "ok"
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        for _ in range(3):
            bench.pass_seconds(1)
            assert reason(await verifier.verify(keys.rsa.token())) == "ok"
        path.write_bytes(key_set(keys.next))
        bench.pass_seconds(1)
        assert reason(await verifier.verify(keys.rsa.token())) == "unknown"

    play(story)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_without_a_file_no_token_is_taken(play, keys, tmp_path, kind):
    """And nothing waits for it, not even where the file is a pipe that nobody writes to."""
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)

    async def story(bench):
        verifier = bench.verifier(issuer_settings(jwks_file=path))
        return await verifier.verify(keys.rsa.token())

    verdict = play(story)
    assert reason(verdict) == "unknown"
    assert "could not be fetched" in verdict.refusal.detail
