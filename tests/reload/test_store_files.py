"""The store's own files are read at the start alone, and a gateway whose files changed says so."""

import pytest
import trustme

from tests.house import configuration, number, serving, tenant, until
from tests.ledger.valkey import Valkey


@pytest.fixture
def store(tmp_path):
    """A store that asks for a password."""
    found = Valkey(tmp_path / "valkey", password="first").start()
    yield found
    found.stop()


def test_a_change_of_the_stores_files_is_told_and_waits(simulator, store, tmp_path):
    """The log names each file that a restart is needed for; calls go on with what was read at the start."""
    password, authorities = tmp_path / "password", tmp_path / "ca.pem"
    password.write_text("first\n")
    authorities.write_bytes(trustme.CA().cert_pem.bytes())
    settings = configuration(
        tmp_path,
        simulator.url,
        {"acme": tenant("acme")},
        store={
            "url": store.url,
            "password_file": str(password),
            "ca_file": str(authorities),
            "spool_directory": str(tmp_path / "spool"),
        },
    )

    def told(file) -> int:
        words = f"a change of {file} takes effect at the next start"
        return [line.get("message") for line in gateway.lines()].count(words)

    with serving(tmp_path, settings) as gateway:
        password.write_text("second\n")
        until(lambda: told(password) == 1)
        assert told(authorities) == 0
        assert gateway.call("rest", "acme", number()).status == 202
        authorities.write_bytes(trustme.CA().cert_pem.bytes())
        until(lambda: told(authorities) == 1)
        assert told(password) == 1
        assert gateway.call("graphql", "acme", number()).code is None
