"""The store's password is read as every credential is."""

import asyncio
from pathlib import Path

import pytest

from gateway.app.ledgers import ledger_of
from gateway.settings.findings import BadConfiguration
from gateway.settings.load import load
from tests.settings.files import GOOD, write_config

STORE = "url: redis://127.0.0.1:{port}/0\n  password_file: password\n  spool_directory: spool"


def config(directory: Path, content: bytes, port: int = 6379) -> Path:
    """A configuration whose store has a password file with this content."""
    path = write_config(
        directory, GOOD.replace("url: sqlite:///var/lib/gateway/gateway.db", STORE.format(port=port))
    )
    (directory / "password").write_bytes(content)
    (directory / "password").chmod(0o600)
    return path


def test_the_password_loses_one_newline_and_no_more(tmp_path: Path) -> None:
    """What the store is told ends as the file does, but for one newline."""

    async def play() -> list[bytes]:
        heard: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"secret"))
            heard.append(await reader.read(64))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        settings = load(config(tmp_path, b"secret\r\n\n", server.sockets[0].getsockname()[1]))
        ledger = ledger_of(settings, serving=False)
        await ledger.open()
        await ledger.close()
        server.close()
        return heard

    assert asyncio.run(play())[:2] == [b"*2\r\n$4\r\nAUTH\r\n$8\r\nsecret", b"\r\n\r\n"]


@pytest.mark.parametrize("content", [b"hunter2\xff", b"hunter2" * 1000])
def test_what_is_no_password_is_a_fault(tmp_path: Path, content: bytes) -> None:
    """It is refused at the key that names it, and never shown."""
    with pytest.raises(BadConfiguration) as bad:
        load(config(tmp_path, content))
    (fault,) = bad.value.faults
    assert fault.path == "store.password_file"
    assert "hunter2" not in str(fault)
