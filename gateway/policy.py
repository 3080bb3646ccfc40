"""What a tenant may ask for: pure judgement, deny by default (contract, section 2, `policy`).

Patterns are literal text with a trailing `*` for "anything from here"; `\\*` is a literal star. The
most specific (longest literal) pattern wins and deny wins a tie. They judge exactly the text that
is sent, so a deny list is evaded by another way to dial the same number: prefer allow lists.
"""

from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Final

from gateway.call import CallRequest
from gateway.errors import Code, Problem
from gateway.values import value_class

PRECEDENCE: Final = (Code.DESTINATION_NOT_ALLOWED, Code.CALLER_ID_NOT_ALLOWED, Code.OPTION_NOT_ALLOWED)
"""Of several faults the first of these names the refusal."""

OPTIONS: Final = ("autoAnswer", "screening", "suppressForwarding", "calleeType")


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

    __slots__ = ("_exact", "_lengths", "_prefixes")

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raises BadPattern."""
        parsed = [parse_pattern(pattern) for pattern in patterns]
        self._exact = frozenset(literal for literal, is_prefix in parsed if not is_prefix)
        self._prefixes = frozenset(literal for literal, is_prefix in parsed if is_prefix)
        self._lengths = tuple(sorted({len(prefix) for prefix in self._prefixes}, reverse=True))

    def specificity(self, text: str) -> int:
        """The literal length of the longest pattern that matches, -1 where none does."""
        if text in self._exact:
            return len(text)
        for length in self._lengths:
            if length <= len(text) and text[:length] in self._prefixes:
                return length
        return -1


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

    def judge(self, call: CallRequest) -> tuple[Problem, ...]:
        """Everything the tenant may not, the gravest kind first; empty where the call is allowed."""
        problems = self._numbers(call)
        if _options_of(call) != _NO_OPTIONS:
            problems += [*self._caller_ids(call), *self._switches(call), *self._values(call)]
        return tuple(problems)  # judged in the order of PRECEDENCE

    def _numbers(self, call: CallRequest) -> list[Problem]:
        problems: list[Problem] = []
        if call.caller_type == "LINE":
            if self.lines.specificity(call.caller_number) < 0:
                problems.append(_denied("/caller/number", "is not a line this tenant may call from"))
        elif not self._may_dial(call.caller_number):
            problems.append(_denied("/caller/number", "is not a destination this tenant may dial"))
        if not self._may_dial(call.callee_number):
            problems.append(_denied("/callee/number", "is not a destination this tenant may dial"))
        return problems

    def _may_dial(self, number: str) -> bool:
        return self.allow.specificity(number) > self.deny.specificity(number)

    def _caller_ids(self, call: CallRequest) -> Iterable[Problem]:
        for party, shown in (
            ("caller", call.caller_presented_caller_id),
            ("callee", call.callee_presented_caller_id),
        ):
            if shown is not None and self.presented_caller_ids.specificity(shown) < 0:
                yield Problem(
                    f"/{party}/presentedCallerId",
                    Code.CALLER_ID_NOT_ALLOWED,
                    "is not a caller ID this tenant may present",
                )

    def _switches(self, call: CallRequest) -> Iterable[Problem]:
        for option, pointer, is_asked in (
            ("autoAnswer", "/caller/autoAnswer", call.caller_auto_answer),
            ("autoAnswer", "/callee/autoAnswer", call.callee_auto_answer),
            ("screening", "/caller/screening", call.caller_screening),
            ("screening", "/callee/screening", call.callee_screening),
            ("suppressForwarding", "/suppressForwarding", call.suppress_forwarding),
            ("calleeType", "/callee/type", call.callee_type is not None),
        ):
            if is_asked and option not in self.options:
                yield _option(pointer, f"needs the option `{option}`, which this tenant does not have")

    def _values(self, call: CallRequest) -> Iterable[Problem]:
        if call.wait_seconds > self.max_wait_seconds:
            yield _option("/waitSeconds", f"must be at most {self.max_wait_seconds} for this tenant")
        if call.delay_seconds > self.max_delay_seconds:
            yield _option("/delaySeconds", f"must be at most {self.max_delay_seconds} for this tenant")
        if call.recording_group_id is not None and call.recording_group_id not in self.recording_groups:
            yield _option("/recordingGroupId", "is not a recording group this tenant may use")
        if call.billing_card is not None and call.billing_card not in self.cards:
            yield _option("/billing/card", "is not a card this tenant may bill")
        if call.billing_customer_id is not None and not self._may_bill(call.billing_customer_id):
            yield _option("/billing/customerId", "is not a customer this tenant may call as")

    def _may_bill(self, customer_id: int) -> bool:
        if self.customer is not None:
            return customer_id == self.customer
        return customer_id in self.customers


def _denied(pointer: str, detail: str) -> Problem:
    return Problem(pointer, Code.DESTINATION_NOT_ALLOWED, detail)


def _option(pointer: str, detail: str) -> Problem:
    return Problem(pointer, Code.OPTION_NOT_ALLOWED, detail)
