"""The dial ledger: every call request received whole, durable before it is answered."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Entry:
    """A request as it was received.

    raw: the query string or form body, a character a byte (Latin-1). params: as parsed, in their order.
    code: the `responses[].code` that the answer tells, None if it tells none. at: RFC 3339, UTC.
    """

    method: str
    path: str
    raw: str
    params: tuple[tuple[str, str], ...]
    code: str | None
    at: str


class DialLedger:
    """Entries in memory and, given a path, in a file of JSON lines that outlives the process.

    Lines that arrive while a write is under way share the next one and its fsync. Belongs to the event
    loop that runs when it is made. Raises OSError if the file cannot be opened or written, ValueError
    if it holds anything but a ledger.
    """

    def __init__(self, path: Path | None) -> None:
        self._loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[OSError] = self._loop.create_future()
        self._lines: list[bytes] = [] if path is None else _recovered(path)
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_APPEND)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dial-ledger")
        self._waiting: list[bytes | None] = []  # None clears what stands before it
        self._durable: asyncio.Future[None] = self._loop.create_future()
        self._writer: asyncio.Task[None] | None = None

    def append(self, entry: Entry) -> asyncio.Future[None] | None:
        """Takes an entry down; the future is done when it is durable, None if there is no file.

        The future is shared, so never to be cancelled, and never done if the write fails: see `broken`.
        """
        line = orjson.dumps(entry)
        self._lines.append(line)
        return self._written(line)

    def clear(self) -> asyncio.Future[None] | None:
        """Forgets every entry so far; returns what append returns."""
        self._lines.clear()
        return self._written(None)

    def rendered(self) -> bytes:
        """The JSON document `{"requests": [...]}`, oldest first."""
        return b'{"requests":[' + b",".join(self._lines) + b"]}"

    async def close(self) -> None:
        """Lets what is waiting be written and closes the file."""
        if self._writer is not None:
            await self._writer
        self._thread.shutdown()
        if self._file is not None:
            os.close(self._file)

    def _written(self, line: bytes | None) -> asyncio.Future[None] | None:
        if self._file is None:
            return None
        self._waiting.append(line)
        if self._writer is None:
            self._writer = self._loop.create_task(self._write(self._file))
        return self._durable

    async def _write(self, file: int) -> None:
        while self._waiting and not self.broken.done():
            lines, durable = self._waiting, self._durable
            self._waiting, self._durable = [], self._loop.create_future()
            try:
                await self._loop.run_in_executor(self._thread, _write_durably, file, lines)
            except OSError as error:
                self.broken.set_result(error)
            else:
                durable.set_result(None)
        self._writer = None


def _write_durably(file: int, lines: list[bytes | None]) -> None:
    if None in lines:
        os.ftruncate(file, 0)
        lines = lines[len(lines) - lines[::-1].index(None) :]
    rest = memoryview(b"".join(line + b"\n" for line in lines if line is not None))
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def _recovered(path: Path) -> list[bytes]:
    """The lines of a ledger's file, which is made if there is none.

    A last line without its end was never durable, so its request was never answered: it is cut off.
    """
    # For the owner alone: the lines hold the credentials that were sent.
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        whole, end, _torn = path.read_bytes().rpartition(b"\n")
        lines = whole.splitlines()
        for number, line in enumerate(lines, 1):
            _require_entry(line, f"{path}:{number}")
        os.ftruncate(file, len(whole) + len(end))
        os.fsync(file)
    finally:
        os.close(file)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return lines


def _require_entry(line: bytes, place: str) -> None:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        entry = None
    if not isinstance(entry, dict) or not {"method", "raw", "at"} <= entry.keys():
        raise ValueError(f"{place}: not a line of a dial ledger; name a new file or an existing ledger")
