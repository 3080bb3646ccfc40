"""Reading the upstream's answer: read liberally, classified strictly, never guessed."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call import Reference, Status
from gateway.errors import Code
from gateway.legacy import read_answer

WHOLE = {"machine": 1, "server": "asterisk01", "callid": "1234567890.123456"}
REFERENCE = Reference(1, "asterisk01", "1234567890.123456")
NOTHING = Reference(None, None, None)

# The page's last example, straight quotes, with the comma before the last brace that the page has.
PAGE_SAMPLE = (
    b'{ "responses":[ { "code":"200", "key":"", "message":"OK" } ], '
    b'"data":{ "machine":1, "server":"asterisk01", "callid":"1234567890.123456" }, }'
)


def said(*codes: object, key: str = "", **more: object) -> bytes:
    entries = [{"code": code, "key": key, "message": "OK"} for code in codes]
    return json.dumps({"responses": entries, **more}).encode()


def entries(*keyed: tuple[str, str]) -> bytes:
    return json.dumps({"responses": [{"code": code, "key": key} for code, key in keyed]}).encode()


# (case, HTTP status, body) -> (status, REST status, code, error type)
REQUESTED_201 = (Status.REQUESTED, 201, None, None)
REQUESTED_202 = (Status.REQUESTED, 202, None, None)
UNKNOWN = Code.OUTCOME_UNKNOWN


def unknown(error_type: str) -> tuple:
    return (Status.UNKNOWN, 502, UNKNOWN, error_type)


BAD_JSON, BAD_ANSWER = unknown("bad_json"), unknown("bad_answer")
REJECTED_400 = (Status.REJECTED, 422, Code.INVALID_INPUT, "legacy_400")
REFUSED_401 = (Status.NOT_PLACED, 502, Code.UPSTREAM_CREDENTIALS_REJECTED, "legacy_401")
REFUSED_402 = (Status.NOT_PLACED, 502, Code.UPSTREAM_ROLE_FORBIDS, "legacy_402")
REFUSED_403 = (Status.REJECTED, 403, Code.RATE_PLAN_FORBIDS, "legacy_403")

ROWS = {
    # body 200
    "200 with data": (200, said("200", data=WHOLE), REQUESTED_201),
    "200 without data": (200, said("200"), REQUESTED_202),
    "200 with null data": (200, said("200", data=None), REQUESTED_202),
    "200 with empty data": (200, said("200", data={}), REQUESTED_202),
    "200 with a list as data": (200, said("200", data=[]), REQUESTED_202),
    "200 with data without machine": (200, said("200", data={**WHOLE, "machine": None}), REQUESTED_202),
    "several entries, all 200": (200, said("200", "200", data=WHOLE), REQUESTED_201),
    # body 204
    "204": (200, said("204"), REQUESTED_202),
    "204 with data": (200, said("204", data=WHOLE), REQUESTED_202),
    "204 and nothing else": (200, b'{"responses":[{"code":"204"}]}', REQUESTED_202),
    "HTTP 204 and empty": (204, b"", REQUESTED_202),
    "HTTP 204 that the body agrees with": (204, said("204"), REQUESTED_202),
    "HTTP 204 that the body gainsays": (204, said("400"), unknown("bad_answer")),
    "HTTP 204 with a body 401": (204, said("401"), unknown("bad_answer")),
    "HTTP 204 with a body that is not JSON": (204, b"<html>", BAD_JSON),
    "HTTP 204 with a body 200": (204, said("200", data=WHOLE), unknown("bad_answer")),
    # other HTTP successes let a body's success speak, and nothing else; 206 is a part of something
    "HTTP 201 with a body 200": (201, said("200", data=WHOLE), REQUESTED_201),
    "HTTP 202 with a body 204": (202, said("204"), REQUESTED_202),
    "HTTP 205 with a body 204": (205, said("204"), REQUESTED_202),
    "HTTP 207 with a body 200": (207, said("200", data=WHOLE), REQUESTED_201),
    "HTTP 299 with a body 204": (299, said("204"), REQUESTED_202),
    "HTTP 206 with a body 200": (206, said("200", data=WHOLE), BAD_ANSWER),
    "HTTP 201 with a body 401": (201, said("401"), BAD_ANSWER),
    "HTTP 201 with a body 400": (201, said("400", key="cnumber"), BAD_ANSWER),
    "HTTP 300 with a body 204": (300, said("204"), unknown("redirect")),
    "HTTP 399 with a body 204": (399, said("204"), unknown("redirect")),
    # refusals
    "400": (200, said("400", key="cnumber"), REJECTED_400),
    "HTTP 400 that agrees": (400, said("400", key="cnumber"), REJECTED_400),
    "401": (200, said("401"), REFUSED_401),
    "HTTP 401 that agrees": (401, said("401"), REFUSED_401),
    "402": (200, said("402"), REFUSED_402),
    "HTTP 402 that agrees": (402, said("402"), REFUSED_402),
    "403": (200, said("403"), REFUSED_403),
    "HTTP 403 that agrees": (403, said("403"), REFUSED_403),
    "several entries, all 403": (200, said("403", "403"), REFUSED_403),
    # contradictions
    "entries of different codes": (200, said("200", "400", data=WHOLE), BAD_ANSWER),
    "204 and 200 together": (200, said("204", "200"), BAD_ANSWER),
    "401 and 400 together": (200, said("401", "400"), BAD_ANSWER),
    "body 404": (200, said("404"), unknown("legacy_other")),
    "body 500": (200, said("500"), unknown("legacy_500")),
    "body 299": (200, said("299"), unknown("legacy_other")),
    "body 299 under HTTP 299": (299, said("299"), unknown("legacy_other")),
    "HTTP 500 with a body 204": (500, said("204"), unknown("http_5xx")),
    "HTTP 500 with a body 400": (500, said("400"), unknown("http_5xx")),
    "HTTP 500 with a body 401": (500, said("401"), unknown("http_5xx")),
    "HTTP 500 that agrees": (500, said("500"), unknown("legacy_500")),
    "HTTP 403 with a body 401": (403, said("401"), BAD_ANSWER),
    "HTTP 401 with a body 204": (401, said("204"), BAD_ANSWER),
    "HTTP 400 with a body 200": (400, said("200", data=WHOLE), BAD_ANSWER),
    "HTTP 404 with a body 400": (404, said("400"), BAD_ANSWER),
    "HTTP 404 and HTML": (404, b"<html>not found</html>", BAD_JSON),
    "HTTP 401 and HTML": (401, b"<html>log in</html>", BAD_JSON),
    "HTTP 500 and HTML": (500, b"<html>oh</html>", unknown("http_5xx")),
    "HTTP 302 with a body 204": (302, said("204"), unknown("redirect")),
    "HTTP 301 and HTML": (301, b"<html>", unknown("redirect")),
    # forms seen in the wild
    "numeric code": (200, said(200, data=WHOLE), REQUESTED_201),
    "numeric 204": (200, said(204), REQUESTED_202),
    "a single object": (200, b'{"responses":{"code":"204","key":""}}', REQUESTED_202),
    "the page's sample": (200, PAGE_SAMPLE, REQUESTED_201),
    "trailing commas everywhere": (200, b'{"responses":[{"code":"204",},],}', REQUESTED_202),
    "trailing comma and a bracket in a string": (
        200,
        b'{"responses":[{"code":"204","message":"a,}\\",]"},],}',
        REQUESTED_202,
    ),
    "unknown members": (200, said("204", extra=[1, {"a": None}], version=1.5), REQUESTED_202),
    # not a documented answer
    "a fractional code": (200, b'{"responses":[{"code":204.0}]}', BAD_ANSWER),
    "a code with a space": (200, said("204 "), BAD_ANSWER),
    "an empty code": (200, said(""), BAD_ANSWER),
    "a code of two digits": (200, said("20"), BAD_ANSWER),
    "a code of other digits": (200, said("\u0662\u0660\u0664"), BAD_ANSWER),
    "a null code": (200, said(None), BAD_ANSWER),
    "true as a code": (200, said(True), BAD_ANSWER),
    "an entry without code": (200, b'{"responses":[{"key":""}]}', BAD_ANSWER),
    "an entry that is no object": (200, b'{"responses":["204"]}', BAD_ANSWER),
    "one good entry and one that is none": (200, b'{"responses":[{"code":"204"},7]}', BAD_ANSWER),
    "no entries": (200, b'{"responses":[]}', BAD_ANSWER),
    "responses null": (200, b'{"responses":null}', BAD_ANSWER),
    "responses true": (200, b'{"responses":true}', BAD_ANSWER),
    "responses a number": (200, b'{"responses":204}', BAD_ANSWER),
    "responses missing": (200, b'{"data":{}}', BAD_ANSWER),
    "a list at the top": (200, b'[{"code":"204"}]', BAD_ANSWER),
    "a string at the top": (200, b'"204"', BAD_ANSWER),
    "duplicate responses": (200, b'{"responses":[{"code":"204"}],"responses":[{"code":"204"}]}', BAD_ANSWER),
    "duplicate codes in an entry": (200, b'{"responses":[{"code":"204","code":"204"}]}', BAD_ANSWER),
    "duplicate keys somewhere deep": (200, b'{"responses":[{"code":"204"}],"x":{"a":1,"a":1}}', BAD_ANSWER),
    "duplicates behind a trailing comma": (
        200,
        b'{"responses":[{"code":"204","code":"400"},],}',
        BAD_ANSWER,
    ),
    "empty": (200, b"", BAD_JSON),
    "only spaces": (200, b"  \r\n", BAD_JSON),
    "truncated": (200, PAGE_SAMPLE[:-40], BAD_JSON),
    "two texts": (200, said("204") + said("204"), BAD_JSON),
    "text behind": (200, said("204") + b"x", BAD_JSON),
    "NaN": (200, b'{"responses":[{"code":"204"}],"x":NaN}', BAD_JSON),
    "not UTF-8": (200, b'{"responses":[{"code":"204","message":"\xff"}]}', BAD_JSON),
    "UTF-16": (200, said("204").decode().encode("utf-16"), BAD_JSON),
    "two trailing commas": (200, b'{"responses":[{"code":"204"}],,}', BAD_JSON),
    "deep nesting": (200, b'{"responses":' + b"[" * 30_000 + b"]" * 30_000 + b"}", BAD_JSON),
    "deep nesting, cut off": (200, b"[" * 65_000, BAD_JSON),
    "deep objects": (200, b'{"a":' * 12_000, BAD_JSON),
}


@pytest.mark.parametrize("case", ROWS)
def test_the_answer_decides(case):
    """Every row of the contract's answer table, and every form that real hosts were seen to use."""
    http_status, body, expected = ROWS[case]
    found = read_answer(http_status, body).outcome
    assert (found.status, found.http_status, found.code, found.error_type) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (WHOLE, REFERENCE),
        ({**WHOLE, "machine": "1"}, REFERENCE),
        ({**WHOLE, "machine": 0}, Reference(0, "asterisk01", "1234567890.123456")),
        ({**WHOLE, "machine": 2**31 - 1}, Reference(2**31 - 1, "asterisk01", "1234567890.123456")),
        ({**WHOLE, "machine": 2**31}, Reference(None, "asterisk01", "1234567890.123456")),
        ({**WHOLE, "machine": -1}, Reference(None, "asterisk01", "1234567890.123456")),
        ({**WHOLE, "machine": 1.5}, Reference(None, "asterisk01", "1234567890.123456")),
        ({**WHOLE, "machine": True}, Reference(None, "asterisk01", "1234567890.123456")),
        ({**WHOLE, "machine": ""}, Reference(None, "asterisk01", "1234567890.123456")),
        ({**WHOLE, "machine": "one"}, Reference(None, "asterisk01", "1234567890.123456")),
        ({**WHOLE, "machine": {}}, Reference(None, "asterisk01", "1234567890.123456")),
        ({**WHOLE, "server": ""}, Reference(1, None, "1234567890.123456")),
        ({**WHOLE, "server": 7}, Reference(1, None, "1234567890.123456")),
        ({**WHOLE, "server": "a b"}, Reference(1, None, "1234567890.123456")),
        ({**WHOLE, "server": "a\r\nb"}, Reference(1, None, "1234567890.123456")),
        ({**WHOLE, "server": "ästerisk"}, Reference(1, None, "1234567890.123456")),
        ({**WHOLE, "server": "x" * 255}, Reference(1, "x" * 255, "1234567890.123456")),
        ({**WHOLE, "server": "x" * 256}, Reference(1, None, "1234567890.123456")),
        ({**WHOLE, "callid": ""}, Reference(1, "asterisk01", None)),
        ({**WHOLE, "callid": None}, Reference(1, "asterisk01", None)),
        ({**WHOLE, "callid": ["1"]}, Reference(1, "asterisk01", None)),
        ({}, NOTHING),
        (None, None),
        ("asterisk01", None),
    ],
)
def test_only_sane_parts_of_a_reference_are_taken(data, expected):
    """A part that is not sane is null; without an object of data there is no reference."""
    answer = read_answer(200, said("200", data=data))
    assert answer.outcome.reference == expected
    whole = expected is not None and expected.is_complete
    assert answer.outcome.http_status == (201 if whole else 202)


@pytest.mark.parametrize("literal", ["1234567890.123456", "1234567890.100000", "17e3", "0.1", "9" * 40])
def test_a_numeric_callid_keeps_its_literal_text(literal):
    """A number in the place of the call id is told as it was written, never as a float."""
    body = b'{"responses":[{"code":"200"}],"data":{"machine":1,"server":"a","callid":%b}}' % literal.encode()
    reference = read_answer(200, body).outcome.reference
    assert reference is not None
    assert reference.call_id == literal
    assert type(reference.call_id) is str


@pytest.mark.parametrize(
    ("keys", "pinned", "pointers", "told"),
    [
        (("cnumber",), False, ("/callee/number",), "callee.number"),
        (("snumber", "callerid2"), False, ("/caller/number", "/callee/presentedCallerId"), "caller.number"),
        (("wait", "wait"), False, ("/waitSeconds",), "waitSeconds"),
        (("auth_password",), False, (), None),
        (("auth_username", "cnumber"), False, ("/callee/number",), "callee.number"),
        (("nonsense", ""), False, (), None),
        (("customer",), False, ("/billing/customerId",), "billing.customerId"),
        (("customer",), True, (), None),
        (("customer", "card"), True, ("/billing/card",), "billing.card"),
    ],
)
def test_a_400_names_public_fields_only(keys, pinned, pointers, told):
    """Every known key becomes our pointer, once; unknown, `auth_*` and pinned keys give none."""
    answer = read_answer(200, entries(*(("400", key) for key in keys)), is_pinned=pinned)
    assert answer.outcome.status is Status.REJECTED
    assert answer.outcome.pointers == pointers
    assert answer.legacy_key == told


def test_a_customer_is_the_callers_own_where_nobody_says_otherwise():
    """A fault of the customer is told to the caller unless the tenant's customer is pinned."""
    assert read_answer(200, said("400", key="customer")).outcome.pointers == ("/billing/customerId",)


@pytest.mark.parametrize("key", [None, 7, ["cnumber"], {}])
def test_a_400_with_a_key_that_is_no_text_is_rejected_without_pointer(key):
    """What `key` holds besides text names no field and changes no outcome."""
    body = json.dumps({"responses": [{"code": "400", "key": key}]}).encode()
    assert read_answer(200, body).outcome.pointers == ()


def test_the_upstream_message_goes_nowhere():
    """Nothing of what the upstream's `message` says is in what is made of its answer."""
    body = json.dumps({"responses": [{"code": "400", "key": "card", "message": "SECRET TEXT"}]}).encode()
    assert "SECRET" not in repr(read_answer(200, body))


def test_a_body_of_an_http_204_counts_only_where_it_was_framed():
    """An unframed body behind a 204 belongs to nobody; a framed one must agree."""
    assert read_answer(204, said("500"), is_framed=False).outcome.status is Status.REQUESTED
    assert read_answer(204, said("500"), is_framed=True).outcome.status is Status.UNKNOWN


def test_a_content_encoding_is_never_read():
    """An encoded answer is unknown even where its bytes would read as a success."""
    found = read_answer(200, said("204"), is_encoded=True).outcome
    assert (found.status, found.error_type) == (Status.UNKNOWN, "bad_framing")


@pytest.mark.parametrize(
    ("status", "body", "repairs"),
    [
        (200, said("204"), ()),
        (200, PAGE_SAMPLE, ("trailing_comma",)),
        (200, b'{"responses":{"code":204}}', ("single_object", "numeric_code")),
        (204, said("204"), ("body_in_204",)),
    ],
)
def test_repairs_are_told(status, body, repairs):
    """What had to be read liberally is counted by its kind."""
    assert read_answer(status, body).repairs == repairs


@pytest.mark.parametrize("http_status", [200, 404])
@pytest.mark.parametrize("code", ["200", "204", "299", "400", "401", "402", "403", "500"])
def test_the_code_and_the_repairs_are_told_whatever_the_answer_comes_to(http_status, code):
    """An operator sees what the body said and how it was read, also where that decides nothing."""
    found = read_answer(http_status, b'{"responses":{"code":%b,},}' % code.encode())
    assert found.legacy_code == code
    assert found.repairs == ("trailing_comma", "single_object", "numeric_code")


def test_a_repair_is_told_once():
    """However many entries needed it."""
    assert read_answer(200, said(204, 204)).repairs == ("numeric_code",)


@pytest.mark.parametrize(
    "text",
    [
        b"," * 65_536,
        b",\t" * 32_768,
        b'{"a":"' + b"\\" * 65_500,
        b'"' * 65_536,
        b'",' * 32_768,
        b", " + b" " * 65_000 + b"x",
        b"[" + b", \n" * 21_000 + b"]",
    ],
    ids=["commas", "commas and tabs", "backslashes", "quotes", "quotes and commas", "spaces", "gaps"],
)
def test_hostile_text_takes_linear_time(text):
    """64 KiB of what a trailing-comma repair could choke on is judged in a blink."""
    started = time.process_time()
    assert read_answer(200, text).outcome.status is Status.UNKNOWN
    assert time.process_time() - started < 0.5


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
CODES = st.sampled_from(["200", "204", "400", "401", "402", "403", "404", "500", "299", 200, 204, 400, None])
ANSWERS = st.fixed_dictionaries(
    {"responses": st.lists(st.fixed_dictionaries({"code": CODES, "key": JSON_VALUES}), max_size=3)},
    optional={"data": JSON_VALUES, "more": JSON_VALUES},
)


def documented(http_status: int, body: bytes) -> set[Status]:
    """What an answer may at most come to: a plain reading of the contract's table with another parser."""
    if http_status == 204 and not body:
        return {Status.REQUESTED}
    try:
        tree = json.loads(body)
        codes = {str(entry["code"]) for entry in tree["responses"]}
    except (ValueError, KeyError, TypeError):
        return {Status.UNKNOWN}
    if len(codes) != 1:
        return {Status.UNKNOWN}
    code = codes.pop()
    if http_status not in {200, int(code) if code.isdigit() else 0} and http_status >= 300:
        return {Status.UNKNOWN}
    promised = {
        "200": Status.REQUESTED,
        "204": Status.REQUESTED,
        "400": Status.REJECTED,
        "401": Status.NOT_PLACED,
        "402": Status.NOT_PLACED,
        "403": Status.REJECTED,
    }
    return {promised.get(code, Status.UNKNOWN), Status.UNKNOWN}


@given(body=st.binary(max_size=400), http_status=st.integers(200, 599))
def test_arbitrary_bytes_are_unknown(body, http_status):
    """Bytes that are no documented answer never raise and never come to anything but unknown."""
    found = read_answer(http_status, body).outcome
    expected = Status.REQUESTED if http_status == 204 and not body else Status.UNKNOWN
    assert found.status is expected


@given(answer=ANSWERS, http_status=st.sampled_from([200, 201, 204, 206, 302, 400, 401, 402, 403, 404, 500]))
def test_an_answer_comes_to_what_the_table_says_or_to_unknown(answer, http_status):
    """Any tree in the shape of an answer is what the table promises; where it promises nothing, unknown."""
    body = json.dumps(answer, allow_nan=True).encode()
    found = read_answer(http_status, body).outcome
    assert found.status in documented(http_status, body)
    if http_status == 200 and "NaN" not in body.decode() and "Infinity" not in body.decode():
        codes = {str(entry["code"]) for entry in answer["responses"]}
        if codes <= {"200", "204"} and len(codes) == 1:
            assert found.status is Status.REQUESTED


@given(cut=st.integers(0, len(PAGE_SAMPLE) - 2), http_status=st.sampled_from([200, 400, 500]))
def test_a_truncated_answer_is_unknown_wherever_it_is_cut(cut, http_status):
    """No beginning of an answer is taken for the answer."""
    assert read_answer(http_status, PAGE_SAMPLE[:cut]).outcome.status is Status.UNKNOWN
