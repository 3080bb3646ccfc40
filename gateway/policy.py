"""What a tenant may ask for: pure judgement, deny by default (contract, section 2, `policy`).

Patterns are literal text with a trailing `*` for "anything from here"; `\\*` is a literal star. The
most specific (longest literal) pattern wins and deny wins a tie. They judge exactly the text that
is sent, so a deny list is evaded by another way to dial the same number: prefer allow lists.

What decides is named by its rule, the key of the configuration and what it says. A pattern's is written
when the configuration is read, so that a call only picks it up.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Final

from gateway.call import CallRequest
from gateway.errors import Code, Problem
from gateway.telemetry.masking import SHOWN
from gateway.values import value_class

PRECEDENCE: Final = (Code.DESTINATION_NOT_ALLOWED, Code.CALLER_ID_NOT_ALLOWED, Code.OPTION_NOT_ALLOWED)
"""Of several faults the first of these names the refusal."""

OPTIONS: Final = ("autoAnswer", "screening", "suppressForwarding", "calleeType")

LONGEST_PREFIX: Final = 7
"""The literal of a longer pattern is masked as a whole number is."""

Match = tuple[int, str]
"""The length of a pattern's literal, -1 where none matches; and the rule that says so."""

Ruling = tuple[tuple[Problem, ...], tuple[str, ...]]
"""Everything that a policy refuses of a call, the gravest kind first, empty where the call is allowed; and
the rules that grant the rest, each once, the caller's before the callee's."""

_NUMBERS: Final = frozenset({"caller_type", "caller_number", "callee_number"})
_options_of: Final = attrgetter(*(field.name for field in fields(CallRequest) if field.name not in _NUMBERS))
_NO_OPTIONS: Final = _options_of(CallRequest("", ""))
"""What a call has in all its fields but the numbers where it asks for nothing more than being made."""


class BadPattern(ValueError):  # noqa: N818
    """A pattern that means nothing; the text says what would."""


def parse_pattern(pattern: str) -> tuple[str, bool]:
    """A pattern's literal text, and whether anything may follow it."""
    literal: list[str] = []
    position, end = 0, len(pattern)
    while position < end:
        character = pattern[position]
        if character == "\\":
            if pattern[position + 1 : position + 2] != "*":
                raise BadPattern(r"a backslash may only stand before a star: write \* for a literal star")
            literal.append("*")
            position += 2
            continue
        if character == "*":
            if position != end - 1:
                raise BadPattern(r"a star may only stand at the end: write \* for a literal star")
            return "".join(literal), True
        literal.append(character)
        position += 1
    if not literal:
        raise BadPattern('an empty pattern matches nothing: write "*" for anything')
    return "".join(literal), False


class Patterns:
    """A list of patterns, ready to be asked. Frozen once built."""

    __slots__ = ("_exact", "_lengths", "_masked", "_none", "_prefixes")

    def __init__(self, patterns: Iterable[str], key: str, shown: Callable[[str], str] = str) -> None:
        """`key` names the list in rules; `shown` is how they show a number. Raises BadPattern."""
        self._exact: dict[str, Match] = {}
        self._prefixes: dict[str, Match] = {}
        self._masked: dict[str, Match] = {}
        self._none: Match = (-1, f"{key}: nothing matches")
        for pattern in patterns:
            literal, is_prefix = parse_pattern(pattern)
            told, number = pattern, shown(literal)
            if number != literal:
                told = f"{number}* (masked)" if is_prefix else f"{number} (masked)"
            masked = (len(literal), f"{key}: {told}")
            if not is_prefix:
                self._exact[literal] = masked
                continue
            self._masked[literal] = masked
            is_long = len(literal) > LONGEST_PREFIX
            self._prefixes[literal] = masked if is_long else (len(literal), f"{key}: {pattern}")
        self._lengths = tuple(sorted({len(prefix) for prefix in self._prefixes}, reverse=True))

    def best(self, text: str) -> Match:
        """The longest pattern that matches."""
        found = self._exact.get(text)
        if found is not None:
            return found
        for length in self._lengths:
            if length <= len(text):
                found = self._prefixes.get(text[:length])
                if found is not None:
                    # With what can be read of the masked number beside it, it must not be all of that.
                    is_nearly_all = length + SHOWN >= len(text)
                    return self._masked[text[:length]] if is_nearly_all else found
        return self._none


@value_class(frozen=True, slots=True)
class Policy:
    """One tenant's policy, compiled. `customer` is the pinned one; seconds are the tenant's maxima."""

    allow: Patterns
    deny: Patterns
    lines: Patterns
    presented_caller_ids: Patterns
    max_wait_seconds: int
    max_delay_seconds: int
    options: frozenset[str]
    recording_groups: frozenset[int]
    cards: frozenset[str]
    customers: frozenset[int]
    customer: int | None

    def judge(self, call: CallRequest) -> Ruling:
        """Everything the tenant may not and may."""
        granted: list[str] = []
        problems = self._numbers(call, granted)
        if _options_of(call) != _NO_OPTIONS:
            problems += [
                *self._caller_ids(call, granted),
                *self._switches(call, granted),
                *self._values(call, granted),
            ]
        return tuple(problems), tuple(granted)  # judged in the order of PRECEDENCE

    def _numbers(self, call: CallRequest, granted: list[str]) -> list[Problem]:
        problems: list[Problem] = []
        if call.caller_type == "LINE":
            length, rule = self.lines.best(call.caller_number)
            may, detail = length >= 0, "is not a line this tenant may call from"
        else:
            may, rule = self._destination(call.caller_number)
            detail = "is not a destination this tenant may dial"
        if may:
            granted.append(rule)
        else:
            problems.append(_denied("/caller/number", detail, rule))
        may, rule = self._destination(call.callee_number)
        if not may:
            problems.append(_denied("/callee/number", "is not a destination this tenant may dial", rule))
        elif rule not in granted:
            granted.append(rule)
        return problems

    def _destination(self, number: str) -> tuple[bool, str]:
        """Whether a number may be dialled, and the rule that decides."""
        allowed, denied = self.allow.best(number), self.deny.best(number)
        if allowed[0] > denied[0]:
            return True, allowed[1]
        return False, (allowed if denied[0] < 0 else denied)[1]

    def _caller_ids(self, call: CallRequest, granted: list[str]) -> Iterable[Problem]:
        for party, shown in (
            ("caller", call.caller_presented_caller_id),
            ("callee", call.callee_presented_caller_id),
        ):
            if shown is None:
                continue
            length, rule = self.presented_caller_ids.best(shown)
            if length < 0:
                pointer, detail = f"/{party}/presentedCallerId", "is not a caller ID this tenant may present"
                yield Problem(pointer, Code.CALLER_ID_NOT_ALLOWED, detail, rule)
            elif rule not in granted:
                granted.append(rule)

    def _switches(self, call: CallRequest, granted: list[str]) -> Iterable[Problem]:
        for option, pointer, is_asked in (
            ("autoAnswer", "/caller/autoAnswer", call.caller_auto_answer),
            ("autoAnswer", "/callee/autoAnswer", call.callee_auto_answer),
            ("screening", "/caller/screening", call.caller_screening),
            ("screening", "/callee/screening", call.callee_screening),
            ("suppressForwarding", "/suppressForwarding", call.suppress_forwarding),
            ("calleeType", "/callee/type", call.callee_type is not None),
        ):
            if not is_asked:
                continue
            rule = f"policy.options: {option}"
            if option not in self.options:
                detail = f"needs the option `{option}`, which this tenant does not have"
                yield _option(pointer, detail, f"{rule} not listed")
            elif rule not in granted:
                granted.append(rule)

    def _values(self, call: CallRequest, granted: list[str]) -> Iterable[Problem]:
        if call.wait_seconds > self.max_wait_seconds:
            yield _bound("/waitSeconds", "policy.max_wait_seconds", self.max_wait_seconds)
        if call.delay_seconds > self.max_delay_seconds:
            yield _bound("/delaySeconds", "policy.max_delay_seconds", self.max_delay_seconds)
        if call.recording_group_id is not None:
            if call.recording_group_id in self.recording_groups:
                granted.append("policy.recording_groups: listed")
            else:
                detail = "is not a recording group this tenant may use"
                yield _option("/recordingGroupId", detail, "policy.recording_groups: not listed")
        if call.billing_card is not None:
            if call.billing_card in self.cards:
                granted.append("policy.cards: listed")
            else:
                yield _option(
                    "/billing/card", "is not a card this tenant may bill", "policy.cards: not listed"
                )
        if call.billing_customer_id is not None:
            yield from self._customers(call.billing_customer_id, granted)

    def _customers(self, customer_id: int, granted: list[str]) -> Iterable[Problem]:
        pinned = self.customer
        may = customer_id in self.customers if pinned is None else customer_id == pinned
        rule = "policy.customers: listed" if pinned is None else f"customer: {pinned}"
        if may:
            granted.append(rule)
        else:
            rule = "policy.customers: not listed" if pinned is None else rule
            yield _option("/billing/customerId", "is not a customer this tenant may call as", rule)


def _denied(pointer: str, detail: str, rule: str) -> Problem:
    return Problem(pointer, Code.DESTINATION_NOT_ALLOWED, detail, rule)


def _option(pointer: str, detail: str, rule: str) -> Problem:
    return Problem(pointer, Code.OPTION_NOT_ALLOWED, detail, rule)


def _bound(pointer: str, key: str, most: int) -> Problem:
    return _option(pointer, f"must be at most {most} for this tenant", f"{key}: {most}")
