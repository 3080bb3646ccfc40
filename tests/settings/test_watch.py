"""Changes are noticed however they are made, once each, and nothing else counts as one."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest

from gateway.settings.watch import fingerprint, watch
from tests.settings.files import write_config
from tests.settings.test_credentials import mounted, swap

PATIENCE_SECONDS = 10
QUIET_SECONDS = 0.4
NEVER_SECONDS = 3600


class Watched:
    """A watch under way, and how often it called."""

    def __init__(self, paths: Callable[[], Iterable[Path]]) -> None:
        self.paths = paths
        self.count = 0
        self.noticed = asyncio.Event()

    async def on_change(self) -> None:
        self.count += 1
        self.noticed.set()

    async def expect(self, change: Callable[[], object]) -> float:
        """Make a change; how many seconds it took to be noticed."""
        self.noticed.clear()
        before = time.monotonic()
        change()
        await asyncio.wait_for(self.noticed.wait(), PATIENCE_SECONDS)
        return time.monotonic() - before


def run(
    paths: Callable[[], Iterable[Path]],
    scenario: Callable[[Watched], Awaitable[None]],
    poll_seconds: float = NEVER_SECONDS,
) -> None:
    """Play the scenario beside a watch. Where `poll_seconds` is never, only notices can tell."""

    async def main() -> None:
        watched, stop = Watched(paths), asyncio.Event()
        seen = fingerprint(paths())
        task = asyncio.create_task(
            watch(paths, watched.on_change, stop, seen=seen, poll_seconds=poll_seconds)
        )
        await asyncio.sleep(QUIET_SECONDS)  # until the kernel watches: nothing outside can tell when
        await scenario(watched)
        assert not task.done()
        stop.set()
        await asyncio.wait_for(task, PATIENCE_SECONDS)

    asyncio.run(main())


def rename_over(path: Path, text: str) -> None:
    """How careful editors save."""
    (path.parent / ".new").write_text(text)
    (path.parent / ".new").rename(path)


def write_in_place(path: Path, text: str) -> None:
    """How careless editors save."""
    path.write_text(text)


def remove_and_create(path: Path, text: str) -> None:
    """How some tools deploy."""
    path.unlink()
    path.write_text(text)


@pytest.mark.parametrize("save", [rename_over, write_in_place, remove_and_create])
def test_every_way_to_save_is_noticed(tmp_path: Path, save: Callable[[Path, str], None]) -> None:
    """By the kernel's notices alone, well within a second, and again the next time."""
    path = write_config(tmp_path)

    async def scenario(watched: Watched) -> None:
        for version in range(3):
            took = await watched.expect(lambda version=version: save(path, f"# {version}"))
            assert took < 1
            await asyncio.sleep(0.1)

    run(lambda: [path], scenario)


def test_kubernetes_swap_is_noticed_every_time(tmp_path: Path) -> None:
    """The watch follows `..data`, though the directory that it led to is gone."""
    mount = mounted(tmp_path / "mount")
    paths = [mount / "username", mount / "password"]

    async def scenario(watched: Watched) -> None:
        for version in range(1, 6):
            assert await watched.expect(lambda version=version: swap(mount, version)) < 1
            await asyncio.sleep(0.1)
        await asyncio.sleep(QUIET_SECONDS)
        assert watched.count == 5

    run(lambda: paths, scenario)


def test_what_is_only_touched_did_not_change(tmp_path: Path) -> None:
    """The same contents, a new neighbour, a read: none of them is a reload."""
    path = write_config(tmp_path)

    async def scenario(watched: Watched) -> None:
        os.utime(path, (1, 1))
        rename_over(path, path.read_text())
        (tmp_path / "neighbour").write_text("new")
        await asyncio.sleep(QUIET_SECONDS)
        assert watched.count == 0

    run(lambda: [path], scenario, poll_seconds=0.05)


def test_a_missed_notice_is_made_up_for(tmp_path: Path) -> None:
    """A directory that appears later sends no notice; the slow look finds its files."""
    path = tmp_path / "later" / "gateway.yaml"

    async def scenario(watched: Watched) -> None:
        await watched.expect(lambda: (path.parent.mkdir(), path.write_text("new")))

    run(lambda: [path], scenario, poll_seconds=0.1)


def test_files_named_by_a_change_are_watched_too(tmp_path: Path) -> None:
    """After a change that names files elsewhere, those count."""
    config, other = write_config(tmp_path / "one"), write_config(tmp_path / "two")
    paths = [config]

    async def scenario(watched: Watched) -> None:
        await watched.expect(lambda: (paths.append(other), config.write_text("now with the other")))
        await asyncio.sleep(QUIET_SECONDS)
        assert await watched.expect(lambda: other.write_text("changed")) < 1

    run(lambda: tuple(paths), scenario)


def test_what_changed_before_the_watch_is_noticed(tmp_path: Path) -> None:
    """With the fingerprint from before the first reading, no change falls between."""
    path = write_config(tmp_path)

    async def main() -> None:
        seen = fingerprint([path])
        path.write_text("changed in between")
        changed, stop = asyncio.Event(), asyncio.Event()

        async def on_change() -> None:
            changed.set()

        task = asyncio.create_task(watch(lambda: [path], on_change, stop, seen=seen))
        await asyncio.wait_for(changed.wait(), PATIENCE_SECONDS)
        stop.set()
        await asyncio.wait_for(task, PATIENCE_SECONDS)

    asyncio.run(main())


def test_cancelling_the_watch_stops_nothing_else(tmp_path: Path) -> None:
    """The caller's own `stop` stays unset."""
    path = write_config(tmp_path)

    async def main() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(watch(lambda: [path], Watched(list).on_change, stop))
        await asyncio.sleep(QUIET_SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, PATIENCE_SECONDS)
        assert not stop.is_set()

    asyncio.run(main())
