"""The same scripted bytes to the wire and to httpx's own transport, as the independent witness.

Where both must agree they are compared; where the wire differs on purpose, DIFFERENCES says how.
"""

import asyncio
import gzip
from typing import Final

import httpx
import pytest

from gateway.wire import WireTransport
from tests.wire.conftest import wire_to
from tests.wire.upstream import RawUpstream

FAULT: Final = "fault"
BODY: Final = b'{"responses":[{"code":"204","key":"","message":"OK"}]}'
LENGTH: Final = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
CHUNKS: Final = b"5\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:])


def head(fields: bytes = b"", status: bytes = b"200 OK", version: bytes = b"1.1") -> bytes:
    return b"HTTP/%b %b\r\n%b\r\n" % (version, status, fields)


# what the upstream sends before it ends the connection politely
AGREED: Final = {
    "length": head(LENGTH) + BODY,
    "length, in single bytes": [bytes([byte]) for byte in head(LENGTH) + BODY],
    "length 0": head(b"Content-Length: 0\r\n"),
    "length, lower case": head(LENGTH.lower()) + BODY,
    "length with spaces": head(b"Content-Length: \t %d \t\r\n" % len(BODY)) + BODY,
    "chunks": head(CHUNKED) + CHUNKS,
    "chunks, in single bytes": [bytes([byte]) for byte in head(CHUNKED) + CHUNKS],
    "chunks, upper case": head(b"TRANSFER-ENCODING: Chunked\r\n") + CHUNKS,
    "chunk extension": head(CHUNKED) + b'5;name="va;lue"\r\nhello\r\n0\r\n\r\n',
    "chunk sizes with zeros": head(CHUNKED) + b"0005\r\nhello\r\n000\r\n\r\n",
    "chunks and trailers": head(CHUNKED) + b"5\r\nhello\r\n0\r\nConnection: close\r\nX: y\r\n\r\n",
    "encoding in a trailer": head(CHUNKED) + CHUNKS[:-2] + b"Content-Encoding: gzip\r\n\r\n",
    "closed": head() + BODY,
    "closed, empty": head(),
    "closed, said so": head(b"Connection: close\r\n") + BODY,
    "HTTP/1.0 closed": head(version=b"1.0") + BODY,
    "HTTP/1.0 length": head(LENGTH, version=b"1.0") + BODY,
    "no reason": b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n" + BODY,
    "empty reason": head(LENGTH, status=b"200 ") + BODY,
    "odd reason": head(LENGTH, status=b"200 O\xc3\xa9 !") + BODY,
    "100 first": head(status=b"100 Continue") + head(LENGTH) + BODY,
    "103 with fields": head(b"Link: </x>\r\nContent-Length: 7\r\n", b"103 Early Hints") + head(LENGTH) + BODY,
    "many interim": head(status=b"102 Processing") * 16 + head(LENGTH) + BODY,
    "101 without an upgrade": head(status=b"101 Switching") + head(LENGTH) + BODY,
    "204": head(status=b"204 No Content"),
    "204 with length 0": head(b"Content-Length: 0\r\n", b"204 No Content"),
    "205": head(LENGTH, b"205 Reset") + BODY,
    "redirect": head(LENGTH + b"Location: http://127.0.0.1:9/\r\n", b"302 Found") + BODY,
    "304": head(LENGTH, b"304 Not Modified"),
    "400": head(LENGTH, b"400 Bad") + BODY,
    "500 html": head(b"Content-Type: text/html\r\nContent-Length: 6\r\n", b"500 Error") + b"<html>",
    "599": head(LENGTH, b"599 Odd") + BODY,
    "cookie": head(LENGTH + b"Set-Cookie: a=b\r\n") + BODY,
    "identity": head(LENGTH + b"Content-Encoding: identity\r\n") + BODY,
    "surplus": head(LENGTH) + BODY + b"surplus",
    "a second answer": head(LENGTH) + BODY + head(b"Content-Length: 6\r\n") + b"poison",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "head without its end": b"HTTP/1.1 200 OK\r\n" + LENGTH,
    "only an interim head": head(status=b"100 Continue"),
    "length cut short": head(LENGTH) + BODY[:-1],
    "no body where one was told": head(LENGTH),
    "chunk cut short": head(CHUNKED) + b"5\r\nhel",
    "no last chunk": head(CHUNKED) + b"5\r\nhello\r\n",
    "last chunk without its end": head(CHUNKED) + b"5\r\nhello\r\n0\r\n",
    "chunk size is no number": head(CHUNKED) + b"xyz\r\nhello\r\n0\r\n\r\n",
    "chunk size is negative": head(CHUNKED) + b"-5\r\nhello\r\n0\r\n\r\n",
    "chunk longer than told": head(CHUNKED) + b"3\r\nhello\r\n0\r\n\r\n",
    "chunk size overflows": head(CHUNKED) + b"f" * 40 + b"\r\nhello\r\n0\r\n\r\n",
    "lengths that differ": head(LENGTH + b"Content-Length: 2\r\n") + BODY,
    "lengths in one that differ": head(b"Content-Length: 3, 2\r\n") + BODY,
    "length is no number": head(b"Content-Length: many\r\n") + BODY,
    "length is negative": head(b"Content-Length: -1\r\n") + BODY,
    "length is signed": head(b"Content-Length: +5\r\n") + BODY,
    "length overflows": head(b"Content-Length: %d\r\n" % 10**30) + BODY,
    "transfer gzip": head(b"Transfer-Encoding: gzip\r\n") + BODY,
    "transfer gzip, chunked": head(b"Transfer-Encoding: gzip, chunked\r\n") + CHUNKS,
    "chunked twice": head(CHUNKED * 2) + CHUNKS,
    "HTTP/0.9": BODY,
    "101": head(b"Upgrade: x\r\nConnection: upgrade\r\n", b"101 Switching") + head(LENGTH) + BODY,
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "lower case protocol": b"http/1.1 200 OK\r\n" + LENGTH + b"\r\n" + BODY,
    "status of two digits": head(LENGTH, b"20 OK") + BODY,
    "status is no number": head(LENGTH, b"abc OK") + BODY,
    "status of four digits": head(LENGTH, b"2000 OK") + BODY,
    "field without a name": head(b": x\r\n" + LENGTH) + BODY,
    "field without a colon": head(b"oops\r\n" + LENGTH) + BODY,
    "space before the colon": head(b"Content-Length : 2\r\n") + BODY,
    "NUL in a field": head(b"X: a\0b\r\n" + LENGTH) + BODY,
    "bare CR in a field": head(b"X: a\rb\r\n" + LENGTH) + BODY,
}

WHOLE: Final = (200, BODY)
# name: what is sent, what the wire makes of it, what httpx makes of it, and why we differ
DIFFERENCES: Final = {
    "204 with length": (
        head(LENGTH, b"204 No Content") + BODY,
        (204, BODY),
        (204, b""),
        "the legacy API sends 204 with a body, and the body decides",
    ),
    "204 in chunks": (
        head(CHUNKED, b"204 No Content") + CHUNKS,
        (204, BODY),
        (204, b""),
        "the legacy API sends 204 with a body, and the body decides",
    ),
    "gzip": (
        head(b"Content-Encoding: gzip\r\n") + gzip.compress(BODY),
        FAULT,
        WHOLE,
        "compression was refused in the request; such an answer is foreign",
    ),
    "65,537 bytes": (
        head(b"Content-Length: 65537\r\n") + b"x" * 65537,
        FAULT,
        (200, b"x" * 65537),
        "bodies are capped",
    ),
    "65,537 bytes in chunks": (
        head(CHUNKED) + b"10001\r\n" + b"x" * 65537 + b"\r\n0\r\n\r\n",
        FAULT,
        (200, b"x" * 65537),
        "bodies are capped",
    ),
    "65,537 bytes, closed": (head() + b"x" * 65537, FAULT, (200, b"x" * 65537), "bodies are capped"),
    "a head of 20 kB": (
        head(b"X: " + b"x" * 20_000 + b"\r\n" + LENGTH) + BODY,
        FAULT,
        WHOLE,
        "heads are capped at 16 KiB, all together",
    ),
    "interim heads of 20 kB": (
        head(b"X: " + b"x" * 5_000 + b"\r\n", b"103 Early") * 4 + head(LENGTH) + BODY,
        FAULT,
        WHOLE,
        "heads are capped at 16 KiB, all together",
    ),
    "17 interim heads": (
        head(status=b"102 Processing") * 17 + head(LENGTH) + BODY,
        FAULT,
        WHOLE,
        "interim heads are counted",
    ),
    "length and chunks": (
        head(LENGTH + CHUNKED) + CHUNKS,
        FAULT,
        WHOLE,
        "two framings are an attack or a defect (RFC 9112 section 6.3)",
    ),
    "HTTP/1.0 chunks": (
        head(CHUNKED, version=b"1.0") + CHUNKS,
        FAULT,
        WHOLE,
        "faulty framing (RFC 9112 section 6.1)",
    ),
    "length twice": (head(LENGTH * 2) + BODY, FAULT, WHOLE, "one framing, told once"),
    "lengths in one": (head(b"Content-Length: 54, 54\r\n") + BODY, FAULT, WHOLE, "one framing, told once"),
    "length in a trailer": (
        head(CHUNKED) + CHUNKS[:-2] + LENGTH + b"\r\n",
        FAULT,
        WHOLE,
        "a trailer must not frame (RFC 9110 section 6.5.1)",
    ),
    "HTTP/2.0": (
        b"HTTP/2.0 200 OK\r\n" + LENGTH + b"\r\n" + BODY,
        FAULT,
        WHOLE,
        "HTTP/1.0 and 1.1 are what this wire speaks",
    ),
    "folded field": (head(b"X: a\r\n b\r\n" + LENGTH) + BODY, FAULT, WHOLE, "obsolete since RFC 7230"),
    "bare line feeds": (
        head(LENGTH).replace(b"\r\n", b"\n") + BODY,
        FAULT,
        WHOLE,
        "a lenient line end is where two parsers begin to differ",
    ),
}


async def ask(transport: httpx.AsyncBaseTransport, url: str):
    async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=5) as client:
        try:
            answer = await client.get(url)
        except (httpx.TransportError, httpx.DecodingError):
            return FAULT
        return (answer.status_code, answer.content)


def both(run, tls, sent) -> tuple[object, object]:
    def script(peer):
        peer.answer(*sent) if isinstance(sent, list) else peer.answer(sent)

    with RawUpstream(script, tls and tls.server) as upstream:
        url = f"{'https' if tls else 'http'}://127.0.0.1:{upstream.port}/api/json/calls/make/?a=1;b=2"

        async def main():
            wire = WireTransport(wire_to(upstream, tls))
            witness = httpx.AsyncHTTPTransport(verify=tls.client if tls else False, trust_env=False)
            return await asyncio.gather(ask(wire, url), ask(witness, url))

        ours, theirs = run(main())
        assert len(upstream.requests) == 2
    return ours, theirs


@pytest.mark.parametrize("sent", AGREED.values(), ids=AGREED.keys())
def test_wire_and_witness_agree(run, maybe_tls, sent):
    """Same status and body, or a fault on both sides."""
    ours, theirs = both(run, maybe_tls, sent)
    assert ours == theirs


@pytest.mark.parametrize(
    ("sent", "expected", "witnessed"), [row[:3] for row in DIFFERENCES.values()], ids=DIFFERENCES.keys()
)
def test_where_the_wire_differs_it_is_on_purpose(run, maybe_tls, sent, expected, witnessed):
    """Each difference is exactly the one the table gives a reason for."""
    assert expected != witnessed
    assert both(run, maybe_tls, sent) == (expected, witnessed)
