"""What the shared ledger says to its servers, how it reads them, and which one it asks."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger import BadCursor, Limit, Per, StoreUnavailable
from gateway.ledger.redis.cursor import Place, read_cursor, write_cursor
from gateway.ledger.redis.keys import keys_of
from gateway.ledger.redis.plan import Plans
from gateway.ledger.redis.resp import BrokenStream, ErrorReply, Reader, bulk, command, framed
from gateway.ledger.redis.routing import slot_of
from tests.ledger.cases import NOT_PLACED
from tests.ledger.proxy import proxied
from tests.ledger.shared_store import opened
from tests.ledger.valkey import Cluster, Valkey, text
from tests.ledger.world import World

REPLIES = st.recursive(
    st.binary() | st.integers(-(2**63), 2**63 - 1) | st.none(), lambda inner: st.lists(inner, max_size=5)
)


def written(reply: object) -> bytes:
    """A reply as a server writes it."""
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    assert isinstance(reply, list)
    return b"*%d\r\n" % len(reply) + b"".join(written(item) for item in reply)


@given(st.lists(REPLIES, max_size=5), st.integers(1, 7))
def test_replies_are_read_however_they_are_cut(replies: list[object], size: int) -> None:
    """Every reply comes out once, in order and whole, wherever the stream was cut."""
    stream = b"".join(written(reply) for reply in replies)
    reader, seen = Reader(), []
    for at in range(0, len(stream), size):
        seen += reader.feed(stream[at : at + size])
    assert seen == replies


def test_errors_are_values() -> None:
    """An error reply is told by its first word."""
    (status, error) = Reader().feed(b"+OK\r\n-NOSCRIPT No matching script.\r\n")
    assert status == b"OK"
    assert isinstance(error, ErrorReply)
    assert (error.code, error.text) == ("NOSCRIPT", "NOSCRIPT No matching script.")


@pytest.mark.parametrize("stream", [b"?1\r\n", b"HTTP/1.1 400\r\n", b"$x\r\n", b"*1\r\n!\r\n"])
def test_what_is_no_reply_breaks_the_stream(stream: bytes) -> None:
    """A stream that is not the protocol's is given up, not guessed at."""
    with pytest.raises(BrokenStream):
        Reader().feed(stream)


def test_a_command_is_the_same_in_one_piece_or_in_parts() -> None:
    """What is prepared ahead leaves as the same bytes."""
    whole = command(b"EVALSHA", b"abc", b"1", "\u043a\u043b\u044e\u0447".encode(), b"")
    parts = framed(
        5, bulk((b"EVALSHA", b"abc")), bulk((b"1",)), bulk(("\u043a\u043b\u044e\u0447".encode(), b""))
    )
    assert whole == parts
    assert whole.startswith(b"*5\r\n$7\r\nEVALSHA\r\n")


@given(st.integers(0, 2**53), st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1))
def test_cursors_are_read_back(at_us: int, call_id: str) -> None:
    """A cursor is the place that it was made of."""
    place = Place(at_us, call_id)
    assert read_cursor(write_cursor(place)) == place


@given(st.text())
def test_a_text_that_is_no_cursor_is_refused(told: str) -> None:
    """Whatever else is given is a BadCursor."""
    with pytest.raises(BadCursor):
        read_cursor(told)


def test_a_changed_cursor_is_refused() -> None:
    """Every character counts."""
    cursor = write_cursor(Place(1_773_000_000_000_000, "01a2b3"))
    for at in range(len(cursor)):
        for other in "A", "B", "=", "!":
            if cursor[at] != other:
                with pytest.raises(BadCursor):
                    read_cursor(cursor[:at] + other + cursor[at + 1 :])


def test_a_tenants_keys_share_one_slot(valkey: Valkey, cluster: Cluster) -> None:
    """The slot that is asked is the cluster's own for every one of the tenant's keys."""
    keys = keys_of("acme")
    names = (
        keys.marker,
        keys.call("x"),
        keys.key("a}b{c"),
        keys.counter("q", "user:{x}", is_concurrent=True),
    )
    slots = {cluster.nodes[0].ask("CLUSTER", "KEYSLOT", name) for name in (*names, keys.index, keys.unknown)}
    assert slots == {slot_of(keys.tag)}
    assert slot_of(b"123456789") == 12739, "the value in the cluster's specification"
    assert text(valkey.ask("PING")) == b"PONG"


@pytest.mark.parametrize("name", ["", "a{b", "a}b"])
def test_a_name_that_breaks_the_tag_is_refused(name: str) -> None:
    """A tenant whose keys could lie in other slots has no keys."""
    with pytest.raises(ValueError, match="tenant"):
        keys_of(name)


def test_a_limit_beyond_exact_numbers_is_refused() -> None:
    """Scripts count in doubles: what these can't count exactly is refused, not rounded."""
    Plans().of((Limit("q", 1_000_000, Per.HOUR),))
    with pytest.raises(ValueError, match="counts further"):
        Plans().of((Limit("q", 10_000_000, Per.HOUR),))


def test_a_moved_slot_is_followed(cluster: Cluster) -> None:
    """While a tenant's slot migrates reads go on and admissions are closed; then all goes on over there."""

    async def play() -> None:
        async with opened(cluster.url) as ledger:
            world = World(ledger)
            first = await world.admitted(key="k")
            source = await asyncio.to_thread(cluster.node_of, world.tenant)
            target = next(node for node in cluster.nodes if node is not source)
            await asyncio.to_thread(_move, world.tenant, source, target)
            found = await ledger.find_by_key(world.tenant, "k")
            assert found == first
            with pytest.raises(StoreUnavailable) as refusal:
                await world.admit(key="k2")
            assert refusal.value.kind == "tryagain", "scripts wait for the whole slot; nothing was executed"
            await asyncio.to_thread(_assign, cluster, world.tenant, target)
            assert await ledger.find_by_key(world.tenant, "k") == first
            await world.admitted(key="k3")
            await asyncio.to_thread(_move, world.tenant, target, source)
            await asyncio.to_thread(_assign, cluster, world.tenant, source)
            await world.admitted(key="k4")

    asyncio.run(play())


def _slot(tenant: str) -> str:
    return str(slot_of(keys_of(tenant).tag))


def _move(tenant: str, source: Valkey, target: Valkey) -> None:
    """Begin to migrate the tenant's slot and move all its keys: from now on the source answers ASK."""
    slot = _slot(tenant)
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", text(source.ask("CLUSTER", "MYID")))
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", text(target.ask("CLUSTER", "MYID")))
    names = source.ask("CLUSTER", "GETKEYSINSLOT", slot, "1000")
    assert isinstance(names, list)
    source.ask("MIGRATE", "127.0.0.1", str(target.port), "", "0", "5000", "KEYS", *names)


def _assign(cluster: Cluster, tenant: str, holder: Valkey) -> None:
    """The slot is the holder's: others answer MOVED."""
    name = text(holder.ask("CLUSTER", "MYID"))
    for node in (holder, *(node for node in cluster.nodes if node is not holder)):
        node.ask("CLUSTER", "SETSLOT", _slot(tenant), "NODE", name)


def test_tls_is_verified(valkey: Valkey, tmp_path: Path) -> None:
    """rediss:// speaks TLS to a server that the authority vouches for, and to no other."""
    authority, stranger = trustme.CA(), trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    known, unknown = tmp_path / "known.pem", tmp_path / "unknown.pem"
    authority.cert_pem.write_to_path(str(known))
    stranger.cert_pem.write_to_path(str(unknown))

    async def play() -> None:
        async with proxied(valkey.port, server) as proxy:
            async with opened(f"rediss://localhost:{proxy.port}/0", ca_file=known) as ledger:
                world = World(ledger)
                record = await world.admitted()
                assert await ledger.find(world.tenant, record.call_id) == record
            async with opened(f"rediss://localhost:{proxy.port}/0", ca_file=unknown) as ledger:
                with pytest.raises(StoreUnavailable):
                    await World(ledger).admit()
            async with opened(f"rediss://127.0.0.1:{proxy.port}/0", ca_file=known) as ledger:
                with pytest.raises(StoreUnavailable):
                    await World(ledger).admit()

    asyncio.run(play())


def test_an_admission_and_a_settlement_are_one_round_trip_each(valkey: Valkey) -> None:
    """Between a call's admission and its settlement two commands leave, both of them scripts."""

    async def play() -> None:
        async with proxied(valkey.port) as proxy, opened(f"redis://127.0.0.1:{proxy.port}") as ledger:
            world = World(ledger)
            limits = (
                Limit("hourly", 9, Per.HOUR),
                Limit("daily", 9, Per.DAY),
                Limit("slots", 9, Per.CONCURRENT),
            )
            await world.admitted(key="first", limits=limits)
            before = len(proxy.seen)
            record = await world.admitted(key="k", limits=limits)
            await world.settle(record, NOT_PLACED, limits)
            (sent, *more) = bytes(proxy.seen[before:]).split(b"$7\r\nEVALSHA\r\n")
            assert len(more) == 2
            assert sent.startswith(b"*")
            assert bytes(proxy.seen[before:]).count(b"\r\n*") + 1 == 2

    asyncio.run(play())
