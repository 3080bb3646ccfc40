"""Everything else a tenant may or may not ask for: each right by itself, and all refusals together."""

from dataclasses import fields, replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call import CallRequest
from gateway.errors import Code
from gateway.policy import OPTIONS, PRECEDENCE
from tests.policy.model import a_policy

PLAIN = CallRequest("1", "2")
OPEN = {"allow": ["*"], "lines": ["*"], "presented_caller_ids": ["*"]}

# (what is asked, the right that it needs, the pointer of its refusal)
ASKED = {
    "caller auto-answer": ({"caller_auto_answer": True}, {"options": {"autoAnswer"}}, "/caller/autoAnswer"),
    "callee auto-answer": ({"callee_auto_answer": True}, {"options": {"autoAnswer"}}, "/callee/autoAnswer"),
    "caller screening": ({"caller_screening": True}, {"options": {"screening"}}, "/caller/screening"),
    "callee screening": ({"callee_screening": True}, {"options": {"screening"}}, "/callee/screening"),
    "no forwards": (
        {"suppress_forwarding": True},
        {"options": {"suppressForwarding"}},
        "/suppressForwarding",
    ),
    "callee type": ({"callee_type": "phone"}, {"options": {"calleeType"}}, "/callee/type"),
    "long wait": ({"wait_seconds": 31}, {"max_wait_seconds": 31}, "/waitSeconds"),
    "long delay": ({"delay_seconds": 61}, {"max_delay_seconds": 61}, "/delaySeconds"),
    "recording": ({"recording_group_id": 7}, {"recording_groups": {7}}, "/recordingGroupId"),
    "card": ({"billing_card": "c"}, {"cards": {"c"}}, "/billing/card"),
    "customer": ({"billing_customer_id": 5}, {"customers": {5}}, "/billing/customerId"),
}

NEEDS_NO_RIGHT = {
    "caller_cutoff_warning",
    "callee_cutoff_warning",
    "callee_dial_plan",
    "client_reference",
    "dry_run",
}
"""What every tenant may ask for."""
OTHERWISE_JUDGED = {"caller_number", "callee_number", "caller_type"} | {
    f"{party}_presented_caller_id" for party in ("caller", "callee")
}


def test_every_parameter_is_judged_or_known_to_be_free():
    """A new parameter can't be open to every tenant because nobody thought of it."""
    options = {name for asked, _, _ in ASKED.values() for name in asked}
    assert options | NEEDS_NO_RIGHT | OTHERWISE_JUDGED == {field.name for field in fields(CallRequest)}
    free = {name: "AUTO" if name == "callee_dial_plan" else True for name in NEEDS_NO_RIGHT}
    assert a_policy(**OPEN).judge(replace(PLAIN, **free))[0] == ()


@pytest.mark.parametrize("case", ASKED)
def test_an_option_needs_its_own_right(case):
    """Refused without the right, allowed with it, and no other right helps."""
    asked, right, pointer = ASKED[case]
    call = replace(PLAIN, **asked)
    (problem,) = a_policy(**OPEN).judge(call)[0]
    assert (problem.pointer, problem.code) == (pointer, Code.OPTION_NOT_ALLOWED)
    assert a_policy(**OPEN, **right).judge(call)[0] == ()
    others = set(OPTIONS) - set(right.get("options", ()))
    others_only = {"recording_groups": {8}, "cards": {"d"}, "customers": {6}, "options": others}
    assert len(a_policy(**OPEN, **others_only).judge(call)[0]) == 1


@pytest.mark.parametrize("case", ["caller", "callee"])
def test_a_presented_caller_id_must_be_listed(case):
    """Another caller ID than the listed ones is refused; the patterns are the same as for numbers."""
    call = replace(PLAIN, **{f"{case}_presented_caller_id": "+1 212"})
    refused = a_policy(allow=["*"], presented_caller_ids=["+1 213*"]).judge(call)[0]
    assert [(p.pointer, p.code) for p in refused] == [
        (f"/{case}/presentedCallerId", Code.CALLER_ID_NOT_ALLOWED)
    ]
    assert a_policy(allow=["*"], presented_caller_ids=["+1 21*"]).judge(call)[0] == ()


def test_lines_judge_callers_of_type_line_and_nobody_else():
    """A LINE is judged by `lines`, a NUMBER by `destinations`; the callee always by `destinations`."""
    policy = a_policy(allow=["2"], lines=["desk*"])
    assert policy.judge(CallRequest("desk-1", "2", caller_type="LINE"))[0] == ()
    assert [p.pointer for p in policy.judge(CallRequest("desk-1", "2"))[0]] == ["/caller/number"]
    assert [p.pointer for p in policy.judge(CallRequest("2", "desk-1", caller_type="LINE"))[0]] == [
        "/caller/number",
        "/callee/number",
    ]


def test_a_lone_star_allows_every_line_and_caller_id():
    """The least specific pattern is one all the same."""
    call = CallRequest("desk-1", "2", caller_type="LINE", caller_presented_caller_id="+1 212")
    assert a_policy(**OPEN).judge(call)[0] == ()


def test_what_is_not_asked_needs_no_right():
    """Defaults written out are no options."""
    assert a_policy(**OPEN, max_wait_seconds=0, max_delay_seconds=0).judge(PLAIN)[0] == ()


@pytest.mark.parametrize(("asked", "may"), [(None, True), (42, True), (5, False), (43, False)])
def test_a_pinned_customer_allows_itself_alone(asked, may):
    """With a pinned customer any other id is refused, even one that is listed."""
    policy = a_policy(**OPEN, customer=42, customers={5, 43})
    assert (policy.judge(replace(PLAIN, billing_customer_id=asked))[0] == ()) is may


@given(st.sets(st.sampled_from(sorted(ASKED)), max_size=len(ASKED)), st.booleans(), st.booleans())
def test_every_refusal_is_told_the_gravest_first(cases, bad_number, bad_caller_id):
    """All problems of a call are there, each once, in the order of the codes."""
    call = PLAIN
    for case in cases:
        call = replace(call, **ASKED[case][0])
    if bad_number:
        call = replace(call, callee_number="3")
    if bad_caller_id:
        call = replace(call, caller_presented_caller_id="x")
    problems = a_policy(allow=["1", "2"], presented_caller_ids=[]).judge(call)[0]
    expected = {ASKED[case][2] for case in cases}
    expected |= {"/callee/number"} if bad_number else set()
    expected |= {"/caller/presentedCallerId"} if bad_caller_id else set()
    assert {p.pointer for p in problems} == expected
    assert len(problems) == len(expected)
    ranks = [PRECEDENCE.index(p.code) for p in problems]
    assert ranks == sorted(ranks)


def _needs(option: str) -> str:
    return f"needs the option `{option}`, which this tenant does not have"


def test_every_refusal_says_why():
    """Each problem names its field and says in words what the tenant lacks."""
    call = PLAIN
    for asked, _, _ in ASKED.values():
        call = replace(call, **asked)
    call = replace(call, caller_presented_caller_id="x", callee_presented_caller_id="x")
    assert {p.pointer: p.detail for p in a_policy().judge(call)[0]} == {
        "/caller/number": "is not a destination this tenant may dial",
        "/callee/number": "is not a destination this tenant may dial",
        "/caller/presentedCallerId": "is not a caller ID this tenant may present",
        "/callee/presentedCallerId": "is not a caller ID this tenant may present",
        "/caller/autoAnswer": _needs("autoAnswer"),
        "/callee/autoAnswer": _needs("autoAnswer"),
        "/caller/screening": _needs("screening"),
        "/callee/screening": _needs("screening"),
        "/suppressForwarding": _needs("suppressForwarding"),
        "/callee/type": _needs("calleeType"),
        "/waitSeconds": "must be at most 30 for this tenant",
        "/delaySeconds": "must be at most 60 for this tenant",
        "/recordingGroupId": "is not a recording group this tenant may use",
        "/billing/card": "is not a card this tenant may bill",
        "/billing/customerId": "is not a customer this tenant may call as",
    }
    (problem,) = a_policy(allow=["*"]).judge(replace(PLAIN, caller_type="LINE"))[0]
    assert problem.detail == "is not a line this tenant may call from"


def test_the_order_of_codes():
    """Destination before caller ID before options, whichever two meet."""
    asked = {
        Code.DESTINATION_NOT_ALLOWED: {"callee_number": "3"},
        Code.CALLER_ID_NOT_ALLOWED: {"callee_presented_caller_id": "x"},
        Code.OPTION_NOT_ALLOWED: {"caller_auto_answer": True},
    }
    for first, second in combinations(asked, 2):
        problems = a_policy(allow=["1", "2"]).judge(replace(PLAIN, **asked[second], **asked[first]))[0]
        assert [p.code for p in problems] == [first, second]


LISTED = {"recording_groups": {7}, "cards": {"c"}, "customers": {5}, "options": set(OPTIONS)}
EVERYTHING = {
    "caller_auto_answer": True,
    "callee_auto_answer": True,
    "suppress_forwarding": True,
    "callee_type": "phone",
    "wait_seconds": 31,
    "delay_seconds": 61,
    "recording_group_id": 7,
    "billing_card": "c",
    "billing_customer_id": 5,
}


def test_every_refusal_names_its_rule():
    """Each problem has the key that decided, and what it says; none has a value of the client's."""
    call = replace(PLAIN, **EVERYTHING, callee_screening=True, caller_presented_caller_id="x")
    assert [p.rule for p in a_policy(allow=["1"]).judge(call)[0]] == [
        "allow: nothing matches",
        "ids: nothing matches",
        "policy.options: autoAnswer not listed",
        "policy.options: autoAnswer not listed",
        "policy.options: screening not listed",
        "policy.options: suppressForwarding not listed",
        "policy.options: calleeType not listed",
        "policy.max_wait_seconds: 30",
        "policy.max_delay_seconds: 60",
        "policy.recording_groups: not listed",
        "policy.cards: not listed",
        "policy.customers: not listed",
    ]
    nothing = "nothing matches"
    assert [p.rule for p in a_policy().judge(PLAIN)[0]] == [f"allow: {nothing}"] * 2
    line = replace(PLAIN, caller_type="LINE")
    assert [p.rule for p in a_policy().judge(line)[0]] == [f"lines: {nothing}", f"allow: {nothing}"]
    (problem,) = a_policy(**OPEN, customer=42).judge(replace(PLAIN, billing_customer_id=5))[0]
    assert problem.rule == "customer: 42"


def test_what_is_granted_names_its_rules_once():
    """The caller's pattern, the callee's where it is another, then the rest of what was asked for; a bound
    that was kept grants nothing."""
    policy = a_policy(allow=["1*", "2*"], lines=["d*"], presented_caller_ids=["x*"], customer=None, **LISTED)
    assert policy.judge(CallRequest("1", "2")) == ((), ("allow: 1*", "allow: 2*"))
    assert policy.judge(CallRequest("1", "11"))[1] == ("allow: 1*",)
    assert policy.judge(CallRequest("d", "2", caller_type="LINE"))[1] == ("lines: d*", "allow: 2*")
    shown = {"caller_presented_caller_id": "x1", "callee_presented_caller_id": "x2"}
    asked = {**EVERYTHING, "wait_seconds": 30, "delay_seconds": 20, "callee_screening": True, **shown}
    assert policy.judge(replace(PLAIN, **asked)) == (
        (),
        (
            "allow: 1*",
            "allow: 2*",
            "ids: x*",
            "policy.options: autoAnswer",
            "policy.options: screening",
            "policy.options: suppressForwarding",
            "policy.options: calleeType",
            "policy.recording_groups: listed",
            "policy.cards: listed",
            "policy.customers: listed",
        ),
    )
    pinned = a_policy(**OPEN, customer=42)
    assert pinned.judge(replace(PLAIN, billing_customer_id=42))[1] == ("allow: *", "customer: 42")
