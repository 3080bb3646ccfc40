"""Every magic callee number, over a raw socket, byte by byte where it matters."""

import json
import re
import time

import pytest

from .conftest import CREDENTIALS, PATH, playing, written

CALLID = re.compile(r"[0-9]{10}\.[0-9]{6}")


def get(cnumber: str, **params: str) -> bytes:
    """The bytes of a GET call."""
    query = written({**CREDENTIALS, "snumber": "101", "cnumber": cnumber, **params})
    return f"GET {PATH}?{query} HTTP/1.1\r\nHost: pbx\r\n\r\n".encode("ascii")


def answer(simulator, request: bytes) -> tuple[bytes, bytes]:
    """The head and the body of the answer; the body is as long as Content-Length says."""
    with simulator.connect() as client:
        client.sendall(request)
        stream = client.makefile("rb")
        head = b"".join(iter(stream.readline, b"\r\n"))
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])
        return head, stream.read(length)


def last_code(simulator, cnumber: str) -> str | None:
    """The ledger's code of the latest dial to that number."""
    return [entry["code"] for entry in simulator.ledger() if ["cnumber", cnumber] in entry["params"]][-1]


@pytest.mark.parametrize("code", ["200", "204", "400", "401", "402", "403", "500"])
def test_a_body_code_comes_under_http_200(simulator, code):
    """The last four digits choose the code of the body, in the vendor's format, and the ledger knows it."""
    head, body = answer(simulator, get(f"+1 555 (0{code}"))
    told = json.loads(body)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: application/json\r\n" in head
    [entry] = told["responses"]
    assert list(entry) == ["code", "key", "message"]
    assert (entry["code"], entry["key"]) == (code, "cnumber" if code == "400" else "")
    assert entry["message"] == "OK" or code >= "400"
    assert ("data" in told) == (code == "200")
    assert last_code(simulator, f"+1 555 (0{code}") == code


def test_a_204_is_the_vendors_text(simulator):
    """The plain answer is the page's, down to the order of its fields."""
    assert answer(simulator, get("100"))[1] == b'{"responses":[{"code":"204","key":"","message":"OK"}]}'


def test_a_reference_is_the_pages_and_its_callid_never_repeats(simulator):
    """machine 1, server asterisk01 and a callid like the page's, another one for each call."""
    data = [json.loads(answer(simulator, get("100", wait="5"))[1])["data"] for _ in range(3)]
    assert all(part["machine"] == 1 and part["server"] == "asterisk01" for part in data)
    assert all(CALLID.fullmatch(part["callid"]) for part in data)
    assert len({part["callid"] for part in data}) == 3


def test_only_the_last_four_digits_are_magic(simulator):
    """0403 anywhere else in the number, or in another parameter, means nothing."""
    assert simulator.call(cnumber="04031").codes() == [("204", "")]
    assert simulator.call(cnumber="403").codes() == [("204", "")]
    assert simulator.call(snumber="0403").codes() == [("204", "")]


def test_0501_is_a_web_servers_error_page(simulator):
    """HTTP 500 with HTML, and no code that could be told."""
    head, body = answer(simulator, get("5550501"))
    assert head.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"Content-Type: text/html" in head
    assert body.startswith(b"<html>")
    assert last_code(simulator, "5550501") is None


def test_0590_reads_the_request_and_closes(simulator):
    """The end of the stream comes in good order, without a byte, and the dial is in the ledger."""
    with simulator.connect() as client:
        client.sendall(get("5550590"))
        assert client.recv(1) == b""
    assert last_code(simulator, "5550590") is None


def test_0591_resets(simulator):
    """The connection is reset, not closed, and the dial is in the ledger."""
    with simulator.connect() as client:
        client.sendall(get("5550591"))
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert last_code(simulator, "5550591") is None


def test_0592_never_answers_but_stays(simulator):
    """Nothing comes, not even to a second request, and the dials are in the ledger."""
    with simulator.connect() as client:
        client.sendall(get("15550592") + get("25550592"))
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert last_code(simulator, "15550592") is None
        assert last_code(simulator, "25550592") is None


def test_0593_is_a_whole_message_around_half_a_document(simulator):
    """Content-Length is honest, the JSON is cut where its good code is already to be read."""
    head, body = answer(simulator, get("5550593"))
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"code":"200"' in body
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    assert last_code(simulator, "5550593") is None


def test_0594_is_the_pages_sample_with_its_comma(simulator):
    """No JSON as it stands, the page's own 200 without the last comma."""
    body = answer(simulator, get("5550594"))[1]
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    assert json.loads(body.decode("ascii").replace("}, }", "} }")) == {
        "responses": [{"code": "200", "key": "", "message": "OK"}],
        "data": {"machine": 1, "server": "asterisk01", "callid": "1234567890.123456"},
    }
    assert last_code(simulator, "5550594") == "200"


def test_0595_is_a_number_in_a_single_object(simulator):
    """`responses` is no list and the code no string; the data is whole."""
    told = json.loads(answer(simulator, get("5550595"))[1])
    assert told["responses"] == {"code": 200, "key": "", "message": "OK"}
    assert CALLID.fullmatch(told["data"]["callid"])
    assert last_code(simulator, "5550595") == "200"


def test_0596_is_an_http_204_with_a_body(simulator):
    """The status line forbids the body that follows, and the connection stays to be poisoned by it."""
    with simulator.connect() as client:
        client.sendall(get("5550596") + get("102"))
        stream = client.makefile("rb")
        head = b"".join(iter(stream.readline, b"\r\n"))
        assert head.startswith(b"HTTP/1.1 204 No Content\r\n")
        body = b'{"responses":[{"code":"204","key":"","message":"OK"}]}'
        assert f"Content-Length: {len(body)}\r\n".encode("ascii") in head
        assert stream.read(len(body)) == body
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
    assert last_code(simulator, "5550596") == "204"


def test_0597_says_a_byte_a_second(simulator):
    """A good answer begins at once and goes on at one byte a second."""
    with simulator.connect() as client:
        client.sendall(get("5550597"))
        assert client.recv(64) == b"H"
        began = time.monotonic()
        assert client.recv(64) == b"T"
        assert time.monotonic() - began > 0.9
    assert last_code(simulator, "5550597") == "204"


def test_0598_redirects_to_itself(simulator):
    """A 302 whose Location, if followed, is a second dial."""
    request = get("5550598")
    head, _ = answer(simulator, request)
    assert head.startswith(b"HTTP/1.1 302 Found\r\n")
    assert b"\r\nLocation: " + request.split()[1] + b"\r\n" in head
    assert last_code(simulator, "5550598") is None


def test_0599_is_ten_megabytes_of_good_json(simulator):
    """All of it is one valid document that says 204."""
    body = answer(simulator, get("5550599"))[1]
    assert len(body) == 10_000_000
    assert json.loads(body)["responses"][0]["code"] == "204"
    assert last_code(simulator, "5550599") == "204"


@pytest.fixture(scope="module")
def slow():
    """A simulator that takes a second to answer."""
    with playing(latency_ms=1000) as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"cnumber": "102"}, "204"),
        ({"cnumber": "102", "wait": "1"}, "200"),
        ({"cnumber": "5550403"}, "403"),
        ({"cnumber": "5550501"}, None),
        ({"auth_password": "wrong"}, "401"),
        ({"wait": "x"}, "400"),
    ],
)
def test_every_answer_takes_the_latency(slow, params, code):
    """Good or bad, an answer comes when the latency is over, no shorter wait changes that."""
    began = time.monotonic()
    heard = slow.call(**params)
    assert time.monotonic() - began >= 1
    assert (heard.codes()[0][0] if heard.status == 200 else None) == code


def test_slow_answers_do_not_wait_for_each_other(slow):
    """Twenty calls at once take about as long as one."""
    began = time.monotonic()
    clients = [slow.connect() for _ in range(20)]
    for client in clients:
        client.sendall(get("102"))
    for client in clients:
        assert client.recv(15) == b"HTTP/1.1 200 OK"
        client.close()
    assert time.monotonic() - began < 10


def test_a_wait_shorter_than_the_latency_ends_with_204():
    """When the wait is over no reference is known yet: it is 204, then and not later. A refusal stays one."""
    with playing(latency_ms=60_000) as simulator, simulator.connect() as refused:
        refused.sendall(get("5550403", wait="1"))
        for cnumber in ("102", "5550200", "5550204"):
            began = time.monotonic()
            assert simulator.call(cnumber=cnumber, wait="1").codes() == [("204", "")]
            assert 1 <= time.monotonic() - began < 30
        assert last_code(simulator, "5550200") == "204"
        refused.settimeout(0.1)
        with pytest.raises(TimeoutError):
            refused.recv(1)
