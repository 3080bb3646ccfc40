"""The client's part of each case: the bytes of one hostile request.

Whatever is not the case's own fault is right, so that only that fault can be what refuses it: sent
without it, every one of these would be a call.
"""

import gzip
import json
from typing import Any, Final

from tests.house import MAKE_CALL, api_key

TENANT: Final = "acme"
_KEY: Final = b"Authorization: Bearer " + api_key(TENANT).encode() + b"\r\n"
_HOST: Final = b"Host: gateway.example\r\n"
_NEWER: Final = b"Accept: application/graphql-response+json\r\n"
_JSON: Final = b"Content-Type: application/json\r\n"
CALL: Final[dict[str, Any]] = {"caller": {"number": "1234567"}, "callee": {"number": "2125550200"}}
BODY: Final = json.dumps(CALL).encode()
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"


def head(line: bytes, *fields: bytes, host: bytes = _HOST, key: bytes = _KEY, kind: bytes = _JSON) -> bytes:
    """The head of a request; `fields` end in CR LF."""
    return line + b"\r\n" + host + key + kind + b"".join(fields) + b"\r\n"


def request(
    body: bytes = BODY, *fields: bytes, line: bytes = b"POST /v1/calls HTTP/1.1", **parts: bytes
) -> bytes:
    """A request whose body is framed by its length."""
    return head(line, b"Content-Length: %d\r\n" % len(body), *fields, **parts) + body


def framed(framing: bytes, body: bytes = BODY, version: bytes = b"HTTP/1.1") -> bytes:
    """A request with that framing and nothing else to frame it."""
    return head(b"POST /v1/calls " + version, framing) + body


def chunks(body: bytes = BODY, end: bytes = b"0\r\n\r\n") -> bytes:
    """One chunk."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n" + end


def number(text: object, party: str = "callee", **more: Any) -> bytes:
    """A call whose number is that."""
    return request(json.dumps({**CALL, party: {**CALL[party], "number": text}, **more}).encode())


def field(**more: Any) -> bytes:
    """A call with these fields too."""
    return request(json.dumps({**CALL, **more}).encode())


def party(**more: Any) -> bytes:
    """A call whose callee has these fields too."""
    return request(json.dumps({**CALL, "callee": {**CALL["callee"], **more}}).encode())


def seconds(text: str) -> bytes:
    """A call whose wait is that JSON text."""
    return request(BODY[:-1] + b', "waitSeconds": ' + text.encode() + b"}")


def target(line: bytes, **parts: bytes) -> bytes:
    """A request without a body."""
    return head(line + b" HTTP/1.1", **parts)


def graphql(
    payload: object, *fields: bytes, kind: bytes = _JSON, line: bytes = b"POST /graphql HTTP/1.1"
) -> bytes:
    """A GraphQL request; bytes are sent as they are."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return request(body, *fields, _NEWER, line=line, kind=kind)


def document(text: str, variables: object = None, **more: Any) -> bytes:
    """A GraphQL document with its variables."""
    return graphql({"query": text, "variables": variables, **more})


def calling(text: str) -> str:
    """A document with a makeCall wherever CALL stands."""
    return text.replace("CALL", _INLINE)


_INPUT: Final = {"input": CALL}
_INLINE: Final = 'makeCall(input: {caller: {number: "1"}, callee: {number: "2125550200"}}) { __typename }'
_BOMB: Final = "mutation { CALL ...f0 } fragment f40 on Mutation { __typename } " + " ".join(
    f"fragment f{n} on Mutation {{ __typename ...f{n + 1} ...f{n + 1} }}" for n in range(40)
)
_DEEP: Final = "{ calls " + "{ edges { node " * 30 + "{ id }" + " } }" * 30 + " }"

_LENGTH: Final = b"%d" % len(BODY)

_NEAR: Final = {f"callr{n:x}": 1 for n in range(4_000)}

FRAMING: Final = {
    "no Host": request(host=b""),
    "two Hosts": request(host=_HOST + b"Host: other.example\r\n"),
    "Host with a path": request(host=b"Host: gateway.example/v1/calls\r\n"),
    "two equal lengths": request(BODY, b"Content-Length: " + _LENGTH + b"\r\n"),
    "two lengths": request(BODY, b"Content-Length: 3\r\n"),
    "a list of lengths": framed(b"Content-Length: %b, %b\r\n" % (_LENGTH, _LENGTH)),
    "length with a sign": framed(b"Content-Length: +" + _LENGTH + b"\r\n"),
    "negative length": framed(b"Content-Length: -1\r\n"),
    "hexadecimal length": framed(b"Content-Length: 0x48\r\n"),
    "length beyond 64 bits": framed(b"Content-Length: 18446744073709551688\r\n"),
    "length and chunks": framed(b"Content-Length: 4\r\n" + CHUNKED, chunks()),
    "chunks and length": framed(CHUNKED + b"Content-Length: 4\r\n", chunks()),
    "unknown coding": framed(b"Transfer-Encoding: xchunked\r\n", chunks()),
    "gzip before chunked": framed(b"Transfer-Encoding: gzip, chunked\r\n", chunks()),
    "chunked before identity": framed(b"Transfer-Encoding: chunked, identity\r\n", chunks()),
    "chunked twice": framed(CHUNKED * 2, chunks()),
    "chunked in HTTP/1.0": framed(CHUNKED, chunks(), b"HTTP/1.0"),
    "space before colon": framed(b"Transfer-Encoding : chunked\r\n", chunks()),
    "folded field": request(BODY, b"X-Folded: a\r\n b\r\n"),
    "bare line feeds": request().replace(b"\r\n", b"\n"),
    "CR in a value": request(BODY, b"X-A: b\rc\r\n"),
    "NUL in a value": request(BODY, b"X-A: b\x00c\r\n"),
    "DEL in a value": request(BODY, b"X-A: b\x7fc\r\n"),
    "space in a name": request(BODY, b"X A: b\r\n"),
    "field without colon": request(BODY, b"XA\r\n"),
    "empty name": request(BODY, b": b\r\n"),
    "chunk size negative": framed(CHUNKED, b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size too large": framed(CHUNKED, b"f" * 17 + b"\r\n"),
    "chunk size with 0x": framed(CHUNKED, b"0x" + chunks()),
    "chunk ended by a line feed": framed(CHUNKED, chunks().replace(b"\r\n", b"\n", 1)),
    "HTTP/2.0": request(line=b"POST /v1/calls HTTP/2.0"),
    "HTTP/0.9": request(line=b"POST /v1/calls HTTP/0.9"),
    "HTTP/1.2": request(line=b"POST /v1/calls HTTP/1.2"),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS hello": bytes.fromhex("160301020001000001fc0303") + bytes(200),
    "target without path": request(line=b"POST http://gateway.example HTTP/1.1"),
    "CONNECT": request(line=b"CONNECT gateway.example:80 HTTP/1.1"),
    "CONNECT to a path": request(line=b"CONNECT /v1/calls HTTP/1.1"),
    "unknown method": request(line=b"DIAL /v1/calls HTTP/1.1"),
    "lower-case method": request(line=b"post /v1/calls HTTP/1.1"),
    "byte 255 in the target": request(line=b"POST /v1/calls?\xff HTTP/1.1", host=_HOST),
    "control in the target": request(line=b"POST /v1/calls?\x01 HTTP/1.1"),
    "slow head": request()[:60],
    "slow body": request()[:-5],
    "slow chunks": framed(CHUNKED, chunks()[:-5]),
}
FLOOD: Final = {
    "head of 20,000 bytes": request(BODY, b"X-Long: " + b"a" * 20_000 + b"\r\n"),
    "3,000 fields": request(BODY, *(b"X-%d: b\r\n" % n for n in range(3_000))),
    "target of 20,000 bytes": request(line=b"POST /v1/calls?" + b"a" * 20_000 + b" HTTP/1.1"),
    "endless head": head(b"POST /v1/calls HTTP/1.1")[:-2] + b"X-Long: " + b"a" * 600_000,
    "60,000 fields at once": request(BODY, b"a:\r\n" * 60_000),
    "chunks of one byte": framed(CHUNKED, b"1\r\n \r\n" * 40_000),
    "endless trailers": framed(CHUNKED, chunks(end=b"0\r\n") + b"X-Trailer: yes\r\n" * 60_000),
}
TARGET: Final = {
    "TRACE": target(b"TRACE /v1/calls"),
    "OPTIONS without CORS": target(b"OPTIONS /v1/calls"),
    "PUT": request(line=b"PUT /v1/calls HTTP/1.1"),
    "DELETE": target(b"DELETE /v1/calls"),
    "POST to a record": request(line=b"POST /v1/calls/1 HTTP/1.1"),
    "doubled slash": request(line=b"POST //v1/calls HTTP/1.1"),
    "trailing slash": request(line=b"POST /v1/calls/ HTTP/1.1"),
    "dot segments": request(line=b"POST /x/../v1/calls HTTP/1.1"),
    "other case": request(line=b"POST /V1/Calls HTTP/1.1"),
    "NUL in an id": target(b"GET /v1/calls/%00"),
    "half a surrogate in an id": target(b"GET /v1/calls/%ed%a0%80"),
    "header in an id": target(b"GET /v1/calls/%0d%0aX-Injected:%20yes"),
    "asterisk": target(b"OPTIONS *"),
}
JSON_TEXTS: Final = {
    "empty": b"",
    "blank": b" \r\n\t",
    "null": b"null",
    "a list": b"[" + BODY + b"]",
    "a string": json.dumps(BODY.decode()).encode(),
    "unclosed": BODY[:-1],
    "trailing comma": BODY[:-1] + b",}",
    "single quotes": BODY.replace(b'"', b"'"),
    "comment": b"/* call */" + BODY,
    "NaN": BODY[:-1] + b', "waitSeconds": NaN}',
    "Infinity": BODY[:-1] + b', "waitSeconds": -Infinity}',
    "duplicate keys": BODY[:-1] + b', "callee": {"number": "1900"}}',
    "duplicate inner keys": BODY.replace(b'"callee": {', b'"callee": {"number": "1900", '),
    "two texts": BODY + BODY,
    "byte order mark": b"\xef\xbb\xbf" + BODY,
    "UTF-16": BODY.decode().encode("utf-16"),
    "UTF-32": BODY.decode().encode("utf-32-le"),
    "Latin-1": BODY[:-1] + b', "clientReference": "caf\xe9"}',
    "overlong UTF-8": BODY[:-1] + b', "clientReference": "\xc0\xaf"}',
    "surrogate in UTF-8": BODY[:-1] + b', "clientReference": "\xed\xa0\x80"}',
    "30,000 open lists": BODY[:-1] + b', "x": ' + b"[" * 30_000,
    "deep objects": BODY[:-1] + b', "x": ' + b'{"a":' * 8_000 + b"1" + b"}" * 8_001,
    "60,000 digits": BODY[:-1] + b', "waitSeconds": ' + b"1" * 60_000 + b"}",
}
BODIES: Final = {
    "65,537 bytes": request(BODY[:-1] + b" " * (65_537 - len(BODY)) + b"}"),
    "declares 10 GB": framed(b"Content-Length: 10000000000\r\n"),
    "endless chunks": framed(CHUNKED, (b"ffff\r\n" + b" " * 0xFFFF + b"\r\n") * 3),
    "gzip bomb": request(gzip.compress(BODY + b" " * 30_000_000), b"Content-Encoding: gzip\r\n"),
    "deflate": request(BODY, b"Content-Encoding: deflate\r\n"),
    "brotli": request(BODY, b"Content-Encoding: br\r\n"),
    "identity twice": request(BODY, b"Content-Encoding: identity, identity\r\n"),
    "no media type": request(kind=b""),
    "text/plain": request(kind=b"Content-Type: text/plain\r\n"),
    "form": request(b"caller=1&callee=2", kind=b"Content-Type: application/x-www-form-urlencoded\r\n"),
    "multipart": request(kind=b"Content-Type: multipart/form-data; boundary=x\r\n"),
    "merge-patch": request(kind=b"Content-Type: application/merge-patch+json\r\n"),
    "charset UTF-16": request(kind=b"Content-Type: application/json; charset=utf-16\r\n"),
    "charset UTF-7": request(kind=b'Content-Type: application/json; charset="UTF-7"\r\n'),
}
INPUT: Final = {
    "empty object": request(b"{}"),
    "Unicode digits": number("\u0968\u0967\u0968\u096b\u096b\u096b"),
    "Arabic digits": number("\u0662\u0661\u0662"),
    "full-width plus": number("\uff0b1212555"),
    "look-alike letter": number("\u0430lice", "caller", waitSeconds=1),
    "zero-width space": number("212555\u200b1234"),
    "right-to-left mark": number("\u200f2125551234"),
    "trailing line feed": number("2125551234\n"),
    "CR LF and a header": number("2125551234\r\nX-Injected: yes"),
    "semicolon and parameter": number("2125551234;cnumber=1900"),
    "ampersand and parameter": number("2125551234&card=1"),
    "percent-encoded separator": number("2125551234%3Bcard=1"),
    "NUL": number("2125551234\x00"),
    "lone surrogate": number("\ud800"),
    "lone surrogate in reference": field(clientReference="\ud800"),
    "65 characters": number("1" * 65),
    "empty string": number(""),
    "number as integer": number(2125551234),
    "number as list": number(["2125551234"]),
    "number as object": number({"$ne": ""}),
    "seconds as text": seconds('"5"'),
    "seconds as true": seconds("true"),
    "seconds as 5.5": seconds("5.5"),
    "seconds as 1e400": seconds("1e400"),
    "negative seconds": seconds("-1"),
    "seconds beyond 64 bits": seconds("18446744073709551621"),
    "null where required": number(None),
    "unknown field": field(callback="https://evil.example"),
    "legacy field": field(auth_username="root", cnumber="1900"),
    "prototype field": field(__proto__={"dryRun": False}),
    "other case": request(BODY.replace(b"callee", b"Callee")),
    "wait not above delay": field(waitSeconds=5, delaySeconds=5),
    "flag as 1": party(autoAnswer=1),
    "flag as text": party(autoAnswer="true"),
    "presented ID with separator": party(presentedCallerId="1;customer=7"),
    "4,000 unknown fields": request(json.dumps(_NEAR, separators=(",", ":")).encode()),
}
WHO: Final = {
    "no credential": request(key=b""),
    "Basic": request(key=b"Authorization: Basic YWNtZTphY21l\r\n"),
    "two schemes": request(key=_KEY.replace(b"\r\n", b", Basic YWNtZTphY21l\r\n")),
    "unknown key": request(key=_KEY.replace(b"\r\n", b"x\r\n")),
    "key of 10,000 bytes": request(key=b"Authorization: Bearer " + b"k" * 10_000 + b"\r\n"),
    "NUL-like key": request(key=b"Authorization: Bearer %00\xc0\x80\r\n"),
    "JWT without signature": request(
        key=b"Authorization: Bearer eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJhY21lIn0.\r\n"
    ),
}
HEADER: Final = {
    "Authorization twice": request(key=_KEY * 2),
    "Idempotency-Key twice": request(BODY, b"Idempotency-Key: one\r\nIdempotency-Key: two\r\n"),
    "Content-Type twice": request(kind=_JSON + b"Content-Type: text/plain\r\n"),
    "key empty": request(BODY, b"Idempotency-Key:\r\n"),
    "key with spaces": request(BODY, b"Idempotency-Key: one two\r\n"),
    "key of 256": request(BODY, b"Idempotency-Key: " + b"k" * 256 + b"\r\n"),
    "key not ASCII": request(BODY, b"Idempotency-Key: \xc3\xa9\r\n"),
    "key quoted badly": request(BODY, b'Idempotency-Key: "one\r\n'),
    "takes only XML": request(BODY, b"Accept: application/xml\r\n"),
}
GRAPHQL: Final = {
    "fragment bomb": document(calling(_BOMB)),
    "fragment cycle": document(calling("mutation { CALL ...a } fragment a on Mutation { ...a }")),
    "1,000 aliases": document("{" + " ".join(f"a{n}: __typename" for n in range(300)) + "}"),
    "directive overload": document(calling("mutation { CALL " + "@include(if: true) " * 180 + "}")),
    "nested 60 deep": document(_DEEP),
    "5,000 tokens": document(calling("mutation { CALL }" + " {a}" * 1700)),
    "two makeCalls": document(calling("mutation { a: CALL b: CALL }")),
    "makeCall by fragments": document(calling("mutation { ...m b: CALL } fragment m on Mutation { CALL }")),
    "two unnamed operations": document(calling("mutation { CALL } mutation { CALL }")),
    "a batch": graphql([{"query": MAKE_CALL, "variables": _INPUT}] * 2),
    "null body": graphql(None),
    "broken UTF-8": graphql(b'{"query": "{ __typename \xff }"}'),
    "deep JSON": graphql(
        b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}"
    ),
    "schema probe": document("{ __schema { types { name } } }"),
    "type probe": document('{ __type(name: "MakeCallInput") { inputFields { name } } }'),
    "misspelt field": document("mutation { makeCal }"),
    "subscription": document("subscription { __typename }"),
    "lone surrogate in the document": graphql(b'{"query": "{ \\ud800 }"}'),
    "variables as a list": document(MAKE_CALL, [CALL]),
    "null in a directive": document(
        calling(
            "mutation ($on: Boolean = true) { CALL ...m @include(if: $on) }"
            " fragment m on Mutation { a: __typename }"
        ),
        {"on": None},
    ),
    "duplicate keys": graphql(b'{"query": "{ __typename }", "query": "mutation { x }"}'),
    "4,000 unknown input fields": document(MAKE_CALL, {"input": _NEAR}),
    "95 fields of one name": document("{" + 'call(id: "1") { id } ' * 95 + "}"),
    "huge integer": document("{ calls(first: 99999999999999999999) { nodes { id } } }"),
    "unknown operation": document(MAKE_CALL, _INPUT, operationName="Other"),
    "form post": graphql(
        b"query=" + MAKE_CALL.encode().hex().encode(),
        kind=b"Content-Type: application/x-www-form-urlencoded\r\n",
    ),
    "plain text post": graphql(
        {"query": MAKE_CALL, "variables": _INPUT}, kind=b"Content-Type: text/plain\r\n"
    ),
    "multipart post": graphql(b"--x--", kind=b"Content-Type: multipart/form-data; boundary=x\r\n"),
    "mutation by GET": target(
        b"GET /graphql?query=mutation%7BmakeCall(input%3A%7Bcaller%3A%7Bnumber%3A%221%22%7D%2Ccallee%3A%7B"
        b"number%3A%222%22%7D%7D)%7B__typename%7D%7D"
    ),
    "PUT": graphql({"query": MAKE_CALL, "variables": _INPUT}, line=b"PUT /graphql HTTP/1.1"),
    "no credential": request(
        json.dumps({"query": MAKE_CALL, "variables": _INPUT}).encode(),
        line=b"POST /graphql HTTP/1.1",
        key=b"",
    ),
}

LETTERS: Final[dict[str, bytes]] = {
    f"client: {group}: {name}": letter
    for group, letters in {
        "framing": FRAMING,
        "flood": FLOOD,
        "target": TARGET,
        "body": BODIES,
        "json": {name: request(text) for name, text in JSON_TEXTS.items()},
        "input": INPUT,
        "who": WHO,
        "header": HEADER,
        "graphql": GRAPHQL,
    }.items()
    for name, letter in letters.items()
}
