"""What refuses a call, in words; pure, so that the order of decisions can be read in one place."""

import re
from collections.abc import Callable
from typing import Final

from gateway.errors import CATALOGUE, Code, Problem, Refusal, refuse
from gateway.tenant import Tenant
from gateway.upstream import Passage
from gateway.values import value_class

RETRY_SECONDS: Final = 1
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


@value_class(frozen=True, slots=True)
class Standing:
    """What the operators have set for the whole gateway, and whether it is shutting down."""

    is_paused: bool
    is_draining: Callable[[], bool]


def key_fault(tenant: Tenant, key: str | None) -> Refusal | None:
    """What is wrong with a tenant's idempotency key, or with its absence; a dry run ignores both."""
    if key is None:
        if not tenant.requires_key:
            return None
        detail = "This tenant's calls need an idempotency key; send a new one with each new call."
        return refuse(Code.IDEMPOTENCY_KEY_MISSING, detail)
    if _KEY.fullmatch(key) is not None:
        return None
    detail = "An idempotency key must be 1 to 255 visible ASCII characters, without spaces."
    return refuse(Code.IDEMPOTENCY_KEY_INVALID, detail)


def input_fault(problems: tuple[Problem, ...]) -> Refusal:
    """Every problem of a body at once."""
    first = problems[0]
    where = f"`{first.pointer}` {first.detail}" if first.pointer else f"The body {first.detail}"
    end = "" if where.endswith("?") else "."
    more = f" ({len(problems)} problems are told.)" if len(problems) > 1 else ""
    return refuse(Code.INVALID_INPUT, f"{where}{end}{more}", problems=problems)


def denial(problems: tuple[Problem, ...]) -> Refusal | None:
    """The policy's verdict: the gravest code names it, all of them are told."""
    if not problems:
        return None
    code = problems[0].code
    named = ", ".join(sorted({problem.pointer for problem in problems}))
    detail = f"{CATALOGUE[code].title} to this tenant: see {named}. The operators decide what it may ask for."
    return refuse(code, detail, problems=problems)


def draining(*, keyed: bool) -> Refusal:
    """503 while shutting down."""
    detail = "This gateway is shutting down; nothing was dialled. Retry, and another will answer."
    return refuse(Code.DRAINING, detail, retry_after_seconds=RETRY_SECONDS).before_lookup(keyed=keyed)


def overloaded(rules: tuple[str, ...], *, keyed: bool) -> Refusal:
    """503 where the gateway or the tenant has too many calls in flight: as many as `rules` allow."""
    detail = "Too many calls are in flight; nothing was dialled. Retry shortly."
    refusal = refuse(Code.OVERLOADED, detail, retry_after_seconds=RETRY_SECONDS, rules=rules)
    return refusal.before_lookup(keyed=keyed)


def verdict(standing: Standing, passage: Passage, problems: tuple[Problem, ...]) -> Refusal | None:
    """What refuses a call unless its key is known already: PAUSED, CIRCUIT_OPEN, then the policy."""
    if standing.is_paused:
        detail = "The operators have paused all calls; nothing was dialled, reading goes on. Retry later."
        return refuse(Code.PAUSED, detail, retry_after_seconds=RETRY_SECONDS)
    if passage.retry_after_seconds is not None:
        detail = "Calls are held back after repeated upstream failures; nothing was dialled. Retry later."
        return refuse(Code.CIRCUIT_OPEN, detail, retry_after_seconds=passage.retry_after_seconds)
    return denial(problems)
