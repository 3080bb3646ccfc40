"""Servers that the modules' tests share: started when first asked for, ended with the module."""

from collections.abc import Iterator

import pytest

from tests.ledger.valkey import Cluster, Valkey, start_cluster


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One Valkey."""
    server = Valkey(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of three."""
    servers = start_cluster(tmp_path_factory.mktemp("cluster"))
    yield servers
    servers.stop()
