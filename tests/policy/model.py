"""A policy as the contract's sentences read, without any cleverness; and policies made in one line."""

from collections.abc import Iterable
from typing import Any

from gateway.policy import Patterns, Policy


def naive_literal(pattern: str) -> tuple[str, bool]:
    """The literal text, and whether anything may follow."""
    is_prefix = pattern.endswith("*") and not pattern.endswith(r"\*")
    return (pattern[:-1] if is_prefix else pattern).replace(r"\*", "*"), is_prefix


def naive_best(patterns: Iterable[str], text: str) -> int:
    """The longest literal of all the patterns that match, -1 for none."""
    best = -1
    for pattern in patterns:
        literal, is_prefix = naive_literal(pattern)
        if text.startswith(literal) if is_prefix else text == literal:
            best = max(best, len(literal))
    return best


def naive_may_dial(allow: Iterable[str], deny: Iterable[str], number: str) -> bool:
    """Deny by default; the most specific wins; deny wins a tie."""
    allowed, denied = naive_best(allow, number), naive_best(deny, number)
    return allowed >= 0 and allowed > denied


def a_policy(
    *,
    allow: Iterable[str] = (),
    deny: Iterable[str] = (),
    lines: Iterable[str] = (),
    presented_caller_ids: Iterable[str] = (),
    **more: Any,
) -> Policy:
    """A compiled policy that allows nothing but what is named."""
    plain: dict[str, Any] = {
        "max_wait_seconds": 30,
        "max_delay_seconds": 60,
        "options": frozenset(),
        "recording_groups": frozenset(),
        "cards": frozenset(),
        "customers": frozenset(),
        "customer": None,
    }
    return Policy(
        allow=Patterns(allow, "allow"),
        deny=Patterns(deny, "deny"),
        lines=Patterns(lines, "lines"),
        presented_caller_ids=Patterns(presented_caller_ids, "ids"),
        **{**plain, **more},
    )
