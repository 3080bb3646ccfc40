"""Bytes in, one answer or one fault out: the framing rules of RFC 9112 section 6, read strictly.

llhttp (httptools) judges heads and chunks. Two things it can't do are done around it. It takes every
204 for bodyless, but this legacy API sends 204 with a body, so a framed 204 is shown to it as a 200.
And it does not tell where a message ended, so the last byte of every read is fed on its own: a message
that is complete before that byte has surplus behind it.
"""

import re
from typing import Final

import httptools

from gateway.wire.faults import ErrorType

MAX_INTERIM_ANSWERS: Final = 16  # 1xx heads before the answer; real servers send one at most
_RAW_BYTES_PER_BODY_BYTE: Final = 8  # a chunk of one byte takes six on the wire
_START: Final = b"HTTP/1."
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: |\r\n)")
_HEAD_END: Final = b"\r\n\r\n"
_NEVER_REUSED_AFTER: Final = frozenset((204, 304))


class AnswerReader:
    """Reads one answer. Not to be fed again once `finished`."""

    __slots__ = (
        "_chunked",
        "_close_framed",
        "_complete",
        "_head",
        "_head_bytes",
        "_in_body",
        "_interim_answers",
        "_keep_alive",
        "_length",
        "_max_body_bytes",
        "_max_head_bytes",
        "_parser",
        "_parts",
        "_raw_body_bytes",
        "_surplus",
        "_transfer_fault",
        "_version_minor",
        "body_bytes",
        "content_encoded",
        "fault",
        "status",
    )

    def __init__(self, max_head_bytes: int, max_body_bytes: int) -> None:
        """`max_head_bytes` is the sum of all heads, 1xx included; either cap broken is `too_large`."""
        self._max_head_bytes = max_head_bytes
        self._max_body_bytes = max_body_bytes
        self._head = b""
        self._head_bytes = self._raw_body_bytes = self._interim_answers = self.body_bytes = 0
        self._parts: list[bytes] = []
        self._in_body = self._complete = self._surplus = self._close_framed = False
        self._parser: httptools.HttpResponseParser | None = None
        self.status: int | None = None
        self.fault: ErrorType | None = None
        self._begin_head()

    @property
    def finished(self) -> bool:
        return self._complete or self.fault is not None

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)

    @property
    def body_is_framed(self) -> bool:
        return self._in_body and (self._chunked or self._length is not None) and self.status != 304

    @property
    def reusable(self) -> bool:
        """The connection may carry another request: RFC 9112 section 9.3, and stricter."""
        return (
            self._complete
            and self._keep_alive
            and not self._surplus
            and self.body_is_framed
            and self.status not in _NEVER_REUSED_AFTER
        )

    def feed(self, data: bytes) -> bool:
        """Takes what arrived; True once finished."""
        try:
            if self._in_body:
                self._feed_body(data)
            else:
                self._feed_heads(self._head + data)
        except httptools.HttpParserError:
            if self._in_body and self._complete:
                self._surplus = True
            else:
                self.fail(ErrorType.BAD_FRAMING)
        if self._in_body:
            self._hold_to_caps()
        if self.finished:
            self._parser = None  # it holds this reader's methods: a cycle
            return True
        return False

    def end(self, *, certain: bool) -> None:
        """The peer will send no more; `certain` unless the end may be a truncation (TLS, no close_notify)."""
        if not self.finished and self._close_framed and certain:
            self._complete = True
            self._parser = None
        else:
            self.fail(ErrorType.CONNECTION_LOST)

    def fail(self, error_type: ErrorType) -> None:
        """The first fault stands; what comes after a complete answer does not change it."""
        if not self.finished:
            self.fault = error_type
            self._parser = None

    def _begin_head(self) -> None:
        self._length: int | None = None
        self._chunked = self._transfer_fault = self.content_encoded = self._keep_alive = False
        self._version_minor = 1

    def _feed_heads(self, data: bytes) -> None:
        while not self.finished:
            end = data.find(_HEAD_END) + len(_HEAD_END)
            if end < len(_HEAD_END):
                self._keep_partial_head(data)
                return
            self._head_bytes += end
            if self._head_bytes > self._max_head_bytes:
                self.fail(ErrorType.TOO_LARGE)
                return
            head, data = data[:end], data[end:]
            if self._read_head(head):
                self._frame_body(data)
                return

    def _keep_partial_head(self, data: bytes) -> None:
        if self._head_bytes + len(data) > self._max_head_bytes:
            self.fail(ErrorType.TOO_LARGE)
        elif not _START.startswith(data[: len(_START)]) or data.count(b"\n") != data.count(b"\r\n"):
            # said at once: a head that can't become valid would else be waited for until the deadline
            self.fail(ErrorType.BAD_FRAMING)
        self._head = data

    def _read_head(self, head: bytes) -> bool:
        """True for the final head; an interim one is passed over. Raises HttpParserError."""
        line = _STATUS_LINE.match(head)
        status = int(line[2]) if line else 0
        if line is None or status == 101:
            self.fail(ErrorType.BAD_FRAMING)
            return False
        if status == 204:
            head = b"%b200%b" % (head[:9], head[12:])
        self._begin_head()
        self._version_minor = int(line[1])
        self.status = status if status >= 200 else None
        self._parser = httptools.HttpResponseParser(self)  # a new one: no interim head leaves traces
        self._parser.feed_data(head)
        if self.status is not None:
            return True
        self._interim_answers += 1
        if self._interim_answers > MAX_INTERIM_ANSWERS:
            self.fail(ErrorType.BAD_FRAMING)
        return False

    def _frame_body(self, data: bytes) -> None:
        self._in_body = True
        self._close_framed = not self._chunked and self._length is None
        if self._transfer_fault or (self._chunked and self._version_minor == 0):
            self._complete = False
            self.fail(ErrorType.BAD_FRAMING)
        elif self._close_framed and self.status == 204:
            self._complete = True
        elif self._length is not None and self._length > self._max_body_bytes:
            self.fail(ErrorType.TOO_LARGE)
        if data and self._complete:
            self._surplus = True
        elif data and not self.finished:
            self._feed_body(data)

    def _feed_body(self, data: bytes) -> None:
        self._raw_body_bytes += len(data)
        if self._close_framed:
            self.on_body(data)
        elif self._parser is not None:
            if len(data) > 1:
                self._parser.feed_data(data[:-1])
            if self._complete:
                self._surplus = True
            else:
                self._parser.feed_data(data[-1:])

    def _hold_to_caps(self) -> None:
        raw_cap = self._max_head_bytes + _RAW_BYTES_PER_BODY_BYTE * self._max_body_bytes
        too_much_framing = self._raw_body_bytes > raw_cap and not self._complete
        if self.body_bytes > self._max_body_bytes or too_much_framing:
            self._complete = False
            self.fail(ErrorType.TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        """llhttp's callback; trailers change nothing."""
        if self._in_body:
            return
        name = name.lower()
        if name == b"content-length":
            self._length = int(value)
        elif name == b"transfer-encoding":
            # RFC 9112 section 6.1: anything but one plain "chunked" is more than we can undo
            self._transfer_fault = self._chunked or value.strip().lower() != b"chunked"
            self._chunked = True
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            self.content_encoded = True

    def on_headers_complete(self) -> None:
        """llhttp's callback: only here does it still know the head's Connection field."""
        if not self._in_body and self._parser is not None:
            self._keep_alive = self._version_minor == 1 and self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """llhttp's callback; what follows a complete message is not its body."""
        if not self._complete:
            self.body_bytes += len(data)
            self._parts.append(data)

    def on_message_complete(self) -> None:
        """llhttp's callback, for interim heads too."""
        self._complete = self.status is not None
