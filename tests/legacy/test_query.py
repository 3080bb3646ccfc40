"""The legacy query: what the vendor's page writes, and that no value can break out of its parameter."""

from dataclasses import fields, replace
from itertools import product
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call import PARAMETERS, CallRequest
from gateway.legacy import Dialect, parameters_text, upstream_request, with_credentials
from gateway.settings.credentials import Pair
from gateway.simulator.page import PARAMETERS as PAGE
from gateway.simulator.query import pairs

USER = Pair("user", "password")
LINE = CallRequest(caller_number="1234567", callee_number="1234568", caller_type="LINE")

# The page's four example URLs; `ctype` stands where the page's table of parameters has it.
EXAMPLES = {
    "line to line": (
        LINE,
        "auth_username=user;auth_password=password;stype=phone;snumber=1234567;ctype=;cnumber=1234568",
    ),
    "line to an external number": (
        replace(LINE, callee_number="2125551234"),
        "auth_username=user;auth_password=password;stype=phone;snumber=1234567;ctype=;cnumber=2125551234",
    ),
    "external number to a feature code": (
        CallRequest(caller_number="2125551234", callee_number="100"),
        "auth_username=user;auth_password=password;stype=;snumber=2125551234;ctype=;cnumber=100",
    ),
    "with wait": (
        replace(LINE, callee_number="2125551234", wait_seconds=5),
        "auth_username=user;auth_password=password;stype=phone;snumber=1234567;ctype=;cnumber=2125551234;wait=5",
    ),
}

EVERYTHING = CallRequest(
    caller_number="*1+2#",
    callee_number="queue.7_a-b",
    caller_type="LINE",
    callee_type="phone",
    callee_dial_plan="AUTO",
    billing_card="card-1",
    billing_customer_id=42,
    caller_auto_answer=True,
    callee_auto_answer=True,
    caller_presented_caller_id="A B",
    callee_presented_caller_id="+1 212",
    recording_group_id=7,
    caller_screening=True,
    callee_screening=True,
    caller_cutoff_warning=False,
    callee_cutoff_warning=False,
    delay_seconds=3,
    wait_seconds=9,
    suppress_forwarding=True,
    client_reference="never sent",
    dry_run=True,
)


def query(call: CallRequest, joint: str = ";", pair: Pair = USER, customer: int | None = None) -> bytes:
    return with_credentials(pair, parameters_text(call, customer, joint), joint)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_page_examples_are_written_as_the_page_writes_them(example):
    """The four example URLs come out letter for letter, with the `ctype` that is always sent."""
    call, expected = EXAMPLES[example]
    assert query(call).decode() == expected
    assert query(call, "&").decode() == expected.replace(";", "&")


def test_every_parameter_is_sent_in_the_order_of_the_page():
    """All parameters at once, each under the page's name, in the page's order, decoded by the witness."""
    sent = pairs(query(EVERYTHING))
    assert [name for name, _ in sent] == [row.name for row in PAGE]
    assert dict(sent) == {
        "auth_username": "user",
        "auth_password": "password",
        "stype": "phone",
        "snumber": "*1+2#",
        "ctype": "phone",
        "cnumber": "queue.7_a-b",
        "cdialplan": "auto",
        "card": "card-1",
        "customer": "42",
        "answer1": "1",
        "answer2": "1",
        "callerid1": "A B",
        "callerid2": "+1 212",
        "recordgroup": "7",
        "screen1": "1",
        "screen2": "1",
        "warn1": "0",
        "warn2": "0",
        "delay": "3",
        "wait": "9",
        "noforwards": "1",
    }


def test_every_parameter_is_everything():
    """`EVERYTHING` leaves nothing at its default, so a new parameter must be written down here."""
    plain = CallRequest(caller_number="", callee_number="")
    assert not [f.name for f in fields(CallRequest) if getattr(EVERYTHING, f.name) == getattr(plain, f.name)]


@pytest.mark.parametrize("parameter", [p for p in PARAMETERS if p.legacy], ids=lambda p: p.legacy)
def test_a_parameter_at_its_default_is_left_out(parameter):
    """Only `stype`, `ctype` and the two numbers are there when nothing else is asked for."""
    names = [name for name, _ in pairs(query(CallRequest(caller_number="1", callee_number="2")))]
    assert (parameter.legacy in names) is (parameter.legacy in {"stype", "snumber", "ctype", "cnumber"})


def test_a_pinned_customer_is_always_sent_and_instead_of_any_other():
    """The tenant's pinned customer stands in its place in the page's order whatever the call says."""
    for asked in (None, 7):
        sent = pairs(query(replace(LINE, billing_customer_id=asked), customer=42))
        assert [value for name, value in sent if name == "customer"] == ["42"]
        assert [name for name, _ in sent].index("customer") == 6


@pytest.mark.parametrize(
    ("dialect", "shown"),
    [
        (Dialect("/api/json"), ("GET", "/api/json/calls/make/", ";", None)),
        (Dialect("/local/api/json/", "GET", "&"), ("GET", "/local/api/json/calls/make/", "&", None)),
        (Dialect("", "POST", ";"), ("POST", "/calls/make/", None, "&")),
    ],
    ids=["get", "ampersand", "post"],
)
def test_a_dry_run_shows_each_dialect_with_credentials_redacted(dialect, shown):
    """Method, path, and query or body as they would be sent; a POST body uses `&` whatever the setting."""
    method, path, query_joint, body_joint = shown
    text = "auth_username=REDACTED;auth_password=REDACTED;stype=phone;snumber=1234567;ctype=;cnumber=1234568"
    request = upstream_request(dialect, LINE, None)
    assert (request.method, request.path) == (method, path)
    assert request.query == (None if query_joint is None else text.replace(";", query_joint))
    assert request.body == (None if body_joint is None else text.replace(";", body_joint))


def test_a_dialect_is_the_pages_own_where_nobody_says_otherwise():
    """GET, with semicolons."""
    assert Dialect("/api/json") == Dialect("/api/json", "GET", ";")


def test_a_dry_run_shows_the_pinned_customer():
    """What is shown is what would be sent, the tenant's own customer included."""
    shown = upstream_request(Dialect("/api/json"), replace(LINE, billing_customer_id=7), 42)
    assert shown.query is not None
    assert shown.query.endswith(";cnumber=1234568;customer=42")


HOSTILE = st.one_of(st.text(), st.text(alphabet=";&=%+#?/ \r\n\0\"'ab10ä€😀\u2028"))
SENT_TEXTS = (
    "caller_number",
    "callee_number",
    "callee_type",
    "billing_card",
    "caller_presented_caller_id",
    "callee_presented_caller_id",
)


@given(
    texts=st.fixed_dictionaries(dict.fromkeys(SENT_TEXTS, HOSTILE)),
    username=HOSTILE,
    password=HOSTILE,
    reference=HOSTILE,
    joint=st.sampled_from([";", "&"]),
)
def test_the_witness_reads_back_any_text_exactly(texts, username, password, reference, joint):
    """Whatever the values hold, the simulator's own parser sees exactly the parameters that were asked
    for: none added, hidden or changed. Encoding alone does that; validation comes before and is not here."""
    call = CallRequest(**texts, client_reference=reference)
    raw = query(call, joint, Pair(username, password))
    assert pairs(raw) == (
        ("auth_username", username),
        ("auth_password", password),
        ("stype", ""),
        ("snumber", texts["caller_number"]),
        ("ctype", texts["callee_type"]),
        ("cnumber", texts["callee_number"]),
        ("card", texts["billing_card"]),
        ("callerid1", texts["caller_presented_caller_id"]),
        ("callerid2", texts["callee_presented_caller_id"]),
    )


@given(text=HOSTILE)
def test_only_unreserved_characters_stand_unencoded(text):
    """Everything but A-Z a-z 0-9 - . _ ~ is percent-encoded UTF-8 with capital digits (RFC 3986, 2.1)."""
    raw = parameters_text(replace(LINE, billing_card=text or "x"), None, ";").encode("ascii")
    value = raw.partition(b"card=")[2]
    unreserved = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    rest = value
    while rest:
        if rest[:1] == b"%":
            assert rest[1:3] == rest[1:3].upper()
            assert bytes([int(rest[1:3], 16)]) not in [bytes([c]) for c in unreserved]
            rest = rest[3:]
        else:
            assert rest[0] in unreserved
            rest = rest[1:]
    assert unquote_to_bytes(value) == (text or "x").encode()


SWITCHES = [f.name for f in fields(CallRequest) if f.type is bool and f.name != "dry_run"]


def test_no_switch_changes_another_parameter():
    """Each combination of the seven switches sends exactly those that differ from the default."""
    legacy = {p.field: p for p in PARAMETERS}
    plain = dict(pairs(query(LINE)))
    assert len(SWITCHES) == 7
    for values in product([False, True], repeat=len(SWITCHES)):
        asked = dict(zip(SWITCHES, values, strict=True))
        expected = {
            legacy[name].legacy: "1" if value else "0"
            for name, value in asked.items()
            if value is not legacy[name].default
        }
        assert dict(pairs(query(replace(LINE, **asked)))) == {**plain, **expected}
