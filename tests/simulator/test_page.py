"""The simulator checks every parameter as the vendor's page has it."""

import re

import pytest

from gateway.simulator.page import PARAMETERS

from .conftest import CREDENTIALS, PATH, playing, written

# The page's table, row by row as it stands there: name, type, description, required, default.
PAGE = """\
auth_username String Authentication username. Yes
auth_password String Authentication password. Yes
stype String “phone” to make first call to a telephone line, empty string to make first call to a number. Recommended Empty string.
snumber String Telephone line or number to make first call to. Yes
ctype String Destination type to forward call to when first call is answered. Recommended Empty string.
cnumber String Number to forward call to when first call is answered. Yes
cdialplan String Dialplan of the number to forward to. Currently only “auto” is supported, to convert number to snumber’s dialplan. No
card String Card to bill call to. Empty string for none. If in another customer, the customer must also be set. No Empty string.
customer Integer Customer to make call as. No Customer of authentication user.
answer1 Integer 1 to request first call auto-answers, 0 not to. No 0
answer2 Integer 1 to request second call auto-answers, 0 not to. No 0
callerid1 String Callerid on first call. No Empty string.
callerid2 String Callerid on second call. No Empty string.
recordgroup Integer ID of record group to record call. 0 for none. No 0
screen1 Integer 1 to set call screening on first call, 0 not to. No 0
screen2 Integer 1 to set call screening on second call, 0 not to. No 0
warn1 Integer 1 to play cutoff warning on first call, 0 not to. No 1
warn2 Integer 1 to play cutoff warning on second call, 0 not to. No 1
delay Integer Wait this number of seconds before making the call. No 0
wait Integer Wait this number of second after submitting the API request for the call to made, and return the call machine, server and callid if known. 0 to disable. No 0
noforwards Integer 1 to prevent call forwards within VProvider on no answer, 0 not to. No 0
"""  # noqa: E501  # verbatim

ROW = re.compile(
    r"(?P<name>\w+) (?P<type>String|Integer) .*?\. (?P<required>Yes|No|Recommended)(?: (?P<default>.+))?"
)
SWITCHES = ("answer1", "answer2", "screen1", "screen2", "warn1", "warn2", "noforwards")


def test_the_table_is_the_pages():
    """Names, order, types, what is required and the defaults are those of the vendor's page."""
    rows = [ROW.fullmatch(line) for line in PAGE.splitlines()]
    expected = [(row["name"], row["type"], row["required"] == "Yes", row["default"]) for row in rows]
    words = {"": "Empty string.", None: None}
    assert expected == [
        (
            row.name,
            row.type,
            row.required,
            # The one default that is no value.
            "Customer of authentication user."
            if row.name == "customer"
            else words.get(row.default, row.default),
        )
        for row in PARAMETERS
    ]


@pytest.mark.parametrize(
    ("params", "keys"),
    [
        ({"snumber": ""}, ["snumber"]),
        ({"cnumber": ""}, ["cnumber"]),
        ({"stype": "line"}, ["stype"]),
        ({"cdialplan": "manual"}, ["cdialplan"]),
        ({"cdialplan": ""}, ["cdialplan"]),
        *(({name: "2"}, [name]) for name in SWITCHES),
        *(({name: "true"}, [name]) for name in SWITCHES),
        *(({name: ""}, [name]) for name in ("answer1", "customer", "recordgroup", "delay", "wait")),
        *(
            ({name: text}, [name])
            for name in ("customer", "recordgroup")
            for text in ("-1", "1.0", "x", "+1")
        ),
        ({"wait": "2147483648"}, ["wait"]),
        ({"wait": "99999999999"}, ["wait"]),
        ({"wait": "\u0663"}, ["wait"]),
        ({"delay": "-1", "wait": "1"}, ["delay"]),
        ({"delay": "5", "wait": "5"}, ["wait"]),
        ({"delay": "6", "wait": "5"}, ["wait"]),
        ({"cnumber": "", "warn1": "7", "stype": "x"}, ["stype", "cnumber", "warn1"]),
        ({"auth_username": ""}, ["auth_username"]),
        ({"auth_password": "", "wait": "x"}, ["auth_password"]),
    ],
)
def test_a_faulty_parameter_is_a_400_that_names_it(simulator, params, keys):
    """Each fault is an entry with code 400, its key and a message; an unknown caller hears of no other."""
    heard = simulator.call(**params)
    assert heard.status == 200
    assert heard.codes() == [("400", key) for key in keys]
    assert b'"message":""' not in heard.body


@pytest.mark.parametrize("name", ["auth_username", "auth_password", "snumber", "cnumber"])
def test_a_required_parameter_that_is_absent_is_a_400(simulator, name):
    """Absent is the same as empty for what the page requires."""
    params = {**CREDENTIALS, "snumber": "101", "cnumber": "102"}
    del params[name]
    assert simulator.say("GET", f"{PATH}?{written(params)}").codes() == [("400", name)]


@pytest.mark.parametrize(
    "params",
    [
        {"stype": "", "ctype": "", "card": "", "callerid1": "", "callerid2": ""},
        {"stype": "phone", "ctype": "phone", "cdialplan": "auto", "card": "c-1", "customer": "42"},
        dict.fromkeys(SWITCHES, "0"),
        dict.fromkeys(SWITCHES, "1"),
        {"recordgroup": "0", "customer": "2147483647", "delay": "5"},
        {"callerid1": "Caf\u00e9 +1", "callerid2": "x;y&z=1"},
        {"unheard_of": "1"},
        {"delay": "5", "wait": "0"},
    ],
)
def test_what_the_page_allows_is_requested(simulator, params):
    """Every documented value passes, and a parameter that the page does not know is ignored."""
    heard = simulator.call(**params)
    assert (heard.status, heard.codes()) == (200, [("204", "")])


def test_a_wait_longer_than_the_delay_is_requested(simulator):
    """With both set, the wait has to be the greater one and then all is well."""
    assert simulator.call(delay="5", wait="6").codes() == [("200", "")]


@pytest.mark.parametrize(
    "query",
    [
        "auth_username=user;auth_password=password;stype=phone;snumber=1234567;cnumber=1234568",
        "auth_username=user;auth_password=password;stype=phone;snumber=1234567;cnumber=2125551234",
        "auth_username=user;auth_password=password;stype=;snumber=2125551234;cnumber=100",
        "auth_username=user;auth_password=password;stype=phone;snumber=1234567;cnumber=2125551234;wait=5",
    ],
)
def test_the_pages_examples_get_the_pages_answers(simulator, query):
    """Each example of the page, pasted as it is, is answered as the page shows."""
    heard = simulator.say("GET", f"{PATH}?{query}")
    assert heard.codes() == [("200" if "wait" in query else "204", "")]
    assert (b'"data"' in heard.body) == ("wait" in query)


@pytest.mark.parametrize(
    "pair", [("user", "wrong"), ("other", "password"), ("User", "password"), ("user", "x" * 99)]
)
def test_a_wrong_pair_is_a_401(simulator, pair):
    """Neither half alone, nor another spelling, lets anybody in; and the parameters are not looked at."""
    heard = simulator.call(auth_username=pair[0], auth_password=pair[1], wait="x")
    assert (heard.status, heard.codes()) == (200, [("401", "")])


def test_the_last_of_a_repeated_parameter_counts(simulator):
    """A name that comes twice means its last value, so a smuggled one is seen to work."""
    query = written({**CREDENTIALS, "snumber": "101", "cnumber": "5550401"}) + ";cnumber=5550403"
    assert simulator.say("GET", f"{PATH}?{query}").codes() == [("403", "")]


def test_several_users_each_have_their_own_password():
    """Any of the pairs given is known, crossed pairs and the default one are not."""
    users = (("crm", "p;w&1=%+ "), ("caf\u00e9", "\u2713"))
    with playing(users=users) as simulator:
        for username, password in users:
            assert simulator.call(auth_username=username, auth_password=password).codes() == [("204", "")]
        assert simulator.call(auth_username="crm", auth_password="\u2713").codes() == [("401", "")]
        assert simulator.call().codes() == [("401", "")]


@pytest.mark.parametrize(("role", "code"), [("actions", "204"), ("panel", "204"), ("none", "402")])
def test_the_role_decides_whether_calls_are_allowed(role, code):
    """The page's two roles may call; without one it is 402, but only for a caller who is known."""
    with playing(role=role) as simulator:
        assert simulator.call().codes() == [(code, "")]
        assert simulator.call(auth_password="wrong").codes() == [("401", "")]
