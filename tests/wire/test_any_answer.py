"""Any answer, cut anywhere: what is framed is read exactly, and nothing else is taken for an answer."""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import WireFault
from gateway.wire.reader import AnswerReader
from tests.wire.conftest import get, wire_to
from tests.wire.upstream import RawUpstream

TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789-_.!#$", min_size=1, max_size=20).filter(
    lambda name: name.lower() not in {"connection", "upgrade", "trailer"}
)
VALUES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60
)
FIELDS = st.lists(st.tuples(TOKENS.map(lambda name: f"X-{name}"), VALUES), max_size=6).map(
    lambda fields: "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1")
)
BODIES = st.one_of(
    st.binary(max_size=400),
    st.sampled_from([b"", b"\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\n"]),
)


@dataclass(frozen=True, slots=True)
class Scripted:
    raw: bytes
    status: int
    body: bytes
    framed: bool


def in_chunks(draw: st.DrawFn, body: bytes) -> bytes:
    raw, at = b"", 0
    while at < len(body):
        size = draw(st.integers(1, len(body) - at))
        extension = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b;c"']))
        raw += b"%b%x%b\r\n%b\r\n" % (b"0" * draw(st.integers(0, 2)), size, extension, body[at : at + size])
        at += size
    return raw + b"0\r\n" + draw(FIELDS) + b"\r\n"


@st.composite
def answers(draw: st.DrawFn) -> Scripted:
    interim = b"".join(
        b"HTTP/1.1 %d x\r\n%b\r\n" % (draw(st.sampled_from([100, 102, 103, 199])), draw(FIELDS))
        for _ in range(draw(st.integers(0, 3)))
    )
    status = draw(st.sampled_from([200, 201, 204, 301, 400, 401, 404, 500, 503, 999]))
    body = draw(BODIES)
    line = b"HTTP/1.1 %d %b\r\n" % (status, draw(st.sampled_from([b"", b"OK", b"Not \xe9 found"])))
    framing = draw(st.sampled_from(["length", "chunks", "close"]))
    if framing == "length":
        fields, content = b"Content-Length: %d\r\n" % len(body), body
    elif framing == "chunks":
        fields, content = b"Transfer-Encoding: chunked\r\n", in_chunks(draw, body)
    else:
        status_has_body = status != 204
        fields, content, body = b"", body if status_has_body else b"", body if status_has_body else b""
    raw = interim + line + draw(FIELDS) + fields + draw(FIELDS) + b"\r\n" + content
    return Scripted(raw, status, body, framing != "close")


def cut(draw: st.DrawFn, raw: bytes) -> list[bytes]:
    at = sorted(draw(st.sets(st.integers(0, len(raw)), max_size=12)))
    pieces = [raw[start:end] for start, end in zip([0, *at], [*at, len(raw)], strict=True)]
    return [piece for piece in pieces if piece]


@st.composite
def cut_answers(draw: st.DrawFn) -> tuple[Scripted, list[bytes]]:
    scripted = draw(answers())
    return scripted, cut(draw, scripted.raw)


def read(pieces: list[bytes], ended: bool) -> AnswerReader:
    reader = AnswerReader(16384, 65536)
    for piece in pieces:
        if reader.feed(piece):
            return reader
    if ended:
        reader.end(certain=True)
    return reader


@settings(max_examples=400, deadline=None)
@given(cut_answers())
def test_an_answer_is_read_the_same_however_it_is_cut(scripted_and_pieces):
    """Fragments are the network's whim and must mean nothing."""
    scripted, pieces = scripted_and_pieces
    reader = read(pieces, ended=not scripted.framed)
    assert reader.fault is None
    assert (reader.status, reader.body, reader.body_is_framed) == (
        scripted.status,
        scripted.body,
        scripted.framed,
    )
    assert reader.reusable == (scripted.framed and scripted.status != 204)


@settings(max_examples=300, deadline=None)
@given(cut_answers(), st.data())
def test_a_framed_answer_cut_short_is_never_an_answer(scripted_and_pieces, data):
    """A truncation anywhere before the last byte is a lost connection, not a shorter answer."""
    scripted, _ = scripted_and_pieces
    kept = data.draw(st.integers(0, len(scripted.raw) - 1))
    reader = read([scripted.raw[:kept]] if kept else [], ended=False)
    assert not (scripted.framed and reader.finished)
    if scripted.framed:
        reader.end(certain=True)
        assert reader.fault == "connection_lost"
        assert not reader.reusable


@settings(max_examples=300, deadline=None)
@given(
    cut_answers().filter(lambda case: case[0].framed),
    st.binary(min_size=1, max_size=40) | st.sampled_from([b"\r", b"\n", b"\r\n", b"\r\n\r\n"]),
)
def test_surplus_changes_no_answer_and_spoils_the_connection(scripted_and_pieces, surplus):
    """Bytes behind an answer belong to nobody, wherever the network cuts between them."""
    scripted, pieces = scripted_and_pieces
    reader = read([*pieces[:-1], pieces[-1] + surplus], ended=False)
    assert (reader.fault, reader.status, reader.body) == (None, scripted.status, scripted.body)
    assert not reader.reusable


@settings(max_examples=400, deadline=None)
@given(cut_answers(), st.data())
def test_damaged_bytes_end_in_an_answer_or_a_fault(scripted_and_pieces, data):
    """No byte sequence raises anything, and the caps hold whatever comes."""
    scripted, _ = scripted_and_pieces
    raw = bytearray(scripted.raw)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    reader = read(cut(data.draw, bytes(raw)), ended=True)
    assert reader.finished
    assert reader.fault is not None or 200 <= reader.status <= 999
    assert reader.body_bytes <= 65536


def test_fragments_on_real_sockets_give_the_same_answers(run, maybe_tls):
    """The reader's promise holds through loops, sockets and TLS records; a framed end needs no close."""
    cases: list[tuple[Scripted, list[bytes]]] = []

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(cut_answers())
    def collect(case):
        cases.append(case)

    collect()

    def script(peer):
        request = peer.read_request()
        scripted, pieces = cases[int(request.split(b" ")[1][1:])]
        peer.send(*pieces)
        if scripted.framed:
            peer.wait_closed()

    async def main(upstream):
        wire = wire_to(upstream, maybe_tls, reuse_connections=False)
        found = await asyncio.gather(
            *(get(wire, b"/%d" % number, deadline_seconds=20) for number in range(len(cases))),
            return_exceptions=True,
        )
        assert (wire.active_connections, wire.idle_connections) == (0, 0)
        await wire.aclose()
        return found

    with RawUpstream(script, maybe_tls and maybe_tls.server) as upstream:
        found = run(main(upstream))
    assert not [fault for fault in found if isinstance(fault, WireFault)]
    assert [(answer.status, answer.body) for answer in found] == [
        (scripted.status, scripted.body) for scripted, _ in cases
    ]
