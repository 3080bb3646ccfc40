"""The upstream's part of each case: what it does once it has read the request whole.

A play gets the `Peer` and the answer that an honest upstream would give, and returns True where the
connection may carry another request. Phases before the whole request are `moods`, which the upstream
is in as a whole: what a request asks for can't be known before it is read.
"""

import gzip
import json
import time
from collections.abc import Callable
from typing import Final

from tests.wire.upstream import Peer

MARGIN_SECONDS: Final = 2.0
"""The gateway's `answer_margin_seconds` in these tests: the deadline of a call without wait or delay."""

MARK: Final = "6666666666.666666"
"""The callid of answers that belong to nobody: it must never be told to anyone."""

LATE_SECONDS: Final = 0.05
Play = Callable[[Peer, bytes], bool | None]


def honest(call_id: str) -> bytes:
    """The body of code 200 with a reference."""
    data = {"machine": 1, "server": "asterisk01", "callid": call_id}
    return json.dumps({"responses": [{"code": "200", "key": "", "message": "OK"}], "data": data}).encode()


def says(code: str) -> bytes:
    """A body of one response."""
    return b'{"responses": [{"code": "%b", "key": "cnumber", "message": "no"}]}' % code.encode()


def http(body: bytes, status: str = "200 OK", *fields: bytes) -> bytes:
    """A whole answer, framed by its length."""
    lines = [b"HTTP/1.1 " + status.encode(), b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A whole answer in chunks."""
    return (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        + end
    )


def sends_and_waits(make: Callable[[bytes], bytes]) -> Play:
    """Sends, and leaves the ending to the client."""
    return lambda peer, body: (peer.send(make(body)), peer.wait_closed())[0]


def keeps(make: Callable[[bytes], bytes]) -> Play:
    """Sends, and is ready for the next request."""
    return lambda peer, body: (peer.send(make(body)), True)[1]


def closes_after(make: Callable[[bytes], bytes], how: str = "") -> Play:
    """Sends a part and closes (FIN), drops (FIN without close_notify) or resets."""

    def play(peer: Peer, body: bytes) -> None:
        peer.send(make(body))
        if how:
            time.sleep(LATE_SECONDS)  # a reset takes bytes that were not read yet with it
            getattr(peer, how)()

    return play


def trickles(make: Callable[[bytes], bytes]) -> Play:
    """One byte now and then: no single read ever times out."""

    def play(peer: Peer, body: bytes) -> None:
        for byte in make(body):
            peer.send(bytes([byte]))
            time.sleep(MARGIN_SECONDS / 10)

    return play


def floods(head: bytes, part: bytes) -> Play:
    """Sends without end until the client closes."""

    def play(peer: Peer, _body: bytes) -> None:
        peer.send(head)
        while True:
            peer.send(part)

    return play


def late(extra: bytes = b"", how: str = "") -> Play:
    """An honest answer; then, while the connection idles, more."""

    def play(peer: Peer, body: bytes) -> bool | None:
        peer.send(http(body))
        time.sleep(LATE_SECONDS)
        if extra:
            peer.send(extra)
        if how:
            getattr(peer, how)()
        return None

    return play


def _too_late(peer: Peer, body: bytes) -> None:
    time.sleep(MARGIN_SECONDS * 1.5)
    peer.send(http(body))


def _nothing(_body: bytes) -> bytes:
    return b""


def _half_head(_body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Le"


def _half_body(body: bytes) -> bytes:
    return http(body)[:-9]


def _head_with(line: bytes) -> Callable[[bytes], bytes]:
    return lambda body: http(body, "200 OK", line)


def _fixed(raw: bytes) -> Callable[[bytes], bytes]:
    return lambda _body: raw


_MARKED: Final = http(honest(MARK))
_OPEN_CHUNKS: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_JUNK: Final = b"\x16\x03\x01\x02\x00\x01\x00\xff" * 8
_DEEP: Final = b'{"responses":' + b"[" * 30000 + b"]" * 30000 + b"}"
_TWICE: Final = b'{"responses": [{"code": "200", "code": "204"}]}'
_CONFLICT: Final = b'{"responses": [{"code": "200"}, {"code": "400", "key": "cnumber"}]}'
_DIGITS: Final = b'{"responses": [{"code": ' + b"2" * 20000 + b"}]}"

_AFTER_REQUEST: Final[dict[str, Play]] = {
    "closes": closes_after(_nothing),
    "resets": closes_after(_nothing, "reset"),
    "drops": closes_after(_nothing, "drop"),
    "hangs": sends_and_waits(_nothing),
    "answers too late": _too_late,
    "garbage": sends_and_waits(_fixed(_JUNK)),
    "speaks HTTP/2": sends_and_waits(_fixed(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18)),
    "endless 1xx": floods(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 50),
    "slow 1xx": trickles(lambda _: b"HTTP/1.1 102 Processing\r\n\r\n" * 3),
    "switches to 101": sends_and_waits(_fixed(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n")),
    "one 100, then OK": keeps(lambda body: b"HTTP/1.1 100 Continue\r\n\r\n" + http(body)),
}
_MID_HEADERS: Final[dict[str, Play]] = {
    "closes": closes_after(_half_head),
    "resets": closes_after(_half_head, "reset"),
    "hangs": sends_and_waits(_half_head),
    "trickles": trickles(http),
    "garbage": sends_and_waits(lambda _: b"HTTP/1.1 200 OK\r\n" + _JUNK + b"\r\n\r\n"),
    "huge field": sends_and_waits(_head_with(b"X-Huge: " + b"h" * 20_000)),
    "endless fields": floods(b"HTTP/1.1 200 OK\r\n", b"X-Field: yes\r\n" * 50),
    "bare line feeds": sends_and_waits(lambda body: http(body).replace(b"\r\n", b"\n")),
    "folded field": sends_and_waits(_head_with(b"X-Folded: a\r\n b")),
    "NUL in a field": sends_and_waits(_head_with(b"X-Nul: a\x00b")),
    "two lengths": sends_and_waits(_head_with(b"Content-Length: 3")),
    "length and chunks": sends_and_waits(_head_with(b"Transfer-Encoding: chunked")),
    "negative length": sends_and_waits(_fixed(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}")),
    "coded transfer": sends_and_waits(
        lambda body: chunked(body).replace(b": chunked", b": gzip, chunked"),
    ),
    "status of 2 digits": sends_and_waits(lambda body: http(body, "20 OK")),
    "cookie": keeps(_head_with(b"Set-Cookie: session=1; Path=/")),
}
_MID_BODY: Final[dict[str, Play]] = {
    "closes": closes_after(_half_body),
    "resets": closes_after(_half_body, "reset"),
    "drops": closes_after(_half_body, "drop"),
    "hangs": sends_and_waits(_half_body),
    "trickles": trickles(lambda body: chunked(*(bytes([byte]) for byte in body))),
    "length too short": sends_and_waits(lambda body: http(body[:-3]) + body[-3:]),
    "length too long": sends_and_waits(lambda body: http(body + b"  ")[:-2]),
    "huge length": sends_and_waits(_fixed(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n{")),
    "endless, by length": floods(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" " * 4096),
    "endless, by chunks": floods(_OPEN_CHUNKS, b"1\r\n \r\n" * 500),
    "endless, until close": floods(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 4096),
    "chunk size no number": sends_and_waits(lambda body: _OPEN_CHUNKS + b"xyz\r\n" + body + b"\r\n0\r\n\r\n"),
    "chunk size too large": sends_and_waits(lambda body: _OPEN_CHUNKS + b"f" * 20 + b"\r\n" + body),
    "chunk too long": sends_and_waits(lambda body: _OPEN_CHUNKS + b"5\r\n" + body + b"\r\n0\r\n\r\n"),
    "chunks cut off": closes_after(lambda body: chunked(body, end=b"")),
    "endless trailers": floods(chunked(says("204"), end=b"0\r\n"), b"X-Trailer: yes\r\n" * 500),
    "gzip": keeps(lambda body: http(gzip.compress(body), "200 OK", b"Content-Encoding: gzip")),
    "gzip, says nothing": keeps(lambda body: http(gzip.compress(body))),
    "UTF-16": keeps(lambda body: http(body.decode().encode("utf-16"))),
    "broken UTF-8": keeps(lambda body: http(body.replace(b"OK", b"\xff\xc0"))),
    "empty": keeps(lambda _: http(b"")),
    "HTML": keeps(lambda _: http(b"<html><body>200 OK</body></html>")),
    "deep JSON": keeps(lambda _: http(_DEEP)),
    "duplicate keys": keeps(lambda _: http(_TWICE)),
    "NaN": keeps(lambda body: http(body.replace(b'"machine": 1', b'"machine": NaN'))),
    "long digits": keeps(lambda _: http(_DIGITS)),
    "conflicting codes": keeps(lambda _: http(_CONFLICT)),
    "no code": keeps(lambda _: http(b'{"responses": [{"message": "OK"}]}')),
    "unknown code": keeps(lambda _: http(says("299"))),
    "trailing comma": keeps(lambda body: http(body[:-1] + b", }")),
}
_STATUS: Final[dict[str, Play]] = {
    "500 says 200": keeps(lambda body: http(body, "500 Oops")),
    "404 without a body": keeps(lambda _: http(b"", "404 Not Found")),
    "403 says 401": keeps(lambda _: http(says("401"), "403 Forbidden")),
    "302 to itself": keeps(lambda _: http(b"", "302 Found", b"Location: /api/json/calls/make/?x=1")),
    "307 says 200": keeps(lambda body: http(body, "307 Again", b"Location: /api/json/calls/make/")),
    "304": sends_and_waits(_fixed(b"HTTP/1.1 304 Not Modified\r\n\r\n")),
    "204, empty": sends_and_waits(_fixed(b"HTTP/1.1 204 No Content\r\n\r\n")),
    "204 says 204": sends_and_waits(lambda _: http(says("204"), "204 No Content")),
    "204 says 400": sends_and_waits(lambda _: http(says("400"), "204 No Content")),
    "204, unframed body": sends_and_waits(_fixed(b"HTTP/1.1 204 No Content\r\n\r\n" + honest(MARK))),
    "200 says 400": keeps(lambda _: http(says("400"))),
    "200 says 401": keeps(lambda _: http(says("401"))),
    "200 says 402": keeps(lambda _: http(says("402"))),
    "403 says 403": keeps(lambda _: http(says("403"), "403 Forbidden")),
}
_AFTER_BODY: Final[dict[str, Play]] = {
    "second answer": sends_and_waits(lambda body: http(body) + _MARKED),
    "half an answer": sends_and_waits(lambda body: http(body) + _MARKED[:40]),
    "no keep-alive": sends_and_waits(_head_with(b"Connection: close")),
}
_LATE: Final[dict[str, Play]] = {
    "closes at once": lambda peer, body: peer.send(http(body)),
    "second answer": late(_MARKED),
    "garbage": late(_JUNK),
    "closes": late(),
    "resets": late(how="reset"),
}

PLAYS: Final[dict[str, Play]] = {
    f"upstream: {phase}: {misdeed}": play
    for phase, plays in {
        "after request": _AFTER_REQUEST,
        "mid-headers": _MID_HEADERS,
        "mid-body": _MID_BODY,
        "status": _STATUS,
        "after body": _AFTER_BODY,
        "late": _LATE,
    }.items()
    for misdeed, play in plays.items()
}


def _reads_a_little(peer: Peer) -> None:
    peer._rest += peer._sock.recv(20)


def _mid_close(peer: Peer) -> None:
    _reads_a_little(peer)


def _mid_reset(peer: Peer) -> None:
    _reads_a_little(peer)
    peer.reset()


def _mid_hang(peer: Peer) -> None:
    _reads_a_little(peer)
    time.sleep(MARGIN_SECONDS * 1.5)


def _mid_garbage(peer: Peer) -> None:
    _reads_a_little(peer)
    peer.send(_JUNK)
    time.sleep(MARGIN_SECONDS)


MOODS: Final[dict[str, Callable[[Peer], None]]] = {
    "upstream: after connect: closes": lambda _peer: None,
    "upstream: after connect: resets": lambda peer: peer.reset(),
    "upstream: after connect: speaks garbage": lambda peer: (peer.send(_JUNK), time.sleep(0.2))[1],
    "upstream: after connect: hangs": lambda _peer: time.sleep(MARGIN_SECONDS * 1.5),
    "upstream: mid-request: closes": _mid_close,
    "upstream: mid-request: resets": _mid_reset,
    "upstream: mid-request: hangs": _mid_hang,
    "upstream: mid-request: speaks garbage": _mid_garbage,
}
"""What is done with each new connection, over TLS after the handshake."""

BEFORE_TLS: Final[dict[str, Callable[[Peer], None]]] = {
    "upstream: before TLS: closes": lambda _peer: None,
    "upstream: before TLS: resets": lambda peer: peer.reset(),
    "upstream: before TLS: hangs": lambda peer: peer.wait_closed(),
    "upstream: before TLS: speaks plain HTTP": lambda peer: peer.send(_MARKED),
}
"""What is done with each new connection instead of the handshake."""
