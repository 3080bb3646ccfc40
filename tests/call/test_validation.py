"""Validation of a call against the parameter table, and what two inputs share."""

import re
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call import PARAMETERS, CallRequest, read_call
from gateway.errors import Code

TYPES = ("phone",)
BASE = {"caller": {"number": "1"}, "callee": {"number": "2"}}


def body(path: tuple[str, ...], value: object, **more: object) -> dict:
    """The smallest good body with one field set."""
    tree: dict = {name: dict(group) for name, group in BASE.items()}
    tree.update(more)
    if len(path) == 1:
        tree[path[0]] = value
    else:
        tree.setdefault(path[0], {})
        tree[path[0]] = {**tree[path[0]], path[1]: value}
    return tree


def read(tree: object) -> CallRequest:
    call = read_call(tree, callee_types=TYPES)
    assert isinstance(call, CallRequest), call
    return call


def pointers(tree: object) -> list[str]:
    problems = read_call(tree, callee_types=TYPES)
    assert not isinstance(problems, CallRequest), problems
    assert {p.code for p in problems} == {Code.INVALID_INPUT}
    assert all(p.detail for p in problems)
    return [p.pointer for p in problems]


NUMBERS = ["1", "100", "+380441234567", "*72#", "0" * 64]
LINES = ["desk-1", "a.b_c", "Z" * 64, "1.2"]
IDS = [1, 42, 2_147_483_647]
SECONDS = [0, 1, 86_400]
FLAGS = [True, False]
NAMES = ["a", "Card-1.2_3", "x" * 64]
CALLER_IDS = ["+1 212", "A b.c_d-e", "9" * 64]
NO_TEXT = [1, True, [], {}, 1.5]
NO_FLAG = [0, 1, "true", "1", [], {}]
NO_WHOLE = ["1", True, 1.5, float("inf"), [], {}, -1]
NO_NUMBER = ["", " 1", "1 ", "1\n", "1-2", "(1)", "\u0661", "1;wait=9", "%31", "0" * 65, *NO_TEXT]
NO_NAME = ["", "a b", "a;b", "ä", "a\n", "x" * 65, *NO_TEXT]
NO_CALLER_ID = ["", "a;b", "(1)", "\u00a0", "a\tb", "9" * 65, *NO_TEXT]

# The contract's table: field -> good values, bad values. Written anew here, not taken from the code.
TABLE = {
    ("caller", "number"): (NUMBERS, [*NO_NUMBER, "desk-1"]),
    ("caller", "type"): (["NUMBER", "LINE"], ["", "number", "phone", *NO_TEXT]),
    ("caller", "autoAnswer"): (FLAGS, NO_FLAG),
    ("caller", "screening"): (FLAGS, NO_FLAG),
    ("caller", "cutoffWarning"): (FLAGS, NO_FLAG),
    ("caller", "presentedCallerId"): (CALLER_IDS, NO_CALLER_ID),
    ("callee", "number"): (NUMBERS, [*NO_NUMBER, "desk-1"]),
    ("callee", "type"): (["phone"], ["", "fax", "PHONE", *NO_NAME]),
    ("callee", "dialPlan"): (["AUTO"], ["", "auto", *NO_TEXT]),
    ("callee", "autoAnswer"): (FLAGS, NO_FLAG),
    ("callee", "screening"): (FLAGS, NO_FLAG),
    ("callee", "cutoffWarning"): (FLAGS, NO_FLAG),
    ("callee", "presentedCallerId"): (CALLER_IDS, NO_CALLER_ID),
    ("billing", "card"): (NAMES, NO_NAME),
    ("billing", "customerId"): (IDS, [0, 2_147_483_648, 10**30, *NO_WHOLE]),
    ("recordingGroupId",): (IDS, [0, 2_147_483_648, *NO_WHOLE]),
    ("suppressForwarding",): (FLAGS, NO_FLAG),
    ("delaySeconds",): (SECONDS, [86_401, *NO_WHOLE]),
    ("waitSeconds",): (SECONDS, [86_401, *NO_WHOLE]),
    ("clientReference",): (["a", "ä€😀\n\0", "x" * 128], ["", "x" * 129, "\ud800", *NO_TEXT]),
    ("dryRun",): (FLAGS, NO_FLAG),
}
FIELD = {p.path: p.field for p in PARAMETERS}
GOOD = [(path, value) for path, (good, _) in TABLE.items() for value in good]
BAD = [(path, value) for path, (_, bad) in TABLE.items() for value in bad]
NUMBER_PATHS = (("caller", "number"), ("callee", "number"))


def test_the_table_here_covers_every_parameter():
    """Nothing can be added to the parameter table without a row here."""
    assert set(TABLE) == {p.path for p in PARAMETERS}


@pytest.mark.parametrize(("path", "value"), GOOD)
def test_a_good_value_is_taken_as_it_is(path, value):
    """Every value within a field's limits is taken unchanged, and changes no other field."""
    call = read(body(path, value))
    assert getattr(call, FIELD[path]) == value
    assert replace(call, **{FIELD[path]: getattr(read(BASE), FIELD[path])}) == read(BASE)


@pytest.mark.parametrize(("path", "value"), BAD)
def test_a_bad_value_is_refused_where_it_stands(path, value):
    """Every value outside a field's limits or type is one problem, at the field's pointer."""
    assert pointers(body(path, value)) == ["/" + "/".join(path)]


@pytest.mark.parametrize("path", TABLE)
def test_null_equals_absent(path):
    """null for an optional field is as if it were not there; for a required one it is missing."""
    tree = body(path, None)
    if path in NUMBER_PATHS:
        assert pointers(tree) == ["/" + "/".join(path)]
    else:
        assert read(tree) == read(BASE)


@pytest.mark.parametrize("line", LINES)
def test_lines_have_letters_and_numbers_have_none(line):
    """A caller of type LINE and a callee with a type may hold letters, dot, underscore and hyphen."""
    assert read({**BASE, "caller": {"number": line, "type": "LINE"}}).caller_number == line
    assert read({**BASE, "callee": {"number": line, "type": "phone"}}).callee_number == line
    assert pointers({**BASE, "caller": {"number": line}}) == ["/caller/number"]
    assert pointers({**BASE, "callee": {"number": line}}) == ["/callee/number"]


@pytest.mark.parametrize("tree", [None, [], "x", 1, True, 1.5])
def test_a_body_that_is_no_object_is_one_problem(tree):
    """What is no object is told so once."""
    assert pointers(tree) == [""]


@pytest.mark.parametrize("group", ["caller", "callee", "billing"])
@pytest.mark.parametrize("value", ["1", 1, [], True])
def test_a_group_that_is_no_object_is_one_problem(group, value):
    """Nothing is said of the fields that such a group would have held."""
    assert pointers({**BASE, group: value}) == [f"/{group}"]


def test_missing_parties_are_told_together():
    """Both numbers are required, whether their group is missing, null or empty."""
    for tree in ({}, {"caller": None, "callee": None}, {"caller": {}, "callee": {}}):
        assert pointers(tree) == ["/caller/number", "/callee/number"]


@pytest.mark.parametrize(
    ("tree", "pointer", "hint"),
    [
        ({**BASE, "waitSecond": 1}, "/waitSecond", "did you mean `waitSeconds`"),
        ({**BASE, "calee": {}}, "/calee", "did you mean `callee`"),
        (body(("caller", "numbr"), "1"), "/caller/numbr", "did you mean `number`"),
        (body(("billing", "customerID"), 1), "/billing/customerID", "did you mean `customerId`"),
        ({**BASE, "delaySeconds": 1, "elaySeconds": 1}, "/elaySeconds", "did you mean `delaySeconds`"),
        ({**BASE, "xyzzy": 1}, "/xyzzy", "known here"),
        ({**BASE, "a/b~c": 1}, "/a~1b~0c", ""),
        ({**BASE, "number": "1"}, "/number", ""),
        ({**BASE, "": 1}, "/", ""),
        ({**BASE, "snumber": "1"}, "/snumber", ""),
        ({**BASE, "auth_password": "x"}, "/auth_password", ""),
    ],
)
def test_unknown_fields_are_refused_with_a_hint(tree, pointer, hint):
    """An unknown field is a problem at its own RFC 6901 pointer; a near one is named."""
    (problem,) = read_call(tree, callee_types=TYPES)  # type: ignore[misc]
    assert problem.pointer == pointer
    assert hint in problem.detail


def test_of_two_near_names_the_hint_has_the_one_that_is_not_given():
    """`calle` is as near to `caller` as to `callee`; beside one of them the other was meant."""
    parties = {"caller": BASE["caller"], "callee": BASE["callee"]}
    for named, meant in (("caller", "callee"), ("callee", "caller")):
        tree = {named: parties[named], "calle": parties[meant]}
        unknown, missing = read_call(tree, callee_types=TYPES)  # type: ignore[misc]
        assert unknown.pointer == "/calle"
        assert unknown.detail.endswith(f"did you mean `{meant}`?")
        assert missing.pointer == f"/{meant}/number"


def test_made_up_names_crowd_out_no_known_field():
    """Of more problems than one answer tells, those of known fields come first."""
    made_up = {f"field{n}": n for n in range(60)}
    told = pointers({**made_up, "caller": {"number": "!", "made": "up"}})
    assert len(told) == 50
    assert told[:3] == ["/caller/number", "/callee/number", "/field0"]


def test_all_problems_are_told_at_once():
    """Faults of many fields, unknown fields and missing ones come in one answer."""
    tree = {
        "caller": {"type": "WRONG", "autoAnswer": "yes"},
        "callee": {"number": "x y", "type": "fax"},
        "billing": {"customerId": 0, "kard": "1"},
        "waitSeconds": 5,
        "delaySeconds": 5,
        "nonsense": 1,
    }
    assert sorted(pointers(tree)) == sorted(
        [
            "/caller/type",
            "/caller/autoAnswer",
            "/caller/number",
            "/callee/number",
            "/callee/type",
            "/billing/customerId",
            "/billing/kard",
            "/waitSeconds",
            "/nonsense",
        ]
    )


@pytest.mark.parametrize(
    ("wait", "delay", "is_good"),
    [(0, 0, True), (5, 0, True), (0, 5, True), (6, 5, True), (5, 5, False), (4, 5, False)],
)
def test_wait_must_exceed_delay_where_both_are_set(wait, delay, is_good):
    """The vendor's rule, met before anything is sent."""
    tree = {**BASE, "waitSeconds": wait, "delaySeconds": delay}
    assert isinstance(read_call(tree, callee_types=()), CallRequest) is is_good
    if not is_good:
        assert pointers(tree) == ["/waitSeconds"]


@pytest.mark.parametrize(
    ("given_wait", "preferred", "expected"), [(None, 5, 5), (..., 5, 5), (0, 5, 0), (7, 5, 7), (..., None, 0)]
)
def test_wait_seconds_win_over_the_preference(given_wait, preferred, expected):
    """`Prefer: wait` counts only where `waitSeconds` is absent or null."""
    tree = BASE if given_wait is ... else {**BASE, "waitSeconds": given_wait}
    call = read_call(tree, callee_types=(), preferred_wait_seconds=preferred)
    assert isinstance(call, CallRequest)
    assert call.wait_seconds == expected


def test_callee_types_are_the_operators():
    """A callee type that the operator does not list is invalid, whatever the tenant may."""
    tree = body(("callee", "type"), "phone")
    assert isinstance(read_call(tree, callee_types=("phone", "queue")), CallRequest)
    for listed in ((), ("queue",)):
        (problem,) = read_call(tree, callee_types=listed)  # type: ignore[misc]
        assert problem.pointer == "/callee/type"


def test_defaults_written_out_equal_defaults_left_out():
    """One fingerprint for the same call, however it was written."""
    written: dict = {name: dict(group) for name, group in BASE.items()}
    for parameter in PARAMETERS:
        if not parameter.required:
            holder = written if len(parameter.path) == 1 else written.setdefault(parameter.path[0], {})
            holder[parameter.path[-1]] = parameter.default
    assert read(written) == read(BASE)
    assert read(written).fingerprint() == read(BASE).fingerprint()
    assert len(read(BASE).fingerprint()) == 32


OTHER = {
    "caller_type": "LINE",
    "callee_type": "phone",
    "callee_dial_plan": "AUTO",
    "billing_card": "c",
    "billing_customer_id": 1,
    "caller_presented_caller_id": "x",
    "callee_presented_caller_id": "x",
    "recording_group_id": 1,
    "client_reference": "r",
    "delay_seconds": 1,
    "wait_seconds": 2,
    "caller_number": "3",
    "callee_number": "3",
}


def test_each_field_changes_the_fingerprint():
    """No two calls that differ in one field share a fingerprint."""
    plain = read(BASE)
    seen = {plain.fingerprint()}
    for field in fields(CallRequest):
        value = OTHER.get(field.name, not getattr(plain, field.name))
        seen.add(replace(plain, **{field.name: value}).fingerprint())
    assert len(seen) == len(fields(CallRequest)) + 1


def test_a_release_knows_the_fingerprints_of_the_one_before():
    """Frozen: parameters that a request does not name, such as a later release may add, leave its
    fingerprint as it is. Else a retry across an upgrade would be told that nothing was placed."""
    plain = CallRequest("1234567", "2125551234")
    assert plain.fingerprint().hex() == "e86b51fa3708823e148c787314b01d4a70d80955df79a055b5e9353b02d0357e"
    line = replace(plain, caller_type="LINE", wait_seconds=5, caller_cutoff_warning=False)
    assert line.fingerprint().hex() == "db739142c55f5122e0975184f0b186a5c143961cc675d315db8f107e2d0858f3"


@given(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6), st.text(max_size=6))
def test_no_two_texts_flow_into_one_another(one, two, three, four):
    """Text that looks like the next field's start makes no second call equal to the first."""
    first = replace(read(BASE), caller_number=one, callee_number=two)
    second = replace(read(BASE), caller_number=three, callee_number=four)
    assert (first.fingerprint() == second.fingerprint()) is ((one, two) == (three, four))


ANY_TEXT = st.text(alphabet=st.characters(codec=None)) | st.sampled_from(
    sorted({n for p in TABLE for n in p})
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=6),
    max_leaves=20,
)
PARTY = st.dictionaries(st.sampled_from(sorted({p[1] for p in TABLE if len(p) == 2})) | ANY_TEXT, JSON)
BODIES = st.fixed_dictionaries(
    {}, optional={"caller": PARTY | JSON, "callee": PARTY | JSON, "waitSeconds": JSON}
)


@given(JSON | BODIES)
def test_arbitrary_json_never_raises(tree):
    """Any decoded JSON is a call or a list of problems that can be written out as UTF-8."""
    result = read_call(tree, callee_types=TYPES)
    if isinstance(result, CallRequest):
        assert re.fullmatch(r"[0-9+*#A-Za-z._-]{1,64}", result.callee_number)
    else:
        assert result
        for problem in result:
            (problem.pointer + problem.detail).encode("utf-8")
            assert problem.pointer == "" or problem.pointer.startswith("/")


def test_a_whole_number_may_be_written_with_a_point():
    """JSON has one kind of number: 5.0 is the integer 5 in the published schema and in GraphQL's variables,
    so it is the same call on both doors, under the same key."""
    plain = {"caller": {"number": "1"}, "callee": {"number": "2"}, "waitSeconds": 5, "recordingGroupId": 7}
    pointed = {**plain, "waitSeconds": 5.0, "recordingGroupId": 7.0}
    one, other = (read_call(tree, callee_types=()) for tree in (plain, pointed))
    assert isinstance(one, CallRequest)
    assert isinstance(other, CallRequest)
    assert one.fingerprint() == other.fingerprint()
