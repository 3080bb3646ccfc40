"""The wire format of Redis and Valkey (RESP2): commands to bytes, bytes to replies. Pure.

https://valkey.io/topics/protocol/
"""

from typing import Final

_CRLF: Final = b"\r\n"

MAX_REPLY_BYTES: Final = 64 * 1024 * 1024
"""What is longer is not one of our replies: the stream is broken."""


_ECHO: Final = ", with args"
"""After this a server that does not know a command repeats what came with it: passwords, numbers."""


class ErrorReply(Exception):  # noqa: N818 - the protocol's word
    """The server answered a command with an error. `code` is its first word, such as NOSCRIPT."""

    def __init__(self, text: str) -> None:
        """`text` is the error line, of which what the server only echoes is left out."""
        text = text.partition(_ECHO)[0]
        super().__init__(text)
        self.text = text
        self.code = text.partition(" ")[0]


class BrokenStream(Exception):  # noqa: N818
    """The bytes are no RESP2."""


class _Incomplete(Exception):  # noqa: N818
    pass


def command(*words: bytes) -> bytes:
    """One command: an array of bulk strings."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def bulk(words: tuple[bytes, ...]) -> bytes:
    """Words of a command as they stand on the wire, to be joined by `framed`."""
    return b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


def framed(count: int, *parts: bytes) -> bytes:
    """A command of `count` words from parts that `bulk` made."""
    return b"*%d\r\n" % count + b"".join(parts)


class Reader:
    """Takes bytes as they come and gives whole replies."""

    def __init__(self) -> None:
        """Starts empty."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> "list[object]":
        """Every reply that is whole by now. Raises BrokenStream."""
        buffer = self._buffer
        buffer += data
        replies: list[object] = []
        at = 0
        try:
            while at < len(buffer):
                reply, at = _read(buffer, at)
                replies.append(reply)
        except _Incomplete:
            if len(buffer) - at > MAX_REPLY_BYTES:
                raise BrokenStream("the reply is too long") from None
        except ValueError as fault:
            raise BrokenStream("a length is not a number") from fault
        if at:
            del buffer[:at]
        return replies


def _read(buffer: bytearray, at: int) -> tuple[object, int]:
    end = buffer.find(_CRLF, at + 1)
    if end < 0:
        raise _Incomplete
    kind = buffer[at]
    line = buffer[at + 1 : end]
    after = end + 2
    if kind == 0x24:  # $
        return _read_bulk(buffer, after, int(line))
    if kind == 0x3A:  # :
        return int(line), after
    if kind == 0x2A:  # *
        return _read_array(buffer, after, int(line))
    if kind == 0x2B:  # +
        return bytes(line), after
    if kind == 0x2D:  # -
        return ErrorReply(line.decode("utf-8", "replace")), after
    raise BrokenStream("an unknown kind of reply")


def _read_bulk(buffer: bytearray, at: int, length: int) -> tuple[object, int]:
    if length < 0:
        return None, at
    end = at + length
    if len(buffer) < end + 2:
        raise _Incomplete
    return bytes(buffer[at:end]), end + 2


def _read_array(buffer: bytearray, at: int, length: int) -> tuple[object, int]:
    if length < 0:
        return None, at
    items: list[object] = []
    for _ in range(length):
        item, at = _read(buffer, at)
        items.append(item)
    return items, at


__all__ = ["BrokenStream", "ErrorReply", "Reader", "bulk", "command", "framed"]
