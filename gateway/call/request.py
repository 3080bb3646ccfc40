"""A call as it was asked for, and the one validation that both doors share.

`read_call` turns a decoded JSON (or coerced GraphQL) object into a frozen `CallRequest`, or into
every problem it has. Source: the contract, section 3.
"""

import hashlib
from collections.abc import Container
from dataclasses import fields
from operator import attrgetter
from typing import Final

from gateway.call.kinds import NUMBER, Choice, Flag, Text, Value, Whole
from gateway.call.parameters import BY_PATH, PARAMETERS, Parameter
from gateway.call.plain import RULES, Rule
from gateway.call.unknown_fields import is_of_unknown_field, unknown_field
from gateway.errors import Code, Problem
from gateway.values import value_class

MAX_PROBLEMS: Final = 50
"""More problems than this help nobody and would let a small body ask for a large answer."""


@value_class(frozen=True, slots=True)
class CallRequest:
    """One call, validated, every default filled in. Field by field the rows of `PARAMETERS`."""

    caller_number: str
    callee_number: str
    caller_type: str = "NUMBER"
    callee_type: str | None = None
    callee_dial_plan: str | None = None
    billing_card: str | None = None
    billing_customer_id: int | None = None
    caller_auto_answer: bool = False
    callee_auto_answer: bool = False
    caller_presented_caller_id: str | None = None
    callee_presented_caller_id: str | None = None
    recording_group_id: int | None = None
    caller_screening: bool = False
    callee_screening: bool = False
    caller_cutoff_warning: bool = True
    callee_cutoff_warning: bool = True
    delay_seconds: int = 0
    wait_seconds: int = 0
    suppress_forwarding: bool = False
    client_reference: str | None = None
    dry_run: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether the upstream may hold its answer, which puts the call on the waiting lane."""
        return self.wait_seconds > 0 or self.delay_seconds > 0

    @property
    def held_seconds(self) -> int:
        """How long the upstream may hold its answer."""
        return max(self.wait_seconds, self.delay_seconds)

    def fingerprint(self) -> bytes:
        """32 bytes that two requests share exactly when their validated input is equal.

        Values at their defaults are left out, so that keys of an earlier release stay known to one with
        more parameters.
        """
        values = _values_of(self)
        told: list[tuple[str, object]] = []
        for place, default in enumerate(_DEFAULTS):
            value = values[place]
            if value is not default and value != default:
                told.append((_NAMES[place], value))
        return hashlib.sha256(repr(told).encode()).digest()


_NAMES: Final = tuple(field.name for field in fields(CallRequest))
_DEFAULTS: Final = tuple(field.default for field in fields(CallRequest))
_values_of: Final = attrgetter(*_NAMES)
_WAIT: Final = BY_PATH[("waitSeconds",)]


def read_call(
    tree: object, *, callee_types: tuple[str, ...], preferred_wait_seconds: int | None = None
) -> CallRequest | tuple[Problem, ...]:
    """Validate one decoded input.

    `callee_types` are the `ctype` values that the operator lists; `preferred_wait_seconds` is what
    a `Prefer: wait` header asked for, which an explicit `waitSeconds` overrides.
    """
    problems: list[Problem] = []
    values: dict[str, Value] = {}
    if not isinstance(tree, dict):
        return (_invalid("", "must be a JSON object with `caller` and `callee`"),)
    for name, given in tree.items():
        rules = RULES.get(name)
        if rules is None:
            _read_value((name,), given, values, problems, tree)
        elif isinstance(rules, dict):
            _read_group(name, rules, given, values, problems)
        elif rules.takes(given):
            values[rules.field] = given
        else:
            _read_value((name,), given, values, problems, tree)
    if preferred_wait_seconds is not None and "wait_seconds" not in values:
        fault = _fault(_WAIT, preferred_wait_seconds)
        if fault is None:
            values["wait_seconds"] = preferred_wait_seconds
        else:
            problems.append(_invalid(_WAIT.pointer, f"is asked for by `Prefer: wait` and {fault}"))
    _check_together(values, callee_types, problems)
    if problems:
        if len(problems) > MAX_PROBLEMS:
            problems.sort(key=is_of_unknown_field)
        return tuple(problems[:MAX_PROBLEMS])
    return CallRequest(**values)  # type: ignore[arg-type]


def asks_dry_run(tree: object) -> bool:
    """Whether an input, good or bad, asks for a dry run, which ignores the idempotency key."""
    return isinstance(tree, dict) and tree.get("dryRun") is True


def _read_group(
    name: str, rules: dict[str, Rule], given: object, values: dict[str, Value], problems: list[Problem]
) -> None:
    if given is None:
        return
    if not isinstance(given, dict):
        problems.append(_invalid(f"/{name}", f"must be an object, not {_kind_of(given)}"))
        values.update(dict.fromkeys(_required_fields(name)))
        return
    for inner, value in given.items():
        rule = rules.get(inner)
        if rule is not None and rule.takes(value):
            values[rule.field] = value
        else:
            _read_value((name, inner), value, values, problems, given)


def _required_fields(group: str) -> tuple[str, ...]:
    return tuple(p.field for p in PARAMETERS if p.required and p.path[0] == group)


def _read_value(
    path: tuple[str, ...],
    given: object,
    values: dict[str, Value],
    problems: list[Problem],
    beside: Container[str],
) -> None:
    parameter = BY_PATH.get(path)
    if parameter is None:
        if len(problems) < MAX_PROBLEMS:  # thousands of names would each be compared with the known ones
            problems.append(unknown_field(path, beside))
        return
    if given is None:  # equals absent; a required one is then reported as missing
        return
    if isinstance(parameter.kind, Whole) and isinstance(given, float) and given.is_integer():
        given = int(given)  # JSON has one kind of number: 5.0 is 5, in JSON Schema and in GraphQL too
    fault = _fault(parameter, given)
    if fault is not None:
        problems.append(_invalid(parameter.pointer, fault))
        values[parameter.field] = None
        return
    values[parameter.field] = given  # type: ignore[assignment]


def _fault(parameter: Parameter, given: object) -> str | None:
    kind = parameter.kind
    if isinstance(kind, Text):
        if not isinstance(given, str):
            return f"must be a string, not {_kind_of(given)}"
        widest = kind.wide_pattern or kind.pattern
        if widest.fullmatch(given) is None:
            return f"must be 1 to {kind.max_length} characters of {kind.wide_characters or kind.characters}"
    elif isinstance(kind, Flag):
        if not isinstance(given, bool):
            return f"must be true or false, not {_kind_of(given)}"
    elif isinstance(kind, Whole):
        if not isinstance(given, int) or isinstance(given, bool):
            return f"must be a whole number from {kind.minimum} to {kind.maximum}, not {_kind_of(given)}"
        if not kind.minimum <= given <= kind.maximum:
            return f"must be a whole number from {kind.minimum} to {kind.maximum}"
    elif not isinstance(given, str) or given not in kind.words:
        return f"must be {' or '.join(kind.words)}"
    return None


_REQUIRED: Final = tuple((p.field, p.pointer) for p in PARAMETERS if p.required)


def _check_together(values: dict[str, Value], callee_types: tuple[str, ...], problems: list[Problem]) -> None:
    """The rules that need more than one field, or a setting."""
    for field, pointer in _REQUIRED:
        if field not in values:
            problems.append(_invalid(pointer, "is required"))
    callee_type = values.get("callee_type")
    if callee_type is not None and callee_type not in callee_types:
        listed = ", ".join(callee_types) or "none; leave it out"
        problems.append(_invalid("/callee/type", f"must be one of the types this gateway offers: {listed}"))
    if values.get("caller_type") != "LINE":
        _check_number("caller", values, problems)
    if callee_type is None:
        _check_number("callee", values, problems)
    wait, delay = values.get("wait_seconds") or 0, values.get("delay_seconds") or 0
    if wait and delay and wait <= delay:  # type: ignore[operator]
        problems.append(_invalid("/waitSeconds", "must be greater than `delaySeconds` where both are set"))


def _check_number(party: str, values: dict[str, Value], problems: list[Problem]) -> None:
    """A number without a type that would allow more characters."""
    number, kind = values.get(f"{party}_number"), NUMBER
    if not isinstance(number, str) or kind.pattern.fullmatch(number) is not None:
        return
    allows = "`type` LINE" if party == "caller" else "a `type`"
    problems.append(
        _invalid(
            f"/{party}/number",
            f"must be 1 to {kind.max_length} characters of {kind.characters}; "
            f"letters and . _ - need {allows}",
        )
    )


def _invalid(pointer: str, detail: str) -> Problem:
    return Problem(pointer, Code.INVALID_INPUT, detail)


def _kind_of(value: object) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "that")


__all__ = ["MAX_PROBLEMS", "CallRequest", "Choice", "asks_dry_run", "read_call"]
