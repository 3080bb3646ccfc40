"""The magic callee numbers: which outcome the last four digits of `cnumber` stand for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus

import orjson

from .answers import Answer, Manner, bad_input, page, reference, requested, told
from .page import Fault

# The page's last example with straight quotes; the comma before the last brace is the page's own.
_PAGE_SAMPLE = (
    b'{ "responses":[ { "code":"200", "key":"", "message":"OK" } ], '
    b'"data":{ "machine":1, "server":"asterisk01", "callid":"1234567890.123456" }, }'
)
_HUGE_BODY_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What an outcome may depend on.

    target: the request target as received. callid: one that no other call has.
    wait_too_short: whether `wait` is over before this simulator's latency is.
    """

    target: str
    wait_seconds: int
    wait_too_short: bool
    callid: str


def play(cnumber: str, asked: Asked) -> Answer:
    """The outcome of a faultless request: the magic one, else 200 if it waits and 204 if not."""
    digits = "".join(character for character in cnumber if character in "0123456789")
    return MAGIC.get(digits[-4:], _ordinary)(asked)


def _ordinary(asked: Asked) -> Answer:
    return _referenced(asked) if asked.wait_seconds > 0 else told("204")


def _referenced(asked: Asked) -> Answer:
    return told("204") if asked.wait_too_short else requested(asked.callid)


def _truncated(asked: Asked) -> Answer:
    # A whole HTTP message around half a document: the cut that no framing can show.
    body = requested(asked.callid).body
    return Answer(body[: body.index(b'"callid"')])


def _sloppy(asked: Asked) -> Answer:
    entry = {"code": 200, "key": "", "message": "OK"}
    return Answer(orjson.dumps({"responses": entry, "data": reference(asked.callid)}), "200")


def _redirect(asked: Asked) -> Answer:
    # Back to itself, so that whoever follows it shows up in the ledger as a second dial.
    return page(HTTPStatus.FOUND, "The call is elsewhere.", (("Location", asked.target),))


@cache
def _huge() -> Answer:
    before, after = b'{"responses":[{"code":"204","key":"","message":"', b'"}]}'
    return Answer(before + b"." * (_HUGE_BODY_BYTES - len(before) - len(after)) + after, "204")


MAGIC: Mapping[str, Callable[[Asked], Answer]] = {
    "0200": _referenced,
    "0204": lambda _: told("204"),
    "0400": lambda _: bad_input([Fault("cnumber", "cnumber is not dialable")]),
    "0401": lambda _: told("401"),
    "0402": lambda _: told("402"),
    "0403": lambda _: told("403"),
    "0500": lambda _: told("500"),
    "0501": lambda _: page(HTTPStatus.INTERNAL_SERVER_ERROR, "The server met an internal error."),
    "0590": lambda _: Answer(manner=Manner.CLOSE),
    "0591": lambda _: Answer(manner=Manner.RESET),
    "0592": lambda _: Answer(manner=Manner.HOLD),
    "0593": _truncated,
    "0594": lambda _: Answer(_PAGE_SAMPLE, "200"),
    "0595": _sloppy,
    "0596": lambda _: replace(told("204"), status=204),
    "0597": lambda asked: replace(_ordinary(asked), manner=Manner.TRICKLE),
    "0598": _redirect,
    "0599": lambda _: _huge(),
}
