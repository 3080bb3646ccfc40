"""The simulator's parser reads what was asked for, whatever it was."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.query import pairs

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (b"a=1;b=2", [("a", "1"), ("b", "2")]),
        (b"a=1&b=2", [("a", "1"), ("b", "2")]),
        (b"a=1&b=2;c=3", [("a", "1"), ("b", "2"), ("c", "3")]),
        (b";;a=1;;&b=2&", [("a", "1"), ("b", "2")]),
        (b"a=1;a=2", [("a", "1"), ("a", "2")]),
        (b"a", [("a", "")]),
        (b"a=", [("a", "")]),
        (b"=1", [("", "1")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a=+1+", [("a", " 1 ")]),
        (b"a=%2B1%3b%26%3D", [("a", "+1;&=")]),
        (b"a=%253B", [("a", "%3B")]),
        (b"%61=%C3%A9", [("a", "\u00e9")]),
        (b"a=%zz%4", [("a", "%zz%4")]),
        (b"a=%FF", [("a", "\ufffd")]),
        (b"a=\xc3\xa9", [("a", "\u00e9")]),
    ],
)
def test_a_raw_query_is_read_as_documented(raw, expected):
    """Separators, repetitions, escapes, plus signs and broken bytes are each read in one known way."""
    assert list(pairs(raw)) == expected


@given(st.lists(st.tuples(TEXT, TEXT)), st.sampled_from([";", "&"]))
def test_percent_encoded_text_comes_back(params, separator):
    """Whatever text is percent-encoded, as names or values, is read back: nothing added, lost or changed."""
    raw = separator.join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params)
    assert list(pairs(raw.encode("ascii"))) == params


@given(TEXT, st.data())
def test_escapes_may_be_of_either_case_and_anywhere(text, data):
    """Every byte may be escaped, in capitals or not, and nothing but its meaning arrives."""
    raw = b"".join(
        data.draw(st.sampled_from([b"%%%02X" % byte, b"%%%02x" % byte])) for byte in text.encode("utf-8")
    )
    assert pairs(b"name=" + raw) == (("name", text),)


@given(st.binary())
def test_no_bytes_are_too_broken_to_be_read(raw):
    """Any bytes give at most one pair for each separator and one more, and text that UTF-8 can write."""
    read = pairs(raw)
    assert len(read) <= raw.count(b";") + raw.count(b"&") + 1
    assert all(text == text.encode("utf-8").decode("utf-8") for pair in read for text in pair)
