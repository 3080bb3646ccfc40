"""The shared ledger while its store or the way to it fails: closed, bounded, nothing charged twice."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from gateway.ledger import Admitted, Known, Limit, Per, StoreUnavailable
from gateway.ledger.redis import RedisLedger
from tests.ledger.cases import NOT_PLACED, WHOLE
from tests.ledger.proxy import Proxy, proxied
from tests.ledger.shared_store import opened, until
from tests.ledger.valkey import Valkey
from tests.ledger.world import World

DAILY = Limit("daily", 5, Per.DAY)
AT_ONCE = Limit("at-once", 5, Per.CONCURRENT)
LIMITS = (DAILY, AT_ONCE)
TIMEOUTS = {"connect_timeout_ms": 300, "command_timeout_ms": 300}


async def answers(ledger: RedisLedger, world: World) -> bool:
    try:
        await ledger.peek(world.tenant, "key:crm", LIMITS)
    except StoreUnavailable:
        return False
    return True


async def is_untouched(observer: RedisLedger, world: World) -> bool:
    states = await observer.peek(world.tenant, "key:crm", LIMITS)
    return [state.remaining for state in states] == [5, 5]


def run_behind_proxy(valkey: Valkey, body, **about) -> None:
    """Play a body with a ledger behind a proxy, and an observer beside it."""

    async def play() -> None:
        async with (
            proxied(valkey.port) as proxy,
            opened(f"redis://127.0.0.1:{proxy.port}", **{**TIMEOUTS, **about}) as ledger,
            opened(valkey.url) as observer,
        ):
            world = World(ledger)
            assert await answers(ledger, world)
            await body(proxy, world, observer)

    asyncio.run(play())


def test_a_lost_reply_charges_once_and_is_undone(valkey: Valkey) -> None:
    """An admission whose reply is lost is a StoreUnavailable, sent once, and refunded with its key."""

    async def body(proxy: Proxy, world: World, observer: RedisLedger) -> None:
        claim = world.claim(key="k", limits=LIMITS)
        proxy.drops_replies = proxy.refuses = True
        with pytest.raises(StoreUnavailable):
            await world.ledger.admit(claim)
        assert await _only_one_is_charged(observer, world), "it happened"
        # Only an admission says who calls whom; an undo names the call.
        assert proxy.count(f'"{claim.caller_number}","{claim.callee_number}"'.encode()) == 1
        proxy.drops_replies = proxy.refuses = False
        await until(lambda: is_untouched(observer, world))
        assert await observer.find(world.tenant, claim.call_id) is None
        retry = await observer.admit(world.claim(key="k", limits=LIMITS))
        assert isinstance(retry, Admitted), "the key is free for a first try"

    run_behind_proxy(valkey, body)


def test_every_command_leaves_once(valkey: Valkey) -> None:
    """No client retries: while replies are dropped, each verb's command is seen at most once."""

    async def body(proxy: Proxy, world: World, _: RedisLedger) -> None:
        record = await world.admitted(limits=LIMITS)
        proxy.drops_replies = True
        with pytest.raises(StoreUnavailable):
            await world.settle(record, WHOLE, LIMITS)
        with pytest.raises(StoreUnavailable):
            await world.ledger.peek(world.tenant, "someone", (Limit("q", 1, Per.DAY),))
        assert proxy.count(b"$6\r\nsettle\r\n") == 1
        # The name of the counter's key is in the one command that reads it.
        await asyncio.sleep(0.5)
        assert proxy.count(b"$6\r\nsettle\r\n") == 1

    run_behind_proxy(valkey, body)


def test_an_admission_that_arrives_after_its_undo_does_not_happen(valkey: Valkey) -> None:
    """What was held on the way and comes late finds that it was taken back, and charges nothing."""

    async def body(proxy: Proxy, world: World, observer: RedisLedger) -> None:
        claim = world.claim(key="k", limits=LIMITS)
        proxy.holds_requests = True
        with pytest.raises(StoreUnavailable):
            await world.ledger.admit(claim)
        # The undo goes another way and comes first, like a packet that overtakes.
        await observer._undos.add(claim)
        await until(lambda: _has_no_undos(observer))
        proxy.release()
        await asyncio.sleep(0.2)
        assert proxy.count(claim.call_id.encode()) >= 1
        assert await is_untouched(observer, world)
        assert await observer.find(world.tenant, claim.call_id) is None
        with pytest.raises(StoreUnavailable, match="taken back"):
            await observer.admit(claim)

    run_behind_proxy(valkey, body)


async def _has_no_undos(ledger: RedisLedger) -> bool:
    return not ledger._undos._spool


def test_an_undo_does_not_touch_what_was_settled(valkey: Valkey) -> None:
    """Taking back is for admissions alone: a settled call keeps its charge and its record."""

    async def play() -> None:
        async with opened(valkey.url) as ledger:
            world = World(ledger)
            claim = world.claim(key="k", limits=LIMITS)
            assert isinstance(await ledger.admit(claim), Admitted)
            await ledger.settle(world.tenant, claim.call_id, WHOLE, 1, LIMITS)
            await ledger._undos.add(claim)
            await until(lambda: _has_no_undos(ledger))
            assert await world.remaining(*LIMITS) == [4, 5]
            assert isinstance(await ledger.admit(world.claim(key="k")), Known)

    asyncio.run(play())


def test_a_cancelled_admission_is_undone(valkey: Valkey) -> None:
    """A caller that is cancelled in the middle leaves no charge behind."""

    async def body(proxy: Proxy, world: World, observer: RedisLedger) -> None:
        proxy.drops_replies = True
        admitting = asyncio.create_task(world.ledger.admit(world.claim(limits=LIMITS)))
        await asyncio.sleep(0.05)
        admitting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await admitting
        proxy.drops_replies = False
        await until(lambda: is_untouched(observer, world))

    run_behind_proxy(valkey, body, command_timeout_ms=2000)


def test_a_cut_connection_is_replaced(valkey: Valkey) -> None:
    """A connection that the peer closes costs no call: the next verb makes another."""

    async def body(proxy: Proxy, world: World, _: RedisLedger) -> None:
        before = proxy.connections
        proxy.cut()
        await asyncio.sleep(0.05)
        assert isinstance(await world.admit(limits=LIMITS), Admitted)
        assert proxy.connections == before + 1

    run_behind_proxy(valkey, body)


def test_a_forgotten_script_is_sent_anew(valkey: Valkey) -> None:
    """A store that forgot its scripts executes nothing by digest; the text follows, once."""

    async def play() -> None:
        async with opened(valkey.url) as ledger:
            world = World(ledger)
            record = await world.admitted(limits=LIMITS)
            await asyncio.to_thread(valkey.ask, "SCRIPT", "FLUSH")
            await world.settle(record, NOT_PLACED, LIMITS)
            await asyncio.to_thread(valkey.ask, "SCRIPT", "FLUSH")
            await world.admitted(limits=LIMITS)
            assert await world.remaining(*LIMITS) == [4, 4]

    asyncio.run(play())


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
            await until(lambda: _only_one_is_charged(ledger, world))
            await world.settle(record, NOT_PLACED, LIMITS)
            await until(lambda: is_untouched(ledger, world))

    try:
        asyncio.run(play())
    finally:
        server.stop()


async def _only_one_is_charged(ledger: RedisLedger, world: World) -> bool:
    try:
        states = await ledger.peek(world.tenant, "key:crm", LIMITS)
    except StoreUnavailable:
        return False
    return [state.remaining for state in states] == [4, 4]


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
