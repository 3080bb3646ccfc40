"""From the upstream's answer to an outcome: pure, read liberally, classified strictly.

The truth is `responses[].code` in the body, whatever the HTTP status. What is not a complete,
documented answer is *unknown*, never *failed*. Source: the contract, section 5, "The upstream's
answer decides"; the vendor's page, "Responses"; variants seen in the wild.
"""

import re
from typing import Final

from gateway.call import BY_LEGACY, Outcome, Reference, not_placed, rejected, requested, unknown
from gateway.errors import Code
from gateway.json_decoder import JSONDecoder
from gateway.legacy.literal import Literal
from gateway.telemetry.accounts import ErrorType, Repair
from gateway.values import value_class

MAX_MACHINE: Final = 2_147_483_647
"""Beyond 32 bits a machine number is no machine; GraphQL's Int could not tell it either."""

_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_CODE: Final = re.compile(r"[0-9]{3}", re.ASCII)
# A string, which is kept, or a comma before a closing bracket, which is dropped. The closing quote is
# optional and the repeats possessive, so that hostile text takes linear time.
_TRAILING_COMMA: Final = re.compile(r'("(?:[^"\\]++|\\.)*+"?)|,(\s*+[}\]])', re.DOTALL)


@value_class(frozen=True, slots=True)
class Answer:
    """What an answer came to. `legacy_code` is the body's code where it has one; `legacy_key` the
    public name of the first parameter that a 400 named, where that is known."""

    outcome: Outcome
    legacy_code: str | None = None
    legacy_key: str | None = None
    repairs: tuple[Repair, ...] = ()


class _NotJson(Exception):  # noqa: N818
    """The text is not JSON, or not one JSON text with one meaning."""


class _Contradiction(Exception):  # noqa: N818
    """JSON, but not a documented answer, or several that disagree."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Contradiction
    return found


def _refuse_constant(_: str) -> object:
    raise _NotJson  # NaN and Infinity are not JSON (RFC 8259, section 6)


_DECODER: Final = JSONDecoder(
    object_pairs_hook=_unique, parse_float=Literal, parse_int=Literal, parse_constant=_refuse_constant
)


def _decode(body: bytes) -> tuple[object, bool]:
    """The body as JSON, and whether trailing commas had to be dropped."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise _NotJson from None
    try:
        return _DECODER.decode(text), False
    except (ValueError, RecursionError):
        repaired = _TRAILING_COMMA.sub(lambda match: match[1] or match[2], text)
        if repaired == text:
            raise _NotJson from None
    try:
        return _DECODER.decode(repaired), True
    except (ValueError, RecursionError):
        raise _NotJson from None


@value_class(frozen=True, slots=True)
class _Read:
    code: str
    entries: tuple[dict[str, object], ...]
    data: object
    repairs: tuple[Repair, ...]


def _read(body: bytes) -> _Read:
    tree, has_trailing_comma = _decode(body)
    repairs: list[Repair] = ["trailing_comma"] if has_trailing_comma else []
    if not isinstance(tree, dict):
        raise _Contradiction
    responses = tree.get("responses")
    if isinstance(responses, dict):
        responses = [responses]
        repairs.append("single_object")
    if not isinstance(responses, list) or not responses:
        raise _Contradiction
    codes: set[str] = set()
    for entry in responses:
        code = entry.get("code") if isinstance(entry, dict) else None
        if not isinstance(code, str) or _CODE.fullmatch(code) is None:
            raise _Contradiction
        if isinstance(code, Literal) and "numeric_code" not in repairs:
            repairs.append("numeric_code")
        codes.add(str(code))
    if len(codes) != 1:
        raise _Contradiction
    return _Read(codes.pop(), tuple(responses), tree.get("data"), tuple(repairs))


def read_answer(
    http_status: int,
    body: bytes,
    *,
    is_framed: bool = True,
    is_encoded: bool = False,
    is_pinned: bool = False,
) -> Answer:
    """Classify one complete HTTP answer of at most 64 KiB.

    `is_framed`: whether Content-Length or chunks framed the body (an HTTP 204's body counts only
    then); `is_encoded`: whether it came with a content encoding; `is_pinned`: whether the tenant's
    customer is pinned, so that a fault of it is none of the caller's.
    """
    if is_encoded:
        return _unknown("bad_framing")
    if http_status == 204 and (not body or not is_framed):
        return Answer(requested(None))
    try:
        read = _read(body)
    except _NotJson:
        return _unknown(_http_fault(http_status) or "bad_json")
    except _Contradiction:
        return _unknown(_http_fault(http_status) or "bad_answer")
    return _classify(http_status, read, is_pinned=is_pinned)


def _classify(http_status: int, read: _Read, *, is_pinned: bool) -> Answer:
    code, repairs = read.code, read.repairs
    if http_status == 204:
        repairs = (*repairs, "body_in_204")
    if not _agrees(http_status, code):
        return Answer(unknown(_http_fault(http_status) or "bad_answer"), code, repairs=repairs)
    if code in {"200", "204"}:
        return Answer(requested(_reference(read.data) if code == "200" else None), code, repairs=repairs)
    if code == "400":
        named = _named(read.entries, is_pinned=is_pinned)
        outcome = rejected(Code.INVALID_INPUT, "legacy_400", tuple(p for p, _ in named))
        return Answer(outcome, code, named[0][1] if named else None, repairs)
    outcome = {
        "401": not_placed(Code.UPSTREAM_CREDENTIALS_REJECTED, "legacy_401"),
        "402": not_placed(Code.UPSTREAM_ROLE_FORBIDS, "legacy_402"),
        "403": rejected(Code.RATE_PLAN_FORBIDS, "legacy_403"),
        "500": unknown("legacy_500"),
    }.get(code, unknown("legacy_other"))
    return Answer(outcome, code, repairs=repairs)


def _agrees(http_status: int, code: str) -> bool:
    """Whether the HTTP status lets the body speak: 200 always does, any other must say the same."""
    if http_status == 200 or str(http_status) == code:
        return True
    # Another 2xx does not gainsay a success; 204 and 206 promise other bodies than this one.
    return 200 <= http_status < 300 and http_status not in {204, 206} and code in {"200", "204"}


def _named(entries: tuple[dict[str, object], ...], *, is_pinned: bool) -> list[tuple[str, str]]:
    """The pointer and public name of each parameter that the entries name, each once."""
    found: dict[str, str] = {}
    for entry in entries:
        key = entry.get("key")
        parameter = BY_LEGACY.get(key) if isinstance(key, str) else None
        if parameter is None or (is_pinned and parameter.field == "billing_customer_id"):
            continue
        found[parameter.pointer] = ".".join(parameter.path)
    return list(found.items())


def _reference(data: object) -> Reference | None:
    """The parts of `data` that are sane; None where there is no `data` object at all."""
    if not isinstance(data, dict):
        return None
    machine, server, call_id = data.get("machine"), data.get("server"), data.get("callid")
    return Reference(_machine(machine), _visible(server, numeric=False), _visible(call_id, numeric=True))


def _machine(value: object) -> int | None:
    if isinstance(value, str) and _DIGITS.fullmatch(value) and int(value) <= MAX_MACHINE:
        return int(value)
    return None


def _visible(value: object, *, numeric: bool) -> str | None:
    if not isinstance(value, str) or (isinstance(value, Literal) and not numeric):
        return None
    return str(value) if _VISIBLE.fullmatch(value) else None


def _http_fault(http_status: int) -> ErrorType | None:
    if 300 <= http_status < 400:
        return "redirect"
    return "http_5xx" if http_status >= 500 else None


def _unknown(error_type: ErrorType) -> Answer:
    return Answer(unknown(error_type))
