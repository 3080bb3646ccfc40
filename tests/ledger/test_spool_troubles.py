"""A spool whose disk is full, or whose files are taken away: nothing is lost once the disk is fine again."""

import asyncio
import resource
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.ledger.journal import read_lines
from gateway.ledger.spool import Left, Spool

Trouble = Callable[[Spool], Awaitable[object]]


@contextmanager
def full_disk(largest: int = 0) -> Iterator[None]:
    """No file may grow beyond `largest` bytes: the kernel writes up to there, and then fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _journals(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.spool"))


def _on_disk(directory: Path) -> list[bytes]:
    """What the next process would find, were this one killed now."""
    return [entry for path in _journals(directory) for entry in read_lines(path.read_bytes()).values()]


def _entries(spool: Spool) -> list[bytes]:
    return [entry for _, entry in spool.since(0)]


async def _opened(directory: Path) -> Spool:
    spool = Spool(directory, "settle")
    await spool.open()
    return spool


async def _another(spool: Spool) -> None:
    await spool.add(b"third")


@pytest.mark.parametrize("torn_at", [0, 1, 30, 10_000])
@pytest.mark.parametrize("then", [_another, Spool.adopt, Spool.close], ids=["add", "adopt", "close"])
def test_what_a_full_disk_did_not_take_is_written_later(tmp_path: Path, torn_at: int, then: Trouble) -> None:
    """Wherever the line was torn: the next entry, the next look and the end write all that waits."""

    async def play() -> None:
        spool = await _opened(tmp_path)
        await spool.add(b"first" * 100)
        size = _journals(tmp_path)[0].stat().st_size
        with full_disk(size + torn_at):
            await spool.add(b"second" * 10_000)
            assert _on_disk(tmp_path) == [b"first" * 100]
        await then(spool)
        third = [b"third"] if then is _another else []
        assert _on_disk(tmp_path) == [b"first" * 100, b"second" * 10_000, *third]

    asyncio.run(play())
    assert len(list(tmp_path.iterdir())) == 1, "neither the torn journal is left nor a draft"


def test_what_is_done_while_the_disk_fails_does_not_come_back(tmp_path: Path) -> None:
    """The journal that is written anew has only what still waits."""

    async def play() -> None:
        spool = await _opened(tmp_path)
        first = await spool.add(b"first")
        with full_disk():
            second = await spool.add(b"second")
            await spool.add(b"third")
            spool.done(first)
            spool.done(second)
        await spool.adopt()
        assert _on_disk(tmp_path) == [b"third"]
        assert await spool.close() == Left(1, 0)

    asyncio.run(play())


def test_a_full_disk_is_logged_when_it_begins_and_when_it_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at each of the tries between."""

    async def play() -> None:
        spool = await _opened(tmp_path)
        with full_disk():
            for n in range(20):
                await spool.add(b"entry %d" % n)
                await spool.adopt()
            assert len(spool) == 20
        await spool.adopt()
        await spool.close()

    asyncio.run(play())
    assert caplog.text.count("can't be written: ") == 1
    assert caplog.text.count("can be written again") == 1
    assert len(_on_disk(tmp_path)) == 20


def test_the_end_tells_what_is_lost_from_what_is_on_disk(tmp_path: Path) -> None:
    """Entries of before the disk failed are there for the next process; those of after it are not."""

    async def play() -> None:
        spool = await _opened(tmp_path)
        await spool.add(b"first")
        with full_disk():
            await spool.add(b"second")
            await spool.add(b"third")
            assert await spool.close() == Left(on_disk=1, lost=2)
        in_memory = Spool(None, "settle")
        await in_memory.add(b"entry")
        assert await in_memory.close() == Left(on_disk=0, lost=1)

    asyncio.run(play())
    assert _on_disk(tmp_path) == [b"first"]


async def _dead(directory: Path, *entries: bytes) -> Path:
    """The journal of a process that is gone."""
    spool = await _opened(directory)
    for entry in entries:
        await spool.add(entry)
    await spool.close()
    return _journals(directory)[0]


def test_an_orphan_is_taken_over_once_though_the_disk_is_full(tmp_path: Path) -> None:
    """It stays, locked, until what it holds is safe elsewhere; nothing is lost and nothing doubled."""

    async def play() -> None:
        orphan = await _dead(tmp_path, b"first", b"second")
        neighbour = Spool(tmp_path, "settle")
        with full_disk():
            spool = await _opened(tmp_path)
            for _ in range(5):
                await spool.adopt()
            await neighbour.open()
            assert (_entries(spool), len(neighbour)) == ([b"first", b"second"], 0)
            assert _on_disk(tmp_path) == [b"first", b"second"]
        await spool.adopt()
        assert not orphan.exists()
        assert _on_disk(tmp_path) == [b"first", b"second"]
        assert await spool.close() == Left(2, 0)
        await neighbour.adopt()
        assert _entries(neighbour) == [b"first", b"second"]
        await neighbour.close()

    asyncio.run(play())


def test_an_orphan_that_could_not_be_copied_is_left_to_the_next_process(tmp_path: Path) -> None:
    """What it holds is on disk, and counts so."""

    async def play() -> None:
        await _dead(tmp_path, b"first", b"second")
        with full_disk():
            spool = await _opened(tmp_path)
            assert await spool.close() == Left(on_disk=2, lost=0)
        later = await _opened(tmp_path)
        assert _entries(later) == [b"first", b"second"]
        await later.close()

    asyncio.run(play())


def test_an_orphan_whose_entries_are_done_goes_though_the_disk_is_full(tmp_path: Path) -> None:
    """What is done need not be safe."""

    async def play() -> None:
        orphan = await _dead(tmp_path, b"first")
        with full_disk():
            spool = await _opened(tmp_path)
            [(number, _)] = spool.since(0)
            spool.done(number)
            await spool.adopt()
            assert not orphan.exists()
        await spool.close()

    asyncio.run(play())
    assert list(tmp_path.iterdir()) == []


def _remove_file(directory: Path) -> None:
    _journals(directory)[0].unlink()


def _replace_directory(directory: Path) -> None:
    directory.rename(directory.with_name("moved"))
    directory.mkdir()


@pytest.mark.parametrize("how", [_remove_file, shutil.rmtree, _replace_directory])
@pytest.mark.parametrize("then", [_another, Spool.adopt, Spool.close], ids=["add", "adopt", "close"])
def test_a_journal_that_is_taken_away_is_made_anew(
    tmp_path: Path, how: Callable[[Path], None], then: Trouble
) -> None:
    """Nothing more is written to a file that no path leads to; all that waits is in the new one."""
    directory = tmp_path / "spool"

    async def play() -> None:
        spool = await _opened(directory)
        await spool.add(b"first")
        how(directory)
        await then(spool)
        third = [b"third"] if then is _another else []
        assert _on_disk(directory) == [b"first", *third]

    asyncio.run(play())


def test_a_directory_that_can_not_be_made_again_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With what is lost by it, should the process end meanwhile; once it can, it is used again."""
    directory = tmp_path / "spool"

    async def play() -> Left:
        spool, other = await _opened(directory), await _opened(directory)
        await spool.add(b"first")
        await other.add(b"second")
        shutil.rmtree(directory)
        directory.touch()
        for _ in range(3):
            await spool.adopt()
            await other.adopt()
        left = await spool.close()
        directory.unlink()
        await other.adopt()
        assert _on_disk(directory) == [b"second"]
        await other.close()
        return left

    assert asyncio.run(play()) == Left(on_disk=0, lost=1)
    assert caplog.text.count("can't be written: ") == 2, "once each"
    assert caplog.text.count("can be written again") == 1
