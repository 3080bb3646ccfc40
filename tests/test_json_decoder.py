"""The quicker decoder is the standard library's in all but time."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.json_decoder import JSONDecoder

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
AROUND = st.text(' \t\n\r\x0b\u00a0\ufeff,{}[]"1nN', max_size=3)


def pairs(found: list[tuple[str, object]]) -> object:
    """Keeps what a dictionary would lose, and refuses one key."""
    if any(key == "no" for key, _ in found):
        raise KeyError("no")
    return tuple(found)


def told(decoder: json.JSONDecoder, text: str) -> Any:
    """The value, or the fault with its place."""
    try:
        return repr(decoder.decode(text))
    except json.JSONDecodeError as fault:
        return fault.msg, fault.pos, fault.doc
    except KeyError as fault:
        return fault.args


@given(AROUND, VALUES, AROUND)
def test_every_text_is_read_as_by_the_standard_library(before: str, value: object, after: str) -> None:
    """Values with anything around them, cut off or not: equal values, equal faults at equal places."""
    text = before + json.dumps(value) + after
    for cut in (text, text[: len(text) // 2]):
        for options in ({}, {"object_pairs_hook": pairs, "parse_int": str}):
            quick, plain = JSONDecoder(**options), json.JSONDecoder(**options)
            assert told(quick, cut) == told(plain, cut)


def test_a_hook_that_refuses_is_heard() -> None:
    """Also of a text that is one value."""
    assert told(JSONDecoder(object_pairs_hook=pairs), '{"no":1}') == ("no",)
