"""What the shared store's scripts write, to the microsecond, on a store whose clock is set."""

import asyncio
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.call import RECOVERED, Status
from gateway.ledger import Admitted, Exceeded, Known, Limit, Per, StoreUnavailable
from gateway.ledger.quota import Counter, charge, refund, rules_of, stand
from tests.ledger.cases import ALL, AT_ONCE, REJECTED, WHOLE
from tests.ledger.shared_store import opened
from tests.ledger.world import (
    DAY_US,
    DEADLINE_US,
    HOUR_US,
    SECOND_US,
    Clock,
    World,
)

NOW_US = Clock().now_us + 123_457
LIMITS = (
    Limit("q", 3, Per.DAY),
    Limit("q", 4, Per.MONTH, time_zone="Europe/Kyiv"),
    Limit("q", 7, Per.MINUTE),
    Limit("q", 3, Per.HOUR, burst=5),
)


counters = st.builds(
    lambda calls, over, unit, ago_us, since, trace: Counter(
        calls * unit + over % unit, unit, NOW_US - ago_us, trace if unit > 1 else NOW_US - ago_us - since
    ),
    st.integers(0, 6),
    st.sampled_from([0, 0, 1, 2, 5_999_999]),
    st.sampled_from([1, SECOND_US, 60 * SECOND_US, 3600 * SECOND_US]),
    st.sampled_from([0, 1, 1_000_000, 40_000_000, HOUR_US, DAY_US, -1, -SECOND_US]),
    st.sampled_from([0, 1, HOUR_US, DAY_US]),
    st.sampled_from(
        [
            *(0, 1, 2, 2**53 - 1),
            *(ago_us * 2**20 + 2 for ago_us in (5, 8_571_428, 35_000_000, 2_400_000_000)),
            20_000_000 * 2**20 + 1,
        ]
    ),
)


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.per)
def test_a_counter_becomes_what_the_arithmetic_says(frozen, limit: Limit):
    """Whatever counter is found, of whichever kind: charged as the engine-free rules do, or left alone."""
    server, clock = frozen
    (rule,) = rules_of((limit,))

    async def play(before: Counter) -> None:
        async with opened(server.url) as ledger:
            world = World(ledger)
            await world.admitted(limits=(limit,))
            (name,) = await asyncio.to_thread(server.ask, "KEYS", f"gw:{{{world.tenant}}}:q:*")
            text = b"%d %d %d %d" % before
            await asyncio.to_thread(server.ask, "SET", name, text)
            decision = await world.admit(limits=(limit,))
            standing = stand(rule, before, NOW_US)
            after = await asyncio.to_thread(server.ask, "GET", name)
            assert isinstance(decision, Admitted) == standing.fits, before
            assert after == (b"%d %d %d %d" % charge(standing) if standing.fits else text), before

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(before=counters)
    def each(before: Counter) -> None:
        clock.now_us = NOW_US
        asyncio.run(play(before))

    each()


def test_a_trace_counts_no_further_than_its_part(frozen):
    """Of more calls than any configuration allows as many are told as there is room for."""
    server, clock = frozen
    clock.now_us = NOW_US
    limit = Limit("q", 1, Per.SECOND, burst=2**21)
    (rule,) = rules_of((limit,))

    async def play() -> None:
        async with opened(server.url) as ledger:
            world = World(ledger)
            await world.admitted(limits=(limit,))
            (name,) = await asyncio.to_thread(server.ask, "KEYS", f"gw:{{{world.tenant}}}:q:*")
            before = Counter(2**20 * SECOND_US, SECOND_US, NOW_US, 0)
            await asyncio.to_thread(server.ask, "SET", name, b"%d %d %d %d" % before)
            await world.admitted(limits=(limit,))
            after = charge(stand(rule, before, NOW_US))
            assert after.since_us == 2**20 - 1
            assert await asyncio.to_thread(server.ask, "GET", name) == b"%d %d %d %d" % after

    asyncio.run(play())


@pytest.mark.parametrize("is_old", [False, True], ids=["", "old"])
@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.per)
def test_a_refund_is_what_the_arithmetic_says(frozen, limit: Limit, is_old: bool):
    """Whatever counter is found, also where the record is an older gateway's, that does not tell the rule;
    slots lie beside it. The counters were charged after the call, or at its moment."""
    server, clock = frozen
    (rule,) = rules_of((limit,))
    limits = (AT_ONCE, Limit("other", 3, Per.DAY), replace(AT_ONCE, name="more"), limit)
    unit_us, refill = (0, 0) if is_old else (rule.unit_us, rule.refill)

    async def play(found: Counter) -> None:
        before = found._replace(at_us=NOW_US + (NOW_US - found.at_us))
        server_ask = lambda *words: asyncio.to_thread(server.ask, *words)  # noqa: E731 - bound to this server
        async with opened(server.url) as ledger:
            world = World(ledger)
            record = await world.admitted(limits=limits, client_reference='"]|\n\u0437')
            if is_old:
                (home,) = await server_ask("KEYS", f"gw:{{{world.tenant}}}:c:*")
                text = await server_ask("GET", home)
                shorter = re.sub(rb",\d+,\d+\]", b"]", text)
                assert shorter != text
                await server_ask("SET", home, shorter)
            (name,) = await server_ask("KEYS", f"gw:{{{world.tenant}}}:q:q:*")
            await server_ask("SET", name, b"%d %d %d %d" % before, "PX", "99")
            await world.settle(record, REJECTED, limits)
            after = refund(before, NOW_US, unit_us, refill)
            assert await server_ask("GET", name) == b"%d %d %d %d" % after, before
            assert await server_ask("PTTL", name) == 99
            assert await world.remaining(*limits[:3]) == [4, 3, 4]

    @example(found=Counter(4 * HOUR_US, HOUR_US, NOW_US - HOUR_US, 2_400_000_000 * 2**20 + 2))
    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(found=counters)
    def each(found: Counter) -> None:
        clock.now_us = NOW_US
        asyncio.run(play(found))

    each()


@pytest.mark.parametrize("aside_us", [0, 1, 428, 429, 571, 572])
def test_a_counter_stays_until_nothing_is_used(frozen, aside_us: int):
    """A bucket's to the millisecond in which it is full again, a day's to its end, at least."""
    server, clock = frozen
    now_us = NOW_US // 1000 * 1000 + aside_us
    clock.now_us = now_us

    async def play() -> None:
        async with opened(server.url) as ledger:
            world = World(ledger)
            await world.admitted(limits=(Limit("burst", 7, Per.MINUTE), Limit("daily", 7, Per.DAY)))
            for part, idle_us in (
                ("burst", now_us - (-60 * SECOND_US // 7)),
                ("daily", (now_us // DAY_US + 1) * DAY_US),
            ):
                (name,) = await asyncio.to_thread(server.ask, "KEYS", f"gw:{{{world.tenant}}}:q:*{part}*")
                assert await asyncio.to_thread(server.ask, "PEXPIRETIME", name) == -(-idle_us // 1000) - 1

    asyncio.run(play())


@pytest.mark.parametrize("kept_us", [(2 * HOUR_US, DAY_US), (DAY_US, 2 * HOUR_US)])
def test_a_key_finds_its_call_past_the_deadline_unknown(frozen, kept_us: tuple[int, int]):
    """From the first microsecond after it: counted once, listed as unknown, kept for the longer time."""
    server, clock = frozen
    clock.now_us = NOW_US

    async def play() -> None:
        server_ask = lambda *words: asyncio.to_thread(server.ask, *words)  # noqa: E731 - bound to this server
        await server_ask("FLUSHALL")
        async with opened(server.url, retention_us=kept_us[0], unknown_retention_us=kept_us[1]) as ledger:
            world = World(ledger)
            record = await world.admitted(key="k", deadline_us=DEADLINE_US)
            clock.advance(DEADLINE_US)
            held = await world.admit(key="k")
            assert isinstance(held, Known)
            assert held.record.status is Status.IN_PROGRESS
            assert await ledger.recover() == 0
            clock.advance(1)
            held = await world.admit(key="k")
            assert isinstance(held, Known)
            assert (held.record.outcome, held.record.settled_at_us) == (RECOVERED, clock.now_us)
            assert await ledger.find(world.tenant, record.call_id) == held.record
            assert await ledger.recover() == 1
            names = await server_ask("KEYS", f"gw:{{{world.tenant}}}:*")
            places = [
                await server_ask("ZRANGE", name, "0", "-1", "WITHSCORES")
                for name in names
                if await server_ask("TYPE", name) == b"zset"
            ]
            assert places == [[record.call_id.encode(), b"%d" % NOW_US]]
            (home,) = [name for name in names if name.endswith(b":k:k")]
            assert await server_ask("PEXPIRETIME", home) == -(-(NOW_US + DAY_US) // 1000) - 1
            page = await ledger.list(world.tenant, status=Status.UNKNOWN, limit=9, cursor=None)
            assert page.records == (held.record,)
            verdict = await ledger.resolve(record.call_id, WHOLE)
            assert verdict is not None
            assert verdict.record.outcome == WHOLE
            clock.now_us = NOW_US + DAY_US - 1
            assert isinstance(await world.admit(key="k"), Known)
            clock.advance(1001)
            assert await ledger.find_by_key(world.tenant, "k") is None

    asyncio.run(play())


def test_decisions_recover_nothing_by_themselves(frozen):
    """Whatever is decided, only records past their deadline are counted."""
    server, clock = frozen
    clock.now_us = NOW_US

    async def play() -> None:
        await asyncio.to_thread(server.ask, "FLUSHALL")
        async with opened(server.url) as ledger:
            world = World(ledger)
            await world.admitted(key="k", limits=ALL[:1])
            await world.admit(key="k", limits=ALL[:1])
            await world.admit(is_refused=True)
            for _ in range(3):
                await world.admit(limits=ALL[:1])
            assert isinstance(await world.admit(limits=ALL[:1]), Exceeded)
            assert await ledger.recover() == 0

    asyncio.run(play())


@pytest.mark.parametrize("step", ["admit", "settle", "peek"])
def test_a_tenant_whose_marker_is_gone_is_closed(frozen, step: str):
    """To whoever asks for a decision, an ending or the quotas, first of all."""
    server, clock = frozen
    clock.now_us = NOW_US

    async def play() -> None:
        async with opened(server.url) as ledger:
            world = World(ledger)
            record = await world.admitted()
            await asyncio.to_thread(server.ask, "DEL", f"gw:{{{world.tenant}}}:e")
            steps = {
                "admit": world.admit,
                "settle": lambda: world.settle(record, RECOVERED),
                "peek": lambda: world.remaining(*ALL),
            }
            with pytest.raises(StoreUnavailable) as told:
                await steps[step]()
            assert told.value.kind == "emptied"

    asyncio.run(play())


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.per)
def test_the_first_counter_is_what_the_arithmetic_says(frozen, limit: Limit):
    """Word for word, where nothing was charged yet."""
    server, clock = frozen
    clock.now_us = NOW_US
    (rule,) = rules_of((limit,))

    async def play() -> None:
        async with opened(server.url) as ledger:
            world = World(ledger)
            await world.admitted(limits=(limit,))
            (name,) = await asyncio.to_thread(server.ask, "KEYS", f"gw:{{{world.tenant}}}:q:*")
            expected = b"%d %d %d %d" % charge(stand(rule, None, NOW_US))
            assert await asyncio.to_thread(server.ask, "GET", name) == expected

    asyncio.run(play())
