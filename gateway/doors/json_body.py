"""The one way a door reads JSON: strict where JSON is loose, and never a surprise (RFC 8259, RFC 7493).

Refused: duplicate keys (two readers could see two different calls), NaN and Infinity, bytes that
are not UTF-8, numbers of absurd length and nesting that would exhaust the stack. Lone surrogates
may stand inside strings, as RFC 8259 section 8.2 allows; whoever writes them out must mind them.
"""

import json
from typing import Final, NoReturn

from gateway.json_decoder import JSONDecoder


class BadJson(ValueError):  # noqa: N818 - names the fault, as the catalogue's codes do
    """The text is not acceptable JSON. `detail` says why and never quotes the text."""

    def __init__(self, detail: str) -> None:
        """`detail` is one sentence for the client."""
        super().__init__(detail)
        self.detail = detail


def decode(body: bytes) -> object:
    """The value of a JSON text in UTF-8; raises BadJson."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise BadJson(f"The JSON is not UTF-8: byte {fault.start} starts no valid sequence.") from None
    return decode_text(text)


def decode_text(text: str) -> object:
    """The value of a JSON text; raises BadJson."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as fault:
        raise BadJson(f"The JSON can't be read: line {fault.lineno} column {fault.colno}.") from None
    except RecursionError:
        raise BadJson("The JSON is nested too deeply.") from None
    except BadJson:
        raise
    except ValueError:  # the interpreter's bound on the digits of an integer
        raise BadJson("The JSON holds a number that is too long.") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise BadJson("The JSON has an object with a key that comes twice.")
    return read


def _constant(_name: str) -> NoReturn:
    raise BadJson("The JSON holds NaN or Infinity, which are not JSON.")


_DECODER: Final = JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
