"""The vendor's page "Make a Call": its input parameters and what is wrong with a request by them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

_INTEGER = re.compile(r"[0-9]{1,10}")
_LARGEST_INTEGER = 2**31 - 1
_SWITCH = ("0", "1")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row of the table "Input parameters".

    required: only the rows that say "Yes"; "Recommended" is not required.
    default: what an absent parameter stands for; None where the page gives no value.
    values: the only ones the page's description allows, if it names them.
    """

    name: str
    type: Literal["String", "Integer"]
    required: bool = False
    default: str | None = None
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A parameter that earns a 400, and what the answer's `message` says about it."""

    key: str
    message: str


CREDENTIALS = (
    Parameter("auth_username", "String", required=True),
    Parameter("auth_password", "String", required=True),
)

PARAMETERS = (
    *CREDENTIALS,
    Parameter("stype", "String", default="", values=("", "phone")),
    Parameter("snumber", "String", required=True),
    Parameter("ctype", "String", default=""),
    Parameter("cnumber", "String", required=True),
    Parameter("cdialplan", "String", values=("auto",)),
    Parameter("card", "String", default=""),
    Parameter("customer", "Integer"),
    Parameter("answer1", "Integer", default="0", values=_SWITCH),
    Parameter("answer2", "Integer", default="0", values=_SWITCH),
    Parameter("callerid1", "String", default=""),
    Parameter("callerid2", "String", default=""),
    Parameter("recordgroup", "Integer", default="0"),
    Parameter("screen1", "Integer", default="0", values=_SWITCH),
    Parameter("screen2", "Integer", default="0", values=_SWITCH),
    Parameter("warn1", "Integer", default="1", values=_SWITCH),
    Parameter("warn2", "Integer", default="1", values=_SWITCH),
    Parameter("delay", "Integer", default="0"),
    Parameter("wait", "Integer", default="0"),
    Parameter("noforwards", "Integer", default="0", values=_SWITCH),
)


def missing_credentials(given: Mapping[str, str]) -> tuple[Fault, ...]:
    """Which of the two required credentials are absent or empty."""
    return tuple(_missing(row) for row in CREDENTIALS if not given.get(row.name))


def faults(given: Mapping[str, str]) -> tuple[Fault, ...]:
    """Everything wrong with the parameters, in the page's order; unknown ones are let pass."""
    return tuple(_faults(given))


def seconds(given: Mapping[str, str], name: str) -> int:
    """A faultless `delay` or `wait`, 0 if it was not given."""
    return int(given.get(name, "0"))


def _faults(given: Mapping[str, str]) -> Iterator[Fault]:
    faulty = False
    for row in PARAMETERS:
        if fault := _fault(row, given.get(row.name)):
            faulty = faulty or row.name in ("delay", "wait")
            yield fault
    if not faulty and 0 < seconds(given, "wait") <= seconds(given, "delay"):
        yield Fault("wait", "wait should be greater than the delay")


def _fault(row: Parameter, text: str | None) -> Fault | None:
    if row.required and not text:
        return _missing(row)
    if text is None:
        return None
    if row.type == "Integer" and not (_INTEGER.fullmatch(text) and int(text) <= _LARGEST_INTEGER):
        return Fault(row.name, f"{row.name} must be an integer")
    if row.values is not None and text not in row.values:
        return Fault(row.name, f"{row.name} must be {' or '.join(value or 'empty' for value in row.values)}")
    return None


def _missing(row: Parameter) -> Fault:
    return Fault(row.name, f"{row.name} is required")
