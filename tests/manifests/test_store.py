"""The shared overlay's Valkey is one that the gateway accepts and keeps its calls in."""

from pathlib import Path

import pytest

from tests.house import configuration, number, serving, simulated, tenant
from tests.manifests.rendered import Overlay, secret
from tests.manifests.store import rendered_valkey

pytestmark = pytest.mark.timeout(600)


def test_the_store_of_the_overlay_serves(shared: Overlay, tmp_path: Path) -> None:
    """With its own configuration and access list it keeps a call on its disk, and the gateway replays it."""
    (tmp_path / "store").mkdir()
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text(secret("valkey")["password"] + "\n")
    with (
        rendered_valkey(shared, tmp_path / "store") as port,
        simulated(tmp_path / "dials") as upstream,
    ):
        store = {
            "url": f"redis://127.0.0.1:{port}/0",
            "password_file": str(password),
            "spool_directory": str(tmp_path / "spool"),
            "connect_timeout_ms": 2000,
            "command_timeout_ms": 2000,
        }
        settings = configuration(tmp_path, upstream.url, {"acme": tenant("acme")}, store=store)
        with serving(tmp_path, settings) as gateway:
            first = gateway.call("rest", "acme", number(), key="one")
            again = gateway.call("graphql", "acme", number(), key="one")
        assert (first.status, again.replayed) == (202, True)
        assert len(upstream.dials()) == 1
    kept = b"".join(path.read_bytes() for path in (tmp_path / "store" / "appendonlydir").iterdir())
    assert str(first.call["id"]).encode() in kept if first.call else False
