"""The shared ledger while its store hangs, stops or is unfit: closed within bounds, back by itself."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from gateway.ledger import Admitted, Known, StoreUnavailable
from tests.ledger.cases import NOT_PLACED, WHOLE
from tests.ledger.proxy import proxied
from tests.ledger.shared_store import LIMITS, answers, is_charged_once, is_untouched, opened, until
from tests.ledger.valkey import Valkey
from tests.ledger.world import World

TIMEOUTS = {"connect_timeout_ms": 300, "command_timeout_ms": 300}


@pytest.mark.serial
def test_a_paused_store_is_closed_within_bounds_and_recovers(tmp_path: Path) -> None:
    """While the store hangs every caller hears so within a second, nothing piles up, and it comes back."""
    server = Valkey(tmp_path / "data").start()

    async def play() -> None:
        async with opened(server.url, connect_timeout_ms=100, command_timeout_ms=150) as ledger:
            world = World(ledger)
            record = await world.admitted(limits=LIMITS)
            with server.paused():
                slowest = 0.0
                for _ in range(5):
                    started = time.monotonic()
                    told = await asyncio.gather(
                        *(world.admit(limits=LIMITS) for _ in range(64)), return_exceptions=True
                    )
                    slowest = max(slowest, time.monotonic() - started)
                    assert all(isinstance(each, StoreUnavailable) for each in told), told
                assert slowest < 1
                started = time.monotonic()
                with pytest.raises(StoreUnavailable):
                    await world.settle(record, NOT_PLACED, LIMITS)
                assert time.monotonic() - started < 0.05, "the circuit is open: nobody waits"
            await until(lambda: answers(ledger, world))
            # The admissions that the store read while it hung are taken back.
            await until(lambda: is_charged_once(ledger, world))
            await world.settle(record, NOT_PLACED, LIMITS)
            await until(lambda: is_untouched(ledger, world))

    try:
        asyncio.run(play())
    finally:
        server.stop()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_store_with_an_append_only_file_comes_back_whole(tmp_path: Path, how: int) -> None:
    """With appendonly and appendfsync always nothing that was answered is lost, and nobody restarts."""
    server = Valkey(tmp_path / "data", ("--appendonly", "yes", "--appendfsync", "always")).start()

    async def play() -> None:
        async with opened(server.url, **TIMEOUTS) as ledger:
            world = World(ledger)
            records = [await world.admitted(key=f"k-{n}", limits=LIMITS) for n in range(3)]
            await world.settle(records[0], WHOLE, LIMITS)
            await asyncio.to_thread(server.stop, how)
            for _ in range(5):
                started = time.monotonic()
                with pytest.raises(StoreUnavailable):
                    await world.admit(limits=LIMITS)
                assert time.monotonic() - started < 1
            await asyncio.to_thread(server.start)
            await until(lambda: answers(ledger, world))
            assert await world.remaining(*LIMITS) == [2, 3]
            replay = await world.admit(key="k-0", limits=LIMITS)
            assert isinstance(replay, Known)
            assert replay.record.outcome == WHOLE
            await world.settle(records[1], NOT_PLACED, LIMITS)
            assert await world.remaining(*LIMITS) == [3, 4]

    try:
        asyncio.run(play())
    finally:
        server.stop()


def test_a_store_that_only_reads_is_not_taken_for_one_that_serves(tmp_path: Path) -> None:
    """Recovery, which asks it every second, is refused as admissions are; what is read is read on, and the
    look leaves nothing behind."""
    server = Valkey(tmp_path / "data").start()

    async def play() -> None:
        async with opened(server.url) as ledger:
            world = World(ledger)
            await world.admitted(limits=LIMITS)
            before = await asyncio.to_thread(server.ask, "DBSIZE")
            await ledger.recover()
            assert await asyncio.to_thread(server.ask, "DBSIZE") == before
            await asyncio.to_thread(server.ask, "CONFIG", "SET", "maxmemory", "1000000")
            for verb in (lambda: world.admit(limits=LIMITS), ledger.recover, ledger.recover):
                with pytest.raises(StoreUnavailable) as refusal:
                    await verb()
                assert refusal.value.kind == "oom"
            assert await answers(ledger, world)
            # What no write tells: scripts alone are forbidden.
            await asyncio.to_thread(server.ask, "CONFIG", "SET", "maxmemory", "0")
            await asyncio.to_thread(server.ask, "ACL", "SETUSER", "default", "-evalsha", "-eval")
            for verb in (lambda: world.admit(limits=LIMITS), ledger.recover):
                with pytest.raises(StoreUnavailable, match="NOPERM"):
                    await verb()
            await asyncio.to_thread(server.ask, "ACL", "SETUSER", "default", "+@all")
            await ledger.recover()

    try:
        asyncio.run(play())
    finally:
        server.stop()


def test_a_gateway_starts_without_its_store(tmp_path: Path) -> None:
    """Opening does not wait for a store that is away: verbs are closed until it comes, then work."""
    server = Valkey(tmp_path / "data")

    async def play() -> None:
        async with opened(server.url, **TIMEOUTS) as ledger:
            world = World(ledger)
            with pytest.raises(StoreUnavailable):
                await world.admit()
            await asyncio.to_thread(server.start)
            await until(lambda: answers(ledger, world))
            await world.admitted(limits=LIMITS)

    try:
        asyncio.run(play())
    finally:
        server.stop()


def test_a_demoted_server_behind_one_address_is_left(tmp_path: Path) -> None:
    """After a failover behind a name that then leads to another server, what was asked of the old one is
    refused, sent once and in no doubt; what comes next goes to the new one, with nobody's help."""
    old = Valkey(tmp_path / "old").start()
    new = Valkey(tmp_path / "new", ("--replicaof", f"127.0.0.1 {old.port}")).start()

    async def is_in_step() -> bool:
        told = await asyncio.to_thread(new.ask, "INFO", "replication")
        return isinstance(told, bytes) and b"master_link_status:up" in told

    async def play() -> None:
        async with (
            proxied(old.port) as proxy,
            opened(f"redis://127.0.0.1:{proxy.port}") as ledger,
        ):
            world = World(ledger)
            await until(is_in_step)
            record = await world.admitted(key="k", limits=LIMITS)
            await until(lambda: _has(new, f"gw:{{{world.tenant}}}:k:k"))
            proxy.target = new.port
            await asyncio.to_thread(new.ask, "REPLICAOF", "NO", "ONE")
            await asyncio.to_thread(old.ask, "REPLICAOF", "127.0.0.1", str(new.port))
            proxy.seen.clear()
            claims = [world.claim(limits=LIMITS) for _ in range(3)]
            told = await asyncio.gather(*map(ledger.admit, claims), return_exceptions=True)
            assert {getattr(each, "kind", each) for each in told} <= {"readonly", "loading"}
            # Only an admission says who calls whom.
            pair = f'"{claims[0].caller_number}","{claims[0].callee_number}"'
            assert proxy.count(pair.encode()) == len(claims)
            await until(lambda: answers(ledger, world))
            assert isinstance(await world.admit(limits=LIMITS), Admitted)
            replay = await world.admit(key="k", limits=LIMITS)
            assert isinstance(replay, Known)
            assert replay.record == record
            assert await world.remaining(*LIMITS) == [3, 3]

    try:
        asyncio.run(play())
    finally:
        new.stop()
        old.stop()


async def _has(server: Valkey, key: str) -> bool:
    return await asyncio.to_thread(server.ask, "EXISTS", key) == 1


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_an_evicting_store_is_refused(tmp_path: Path, policy: str) -> None:
    """A store that may drop keys under memory pressure would forget charges: it is refused at once."""
    server = Valkey(tmp_path / "data", ("--maxmemory-policy", policy)).start()

    async def play() -> None:
        with pytest.raises(StoreUnavailable, match="noeviction") as refusal:
            async with opened(server.url):
                pass
        assert refusal.value.kind == "eviction"

    try:
        asyncio.run(play())
    finally:
        server.stop()


def test_a_password_is_used_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    """The right password opens; a wrong one is a StoreUnavailable that does not repeat it."""
    server = Valkey(tmp_path / "data", password="right-canary").start()

    async def play() -> None:
        async with opened(server.url, password="right-canary") as ledger:
            await World(ledger).admitted()
        async with opened(server.url, password="wrong-canary") as ledger:
            with pytest.raises(StoreUnavailable) as refusal:
                await World(ledger).admit()
            assert refusal.value.kind in {"auth", "circuit"}
            assert "wrong-canary" not in str(refusal.value)

    try:
        asyncio.run(play())
    finally:
        server.stop()
