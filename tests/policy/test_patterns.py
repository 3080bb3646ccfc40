"""Patterns and destinations against a naive model of the contract's sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call import CallRequest
from gateway.errors import Code
from gateway.policy import LONGEST_PREFIX, BadPattern, Patterns
from tests.policy.model import a_policy, naive_best, naive_may_dial

TEXTS = st.text(alphabet="01*#+", min_size=1, max_size=6)
LITERALS = st.lists(st.sampled_from(["0", "1", "#", "+", r"\*"]), max_size=5).map("".join)
PATTERNS = st.one_of(LITERALS.filter(bool), LITERALS.map(lambda literal: literal + "*"))
LISTS = st.lists(PATTERNS, max_size=6)


@given(patterns=LISTS, text=TEXTS)
def test_the_longest_literal_that_matches_counts(patterns, text):
    """Specificity is the literal length of the longest matching pattern, none matching is -1."""
    assert Patterns(patterns, "").best(text)[0] == naive_best(patterns, text)


@given(allow=LISTS, deny=LISTS, number=TEXTS)
def test_most_specific_wins_and_deny_wins_ties(allow, deny, number):
    """A number may be dialled exactly where the naive model says so, as callee and as caller."""
    policy = a_policy(allow=allow, deny=deny)
    may = naive_may_dial(allow, deny, number)
    for call in (CallRequest("9" * 9, number), CallRequest(number, "9" * 9)):
        pointer = "/callee/number" if call.callee_number == number else "/caller/number"
        problems = [p for p in policy.judge(call)[0] if p.pointer == pointer]
        assert (problems == []) is may
        assert all(p.code is Code.DESTINATION_NOT_ALLOWED for p in problems)


@given(number=TEXTS)
def test_nothing_is_allowed_by_default(number):
    """Without a word of policy no number and no line may be dialled."""
    assert {p.pointer for p in a_policy().judge(CallRequest(number, number))[0]} == {
        "/caller/number",
        "/callee/number",
    }
    line = CallRequest(number, number, caller_type="LINE")
    assert "/caller/number" in {p.pointer for p in a_policy().judge(line)[0]}


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*", ["1", "*", "#31#", "+1"], []),
        (r"\*", ["*"], ["", "1", "**", "*1"]),
        (r"\**", ["*", "*1", "**", "*72#"], ["1", "1*"]),
        ("100", ["100"], ["1000", "10", "0100"]),
        ("1900*", ["1900", "19001234567"], ["190", "+1900", "01900"]),
        (r"1\*2", ["1*2"], ["12", "112", "1*"]),
        ("+1*", ["+1", "+1212"], ["1212", "001212"]),
        ("1.0", ["1.0"], ["110", "1-0"]),
    ],
)
def test_patterns_are_literal_but_for_the_trailing_star(pattern, matching, others):
    r"""No character but the trailing `*` and `\*` means anything but itself."""
    patterns = Patterns([pattern], "")
    assert [text for text in matching if patterns.best(text)[0] < 0] == []
    assert [text for text in others if patterns.best(text)[0] >= 0] == []


STRAY_BACKSLASH = r"a backslash may only stand before a star: write \* for a literal star"
STRAY_STAR = r"a star may only stand at the end: write \* for a literal star"
EMPTY = 'an empty pattern matches nothing: write "*" for anything'


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("", EMPTY),
        ("1*2", STRAY_STAR),
        ("**", STRAY_STAR),
        (r"\1", STRAY_BACKSLASH),
        ("1\\", STRAY_BACKSLASH),
        (r"\*\\", STRAY_BACKSLASH),
        (r"\\*", STRAY_BACKSLASH),
    ],
)
def test_a_pattern_that_means_nothing_is_refused(pattern, fault):
    """A star in the middle, a stray backslash and an empty pattern are faults, not guesses, and the text
    says what would mean something."""
    with pytest.raises(BadPattern) as refused:
        Patterns([pattern], "")
    assert str(refused.value) == fault


@pytest.mark.parametrize(
    ("allow", "deny", "number", "may"),
    [
        (["*"], ["1900*"], "19005551234", False),
        (["*"], ["1900*"], "1800", True),
        (["*"], [r"\**"], "*72", False),
        (["1212*"], ["1*"], "12125551234", True),
        (["1212*"], ["1*"], "1213", False),
        (["1*"], ["1*"], "1212", False),
        (["12125551234"], ["12125551234*"], "12125551234", False),
        (["*"], ["*"], "1", False),
        ([], ["1*"], "2", False),
        (["*"], ["1900*"], "+19005551234", True),
    ],
)
def test_worked_examples(allow, deny, number, may):
    """The contract's sentences, worked: the last one shows why allow lists are to be preferred."""
    denied = {p.pointer for p in a_policy(allow=allow, deny=deny).judge(CallRequest("#", number))[0]}
    assert ("/callee/number" not in denied) is may


@pytest.mark.parametrize(
    ("allow", "deny", "rule"),
    [
        ([], [], "allow: nothing matches"),
        (["1*"], [], "allow: nothing matches"),
        (["*"], ["2125*"], "deny: 2125*"),
        (["*"], ["2*", "2125*", "3*"], "deny: 2125*"),
        (["*"], ["2*", "2125551234"], "deny: 2125551234"),
        (["2125*"], ["2125*"], "deny: 2125*"),
        ([], ["2*"], "deny: 2*"),
        ([], ["*"], "deny: *"),
    ],
)
def test_the_pattern_that_decided_is_named(allow, deny, rule):
    """The most specific one that denies, or that none allows."""
    (problem,) = a_policy(allow=["9", *allow], deny=deny).judge(CallRequest("9", "2125551234"))[0]
    assert problem.rule == rule


@pytest.mark.parametrize(
    ("pattern", "text", "told"),
    [
        ("*", "1", "*"),
        (r"\**", "*123", r"\**"),
        ("1900*", "1900123", "1900*"),
        ("1900*", "190012", "####* (masked)"),
        ("1900*", "1900", "####* (masked)"),
        ("1" * LONGEST_PREFIX + "*", "1" * 10, "1" * LONGEST_PREFIX + "*"),
        ("1" * LONGEST_PREFIX + "*", "1" * 9, "#" * LONGEST_PREFIX + "* (masked)"),
        ("1" * LONGEST_PREFIX + "2*", "1" * LONGEST_PREFIX + "23", "#" * 8 + "* (masked)"),
        ("100", "100", "### (masked)"),
        (r"1\*", "1*", "## (masked)"),
    ],
)
def test_a_pattern_that_is_a_number_is_shown_as_one(pattern, text, told):
    """A whole number is shown as numbers are, and so is a prefix that is nearly one, or with the two digits
    shown of the number makes up all of it; any other pattern is shown as it is written, and all are where
    numbers are."""
    masked = Patterns([pattern], "deny", lambda number: "#" * len(number))
    assert masked.best(text)[1] == f"deny: {told}"
    assert Patterns([pattern], "deny").best(text)[1] == f"deny: {pattern}"
