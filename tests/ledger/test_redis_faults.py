"""The shared ledger while the way to its store fails: closed, sent once, nothing charged twice."""

import asyncio

import pytest

from gateway.ledger import Admitted, Known, StoreUnavailable
from gateway.ledger.redis import RedisLedger
from tests.ledger.cases import NOT_PLACED, WHOLE
from tests.ledger.proxy import Proxy, proxied
from tests.ledger.shared_store import LIMITS, answers, is_charged_once, is_untouched, opened, until
from tests.ledger.valkey import Valkey
from tests.ledger.world import World

TIMEOUTS = {"connect_timeout_ms": 300, "command_timeout_ms": 300}


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
        assert await is_charged_once(observer, world), "it happened"
        # Only an admission says who calls whom; an undo names the call.
        assert proxy.count(f'"{claim.caller_number}","{claim.callee_number}"'.encode()) == 1
        proxy.drops_replies = proxy.refuses = False
        await until(lambda: is_untouched(observer, world))
        assert await observer.find(world.tenant, claim.call_id) is None
        retry = await observer.admit(world.claim(key="k", limits=LIMITS))
        assert isinstance(retry, Admitted), "the key is free for a first try"

    run_behind_proxy(valkey, body)


def test_every_command_leaves_once(valkey: Valkey) -> None:
    """No client retries: while replies are dropped, a command is seen once, then and later."""

    async def body(proxy: Proxy, world: World, _: RedisLedger) -> None:
        record = await world.admitted(limits=LIMITS)
        proxy.drops_replies = True
        with pytest.raises(StoreUnavailable):
            await world.settle(record, WHOLE, LIMITS)
        assert proxy.count(b"$6\r\nsettle\r\n") == 1
        await asyncio.sleep(0.5)
        assert proxy.count(b"$6\r\nsettle\r\n") == 1

    run_behind_proxy(valkey, body)


def test_a_command_whose_connection_breaks_is_not_sent_again(valkey: Valkey) -> None:
    """The store can be reached at once by another connection, and is not asked the same there."""

    async def body(proxy: Proxy, world: World, _: RedisLedger) -> None:
        record = await world.admitted(limits=LIMITS)
        proxy.cuts_at = b"$6\r\nsettle\r\n"
        with pytest.raises(StoreUnavailable):
            await world.settle(record, WHOLE, LIMITS)
        assert await answers(world.ledger, world)
        assert proxy.count(proxy.cuts_at) == 1

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
