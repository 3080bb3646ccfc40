"""One upstream pair, read from a directory with the files `username` and `password`.

Kubernetes swaps a symbolic link, other tools rename directories: a pair is taken only where both
names still lead to the very files that were read, so a username never meets another pair's password.
Tools that rewrite the two files one after the other give no such moment; let them swap a link.
"""

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 4096
"""The largest credential file: the pair travels in one request line."""

_ATTEMPTS: Final = 25
_PAUSE_SECONDS: Final = 0.002
_NAMES: Final = ("username", "password")


@dataclass(frozen=True, slots=True)
class Pair:
    """A username and its password; neither is shown by `repr`."""

    username: str = field(repr=False)
    password: str = field(repr=False)

    def __repr__(self) -> str:
        """Stars."""
        return "Pair(username='***', password='***')"


class BadCredentials(Exception):  # noqa: N818 - the name says what is bad
    """A pair that can't be read. `path` is the file (or directory); the message never holds content.
    `unread_pairs` is its name, where one is known."""

    def __init__(self, path: Path, message: str, unread_pairs: tuple[str, ...] = ()) -> None:
        """`message` says what is wrong and what would be right, without the path."""
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message
        self.unread_pairs = unread_pairs


def read_pair(directory: Path) -> Pair:
    """The pair that the directory holds now. Blocks for at most about 0.1 s; raises BadCredentials."""
    last: OSError | None = None
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        try:
            contents = _read_together([directory / name for name in _NAMES])
        except FileNotFoundError as fault:
            # A swap may remove what a name led to a moment ago.
            last = fault
            continue
        except OSError as fault:
            raise _unreadable(fault, directory) from None
        if contents is not None:
            username, password = (
                credential_of(directory / name, content)
                for name, content in zip(_NAMES, contents, strict=True)
            )
            return Pair(username, password)
        last = None
    if last is not None:
        raise _unreadable(last, directory) from None
    raise BadCredentials(directory, "keeps changing while it is read: swap both files at once, by a link")


def _read_together(paths: list[Path]) -> list[bytes] | None:
    """The files' bytes, or None where a name led elsewhere, or a file changed, in the meantime."""
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb", buffering=0)) for path in paths]
        contents = [file.read(MAX_BYTES + 1) or b"" for file in files]
        # While they are open, no other file can get their numbers.
        for path, file in zip(paths, files, strict=True):
            now, read = path.stat(), os.fstat(file.fileno())
            if (now.st_dev, now.st_ino) != (read.st_dev, read.st_ino):
                return None
        if contents != [os.pread(file.fileno(), MAX_BYTES + 1, 0) for file in files]:
            return None
    return contents


def credential_of(path: Path, content: bytes) -> str:
    """The credential that a file holds, without one trailing newline. Raises BadCredentials."""
    if len(content) > MAX_BYTES:
        raise BadCredentials(path, f"is larger than {MAX_BYTES} bytes: a credential file holds one line")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise BadCredentials(path, "is not UTF-8 text: write the credential as UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r") if text.endswith("\r\n") else text.removesuffix("\n")
    if not text:
        raise BadCredentials(path, "is empty: write the credential into it")
    return text


def _unreadable(fault: OSError, directory: Path) -> BadCredentials:
    path = Path(fault.filename) if isinstance(fault.filename, str) else directory
    if isinstance(fault, FileNotFoundError):
        return BadCredentials(path, "does not exist: the directory must hold `username` and `password`")
    return BadCredentials(path, f"can't be read: {fault.strerror}")
