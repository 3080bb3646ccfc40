"""A pair is read whole, from one moment, and never shown."""

import os
import threading
from pathlib import Path

import pytest

from gateway.settings.credentials import MAX_BYTES, BadCredentials, Pair, read_pair
from tests.settings.files import write_pair

SWAPS = 2000


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("pw", "pw"),
        ("pw\n", "pw"),
        ("pw\r\n", "pw"),
        ("pw\n\n", "pw\n"),
        (" p w ", " p w "),
        ("\n\n", "\n"),
        ("p\r", "p\r"),
    ],
)
def test_one_trailing_newline_is_stripped(tmp_path: Path, written: str, read: str) -> None:
    """Exactly one, as editors write it; everything else belongs to the credential."""
    directory = write_pair(tmp_path / "pair")
    (directory / "password").write_bytes(written.encode())

    assert read_pair(directory) == Pair("user", read)


def test_a_pair_is_never_shown() -> None:
    """Neither half appears in the pair's `repr` or text."""
    pair = Pair("someone", "hunter2")

    assert not any(
        half in shown for half in ("someone", "hunter2") for shown in (repr(pair), str(pair), f"{pair}")
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\xff", "is not UTF-8"),
        (b"hunter2" * MAX_BYTES, "is larger than 4096 bytes"),
    ],
)
@pytest.mark.parametrize("name", ["username", "password"])
def test_what_is_no_credential_is_refused(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    """Missing, empty, undecodable and oversized files are named; their content is not."""
    directory = write_pair(tmp_path / "pair")
    (directory / name).unlink()
    if content is not None:
        (directory / name).write_bytes(content)

    with pytest.raises(BadCredentials, match=message) as refusal:
        read_pair(directory)

    assert refusal.value.path == directory / name
    assert "hunter2" not in str(refusal.value)


def test_a_directory_in_a_files_place_is_refused(tmp_path: Path) -> None:
    """What can't be read is told with the system's reason."""
    directory = write_pair(tmp_path / "pair")
    (directory / "password").unlink()
    (directory / "password").mkdir()

    with pytest.raises(BadCredentials, match="can't be read: Is a directory"):
        read_pair(directory)


def swap(mount: Path, version: int) -> None:
    """What Kubernetes does: a new directory, a link to it renamed over `..data`, the old one removed."""
    old = (mount / "..data").resolve()
    new = write_pair(mount / f"..{version}", f"user-{version}", f"password-{version}")
    (mount / "..tmp").symlink_to(new.name)
    (mount / "..tmp").rename(mount / "..data")
    for name in ("username", "password"):
        (old / name).unlink()
    old.rmdir()


def mounted(mount: Path) -> Path:
    """A volume as Kubernetes mounts a secret."""
    write_pair(mount / "..0", "user-0", "password-0")
    (mount / "..data").symlink_to("..0")
    for name in ("username", "password"):
        (mount / name).symlink_to(f"..data/{name}")
    return mount


@pytest.mark.serial
def test_a_swap_never_mixes_two_pairs(tmp_path: Path) -> None:
    """Read while a writer swaps thousands of pairs: every pair read is one that was written."""
    mount = mounted(tmp_path / "mount")
    done = threading.Event()

    def write() -> None:
        for version in range(1, SWAPS + 1):
            swap(mount, version)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen: set[str] = set()
    try:
        while not done.is_set():
            try:
                pair = read_pair(mount)
            except BadCredentials:
                continue  # the writer was quicker every time; nothing was made up
            assert pair.username.removeprefix("user-") == pair.password.removeprefix("password-")
            seen.add(pair.username)
    finally:
        writer.join()

    assert len(seen) > SWAPS // 50
    assert read_pair(mount) == Pair(f"user-{SWAPS}", f"password-{SWAPS}")


def test_a_file_renamed_over_another_is_noticed(tmp_path: Path) -> None:
    """Whole directories behind a link serve as well as Kubernetes' way."""
    write_pair(tmp_path / "one", "a", "b")
    write_pair(tmp_path / "two", "c", "d")
    (tmp_path / "current").symlink_to("one")
    assert read_pair(tmp_path / "current") == Pair("a", "b")

    (tmp_path / "next").symlink_to("two")
    os.replace(tmp_path / "next", tmp_path / "current")  # noqa: PTH105 - a link, not what it leads to

    assert read_pair(tmp_path / "current") == Pair("c", "d")
