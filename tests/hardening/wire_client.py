"""A client that sends bytes and reads what HTTP answers come back, to the end of the connection."""

import contextlib
import json
import re
import socket
import time
from dataclasses import dataclass
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Heard:
    """One answer. `headers` by lower-case name."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The JSON of the content."""
        return json.loads(self.content)


@dataclass(frozen=True)
class Conversation:
    """Every answer to what was sent, and whether the server ended the connection."""

    answers: tuple[Heard, ...]
    is_closed: bool
    seconds: float


def parse(raw: bytes) -> tuple[Heard, ...]:
    """The answers in some bytes; interim ones are left out, half ones too."""
    found = []
    while (end := raw.find(b"\r\n\r\n") + 4) >= 4:
        head = raw[:end]
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if len(raw) < end + size:
            break
        lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        status = int(lines[0].split(" ")[1])
        if status >= 200:
            found.append(Heard(status, headers, raw[end : end + size]))
        raw = raw[end + size :]
    return tuple(found)


def converse(port: int, *parts: bytes, wanted: int = 1, patience_seconds: float = 10) -> Conversation:
    """Send the parts, a moment apart; read until `wanted` answers are there and the line is quiet, or the
    server closes."""
    started = time.monotonic()
    raw, is_closed = b"", False
    with socket.create_connection(("127.0.0.1", port)) as sock:
        for number, part in enumerate(parts):
            if number:
                time.sleep(0.05)
            with contextlib.suppress(OSError):  # refused midway: the answer is what counts
                sock.sendall(part)
        while True:
            quiet = len(parse(raw)) >= wanted
            sock.settimeout(0.02 if quiet else patience_seconds)
            try:
                data = sock.recv(65536)
            except TimeoutError:
                break
            except OSError:
                is_closed = True
                break
            if not data:
                is_closed = True
                break
            raw += data
    return Conversation(parse(raw), is_closed, time.monotonic() - started)
