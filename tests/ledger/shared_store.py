"""Ledgers over the test's own Valkey servers, and the fixtures that start these once a module."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.ledger.redis import RedisLedger, ledger_at
from tests.ledger.valkey import Cluster, Valkey, start_cluster
from tests.ledger.world import RETENTION_US, UNKNOWN_RETENTION_US


def redis_ledger(url: str, **about) -> RedisLedger:
    return ledger_at(
        url,
        retention_us=about.pop("retention_us", RETENTION_US),
        unknown_retention_us=about.pop("unknown_retention_us", UNKNOWN_RETENTION_US),
        # A machine that runs other tests beside these is slower than a store should be.
        connect_timeout_ms=about.pop("connect_timeout_ms", 2000),
        command_timeout_ms=about.pop("command_timeout_ms", 2000),
        **about,
    )


@contextlib.asynccontextmanager
async def opened(url: str, **about) -> AsyncIterator[RedisLedger]:
    ledger = redis_ledger(url, **about)
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One server for a module's tests."""
    server = Valkey(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of three for a module's tests."""
    servers = start_cluster(tmp_path_factory.mktemp("cluster"))
    yield servers
    servers.stop()


def spool_of(directory: Path) -> Path:
    return directory / "spool"
