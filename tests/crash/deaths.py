"""Ways to die in the middle of a step: with half of the bytes written, read, logged or spooled."""

import asyncio
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.crash.trap import Locals, die

HEAD_END: Final = b"\r\n\r\n"
_PAGE_HEAD_BYTES: Final = 24
_LINGER_SECONDS: Final = 0.02
"""How long the loop goes on after an answer was handed to it, so that it is written."""

Upto = Callable[[bytes], int]
"""How many of these bytes."""


def half(data: bytes) -> int:
    """Half of them."""
    return len(data) // 2


def head(data: bytes) -> int:
    """An HTTP message's head, whole."""
    return data.index(HEAD_END) + len(HEAD_END)


def half_of_head(data: bytes) -> int:
    """Half of its head."""
    return head(data) // 2


def half_of_body(data: bytes) -> int:
    """Its head and half of its body."""
    return (head(data) + len(data)) // 2


def writing(name: str, upto: Upto) -> Callable[[Locals], None]:
    """Write that much of the bytes called `name` to the socket itself, then die."""

    def act(found: Locals) -> None:
        transport = found["transport"] if "transport" in found else found["self"]._transport
        data = found[name]
        part = data[: upto(data)]
        assert os.write(transport.get_extra_info("socket").fileno(), part) == len(part)
        die(found)

    return act


def reading(upto: Upto) -> Callable[[Locals], None]:
    """Let the reader have that much of what came, then die."""

    def act(found: Locals) -> None:
        data = found["data"]
        (found["reader"] if "reader" in found else found["self"]._reader).feed(data[: upto(data)])
        die(found)

    return act


def head_answered(found: Locals) -> None:
    """Answer with the head alone, whichever way the request came, then die."""
    exchange, reply = found["exchange"], found["reply"]
    by_asgi = getattr(exchange, "_send", None)  # uvicorn's, of the cycle that has the transport
    transport = exchange._transport if by_asgi is None else by_asgi.__self__.transport
    lines = [b"HTTP/1.1 %d " % reply.status, *(b"%b: %b" % field for field in found["fields"]), b"", b""]
    written = b"\r\n".join(lines)
    assert os.write(transport.get_extra_info("socket").fileno(), written) == len(written)
    die(found)


def half_spooled(found: Locals) -> None:
    """Die with half of the entry in the spool's file."""
    os.write(found["handle"], found["content"][: len(found["content"]) // 2])
    die(found)


def tearing(found: Locals) -> None:
    """Die within the commit, when half of its first page is in the log: the system kills a process that
    writes beyond the size it may, after it has written up to that (SIGXFSZ, see `victim.live`)."""
    log = Path(f"{found['self']._path}-wal")
    size = log.stat().st_size + _PAGE_HEAD_BYTES + 2_000
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def lingering(found: Locals) -> None:
    """Die as soon as the loop has written what it was handed."""
    asyncio.get_running_loop().call_later(_LINGER_SECONDS, die, found)
