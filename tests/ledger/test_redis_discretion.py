"""What a server echoes of a command is told to nobody."""

import asyncio
from pathlib import Path

import pytest

from gateway.ledger import StoreUnavailable
from tests.ledger.cases import ALL
from tests.ledger.shared_store import opened
from tests.ledger.valkey import Valkey
from tests.ledger.world import World


@pytest.mark.parametrize(("hidden", "secret"), [("AUTH", "canary-password"), ("EVALSHA", "canary-key")])
def test_an_unknown_command_does_not_repeat_what_came_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, hidden: str, secret: str
) -> None:
    """A server without AUTH answers with the password that it was sent, one without scripts with names
    of keys: neither a log line nor the refusal holds them."""
    server = Valkey(tmp_path / "data", ("--rename-command", hidden, "")).start()
    password = secret if hidden == "AUTH" else None

    async def play() -> None:
        async with opened(server.url, password=password) as ledger:
            with pytest.raises(StoreUnavailable) as refusal:
                await World(ledger, tenant=secret).admit(key=secret, limits=ALL)
            assert "unknown command" in str(refusal.value)
            assert secret not in str(refusal.value)

    try:
        with caplog.at_level("DEBUG"):
            asyncio.run(play())
        assert secret not in caplog.text
    finally:
        server.stop()
