"""A file that can't serve is refused in words that say how to recover; one that fails later closes calls."""

import asyncio
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from gateway.call import Status, requested
from gateway.ledger import StoreUnavailable
from gateway.ledger.sqlite import SqliteLedger
from gateway.ledger.sqlite.schema import VERSION
from tests.ledger.cases import ALL, NOT_PLACED, UNKNOWN, WHOLE
from tests.ledger.child import TENANT
from tests.ledger.serving import eventually, serve
from tests.ledger.test_sqlite_contract import sqlite_ledger
from tests.ledger.world import DAY_US, UNKNOWN_RETENTION_US, Clock, World


def refusal_of(path: Path, *, serving: bool = True) -> StoreUnavailable:
    async def run() -> StoreUnavailable:
        ledger = sqlite_ledger(path, Clock(), serving=serving)
        with pytest.raises(StoreUnavailable) as told:
            await ledger.open()
        with pytest.raises(StoreUnavailable):
            await ledger.recover()
        await ledger.close()
        return told.value

    return asyncio.run(run())


def child(what: str, path: Path) -> list[str]:
    command = [sys.executable, "-m", "tests.ledger.child", what, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


async def admit_once(world: World) -> None:
    await world.admitted(key="k", limits=ALL)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    """The directory is not made: the refusal names it and says to create it."""
    refusal = refusal_of(tmp_path / "no" / "gateway.db")
    assert refusal.kind == "missing"
    assert str(tmp_path / "no") in str(refusal)
    assert "create it" in str(refusal)
    assert not (tmp_path / "no").exists()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Something else under that name is left as it is, and the refusal says what to do."""
    path = tmp_path / "gateway.db"
    path.write_bytes(b"this is a letter, not a ledger\n" * 200)
    refusal = refusal_of(path)
    assert refusal.kind == "corrupt"
    assert "restore it from a backup, or move it away" in str(refusal)
    assert path.read_bytes().startswith(b"this is a letter")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """Pages that were overwritten are found at the opening, before anything is decided on them."""
    path = tmp_path / "gateway.db"

    async def fill(world: World) -> None:
        await asyncio.gather(*(world.admitted(key=f"k-{n}") for n in range(300)))

    serve(path, fill)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    refusal = refusal_of(path)
    assert refusal.kind == "corrupt"
    assert "restore it from a backup" in str(refusal)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A file of a newer gateway is not touched."""
    path = tmp_path / "gateway.db"
    serve(path, admit_once)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    for serving in (True, False):
        refusal = refusal_of(path, serving=serving)
        assert refusal.kind == "schema"
        assert str(path) in str(refusal)
        assert f"version {VERSION + 1}" in str(refusal)


@pytest.mark.parametrize("what", ["directory", "file"])
def test_a_read_only_place_is_refused(what: str) -> None:
    """A directory or a file that the gateway's user can't write is refused, not served from."""
    with tempfile.TemporaryDirectory() as name:  # where another user may look, unlike pytest's own
        place = Path(name)
        path = place / "gateway.db"
        serve(path, admit_once)
        path.with_name("gateway.db.lock").chmod(0o666)
        path.chmod(0o444 if what == "file" else 0o666)
        place.chmod(0o777 if what == "file" else 0o555)
        try:
            (told,) = child("open", path)
        finally:
            place.chmod(0o755)
    assert told.startswith("read_only ")
    assert "writable for the gateway's user" in told


def test_two_gateways_cannot_serve_one_file(tmp_path: Path) -> None:
    """The second is told which process serves it; once that one ends the file is free."""
    path = tmp_path / "gateway.db"
    command = [sys.executable, "-m", "tests.ledger.child", "hold", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "serving\n"
        refusal = refusal_of(path)
        assert refusal.kind == "locked"
        assert f"process {other.pid}" in str(refusal)
        other.kill()
    serve(path, admit_once)


def test_a_link_is_no_second_ledger(tmp_path: Path) -> None:
    """Who is given a link to the file of another gateway is refused as well: its slots are the other's."""
    path, link = tmp_path / "gateway.db", tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)

    async def body(world: World) -> None:
        await world.admitted(limits=ALL)
        other = sqlite_ledger(link, Clock())
        with pytest.raises(StoreUnavailable) as told:
            await other.open()
        assert told.value.kind == "locked"

    serve(path, body)
    serve(link, admit_once)


def test_a_full_disk_closes_and_opens_again(tmp_path: Path) -> None:
    """No space: refused, nothing half done, reads and replays go on; with space the settlement follows."""
    told = child("fill", tmp_path / "gateway.db")
    assert told[0].removeprefix("refused ") in {"io", "full"}
    assert told[1:4] == ["listed True", "replayed Known", "charged True"]
    assert told[4].removeprefix("unsettled ") in {"io", "full"}
    assert told[5:] == ["settled by itself", "admits again"]


def test_a_file_that_was_moved_away_closes(tmp_path: Path) -> None:
    """Nothing is admitted into a file that no longer stands under its name; put back, it serves on."""
    path, aside = tmp_path / "gateway.db", tmp_path / "aside.db"

    async def body(world: World) -> None:
        record = await world.admitted(key="k", limits=ALL)
        path.rename(aside)
        for step in (world.admit(limits=ALL), world.settle(record, WHOLE, ALL)):
            with pytest.raises(StoreUnavailable) as told:
                await step
            assert told.value.kind == "moved"
            assert "put it back" in str(told.value)
        assert await world.ledger.find(TENANT, record.call_id) == record
        aside.rename(path)
        await world.admitted(limits=ALL)

        async def is_settled() -> bool:
            found = await world.ledger.find(TENANT, record.call_id)
            return found is not None and found.outcome == WHOLE

        await eventually(is_settled)

    serve(path, body)


def test_a_settlement_that_is_repeated_is_owed_once(tmp_path: Path) -> None:
    """While the file takes nothing, who tries again and again does not pile up work for the ledger."""
    path, aside = tmp_path / "gateway.db", tmp_path / "aside.db"

    async def body(world: World) -> None:
        record = await world.admitted(key="k", limits=ALL)
        path.rename(aside)
        for _ in range(20):
            with pytest.raises(StoreUnavailable):
                await world.settle(record, WHOLE, ALL)
        assert isinstance(world.ledger, SqliteLedger)
        assert world.ledger.debts <= 1
        aside.rename(path)

        async def is_settled() -> bool:
            found = await world.ledger.find(TENANT, record.call_id)
            return found is not None and found.outcome == WHOLE

        await eventually(is_settled)

    serve(path, body)


def test_an_operator_reads_and_resolves_beside_the_gateway(tmp_path: Path) -> None:
    """A ledger that does not serve sees what the serving one wrote, and its verdict counts there."""
    path = tmp_path / "gateway.db"

    async def body(world: World) -> None:
        records = [await world.admitted(key=f"k-{n}", limits=ALL) for n in range(3)]
        for record in records[:2]:
            await world.settle(record, UNKNOWN, ALL)
        assert world.clock is not None
        beside = sqlite_ledger(path, world.clock, serving=False)
        await beside.open()
        page = await beside.list(None, status=Status.UNKNOWN, limit=9, cursor=None)
        assert [record.call_id for record in page.records] == [r.call_id for r in records[1::-1]]
        assert await beside.find(TENANT, records[2].call_id) == records[2], "in progress, not recovered"
        (*_, at_once) = await beside.peek(TENANT, "key:crm", ALL)
        assert at_once.in_use == 1
        more = await world.admitted(limits=ALL[2:])
        (*_, at_once) = await beside.peek(TENANT, "key:crm", ALL)
        assert at_once.in_use == 2, "it keeps nothing in memory that the gateway may change"
        await world.settle(more, WHOLE)
        assert await beside.resolve(records[0].call_id, NOT_PLACED) is not None
        assert await beside.resolve(records[1].call_id, requested(None)) is not None
        assert await beside.resolve(records[2].call_id, NOT_PLACED) is None
        with pytest.raises(StoreUnavailable):
            await beside.admit(world.claim())
        await beside.close()
        assert await world.remaining(*ALL) == [1, 3, 3]
        assert await world.ledger.find_by_key(TENANT, "k-0") is None
        await world.settle(records[2], WHOLE, ALL)
        assert await world.remaining(*ALL) == [1, 3, 4]

    serve(path, body)


def test_a_verdict_needs_a_ledger_that_is_there(tmp_path: Path) -> None:
    """To read or resolve nothing is made: a missing or an empty file is refused."""
    path = tmp_path / "gateway.db"
    assert refusal_of(path, serving=False).kind == "missing"
    assert not path.exists()
    path.touch()
    assert refusal_of(path, serving=False).kind == "schema"


def test_expired_rows_leave_the_file_little_by_little(tmp_path: Path) -> None:
    """Records, keys and counters are taken out once they expired; what is held for longer stays."""
    path, clock = tmp_path / "gateway.db", Clock()

    async def body(world: World) -> None:
        records = await asyncio.gather(
            *(world.admitted(key=f"k-{n}", subject=f"u-{n}", limits=ALL[:0]) for n in range(450))
        )
        await world.admitted(key="charged", limits=ALL)
        for number, record in enumerate(records[:-1]):
            await world.settle(record, UNKNOWN if number < 120 else WHOLE)
        clock.advance(3 * DAY_US)
        newer = await world.admitted()
        # The gateway's own SQLite: a second copy of it in one process would drop the first one's locks.
        with closing(apsw.Connection(str(path))) as reader:
            for _ in range(400):
                calls = reader.execute("SELECT count(*) FROM calls").get
                counters = reader.execute("SELECT count(*) FROM counters").get
                if (calls, counters) == (123, 0):
                    break
                await asyncio.sleep(0.02)
            left = [call_id for (call_id,) in reader.execute("SELECT call_id FROM calls ORDER BY seq")]
        assert left[:120] == [record.call_id for record in records[:120]]
        assert set(left[120:]) >= {records[-1].call_id, newer.call_id}
        assert (calls, counters) == (123, 0)
        clock.advance(UNKNOWN_RETENTION_US)
        assert await world.ledger.find_by_key(TENANT, "k-3") is None
        assert await world.ledger.find_by_key(TENANT, "k-449") is not None

    serve(path, body, clock)


def test_files_are_private(tmp_path: Path) -> None:
    """The ledger holds phone numbers: nobody but its owner reads its files."""
    old = os.umask(0o022)
    try:
        serve(tmp_path / "gateway.db", admit_once)
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
