"""Patterns that can't do what they were written for (the contract, section 2).

Most are doubtful and no fault: what a list means is clear all the same, a pattern that never matches or
always loses allows nothing, and a gateway must not stay down for it. But a deny that never matches stops
nothing of what it was written for: that is a fault.
"""

import re
from collections.abc import Iterator
from typing import Final

from gateway.policy import parse_pattern
from gateway.settings.findings import KeyPath, Severity
from gateway.settings.model import Destinations, PolicySettings

_LONGEST_NUMBER: Final = 64
# What the two doors let through (the contract, section 3): nothing else ever meets a pattern.
_NUMBER: Final = (re.compile(r"[0-9+*#]*"), "numbers hold only 0-9 + * #")
_LINE: Final = (re.compile(r"[0-9+*#A-Za-z._-]*"), "they hold only 0-9 + * # A-Z a-z . _ -")
_CALLER_ID: Final = (re.compile(r"[0-9+A-Za-z._ -]*"), "they hold only 0-9 + A-Z a-z . _ - and spaces")
_OPEN: Final = (
    "allows every destination, premium numbers and foreign countries too, and a deny list is evaded by "
    "another way to dial the same number: list what is needed"
)

PatternRemark = tuple[KeyPath, str, Severity]
"""Where, what there is to say, and how grave it is."""

_DENY: Final = ("destinations", "deny")


def pattern_remarks(policy: PolicySettings, has_callee_types: bool) -> Iterator[PatternRemark]:
    """Remarks on a policy's patterns. A callee with a type may be dialled by a line's characters."""
    destinations = policy.destinations
    dialled = _LINE if has_callee_types else _NUMBER
    yield from _matchless(("destinations", "allow"), destinations.allow, dialled)
    yield from _matchless(_DENY, destinations.deny, dialled)
    yield from _matchless(("lines",), policy.lines, _LINE)
    yield from _matchless(("presented_caller_ids",), policy.presented_caller_ids, _CALLER_ID)
    yield from _beaten(destinations)
    yield from _judged(destinations)


def _matchless(
    path: KeyPath, patterns: tuple[str, ...], written: tuple[re.Pattern[str], str]
) -> Iterator[PatternRemark]:
    characters, words = written
    severity: Severity = "error" if path == _DENY else "warning"
    for index, pattern in enumerate(patterns):
        literal, _ = parse_pattern(pattern)
        why = ""
        if characters.fullmatch(literal) is None:
            why = f"{words}, and patterns judge exactly what is sent"
        elif len(literal) > _LONGEST_NUMBER:
            why = f"at most {_LONGEST_NUMBER} characters are sent"
        if why:
            yield (*path, index), f"can never match: {why}", severity


def _beaten(destinations: Destinations) -> Iterator[PatternRemark]:
    """Allow patterns that lose for every text they match: deny wins a tie of literal lengths."""
    denied = {parse_pattern(pattern): index for index, pattern in reversed([*enumerate(destinations.deny)])}
    for index, pattern in enumerate(destinations.allow):
        literal, is_prefix = parse_pattern(pattern)
        # A denied prefix ties with the same literal, whatever follows; a denied number only with itself.
        winner = denied.get((literal, True)) if is_prefix else denied.get((literal, False))
        if winner is None and not is_prefix:
            winner = denied.get((literal, True))
        if winner is not None:
            yield (
                ("destinations", "allow", index),
                f"is unreachable: policy.destinations.deny[{winner}] wins wherever it matches; remove one",
                "warning",
            )


def _judged(destinations: Destinations) -> Iterator[PatternRemark]:
    for index, pattern in enumerate(destinations.allow):
        if pattern == "*":
            yield ("destinations", "allow", index), _OPEN, "warning"
    if destinations.deny and not destinations.allow:
        yield (
            _DENY,
            "denies what nothing allows: without policy.destinations.allow the tenant may dial nothing",
            "warning",
        )
