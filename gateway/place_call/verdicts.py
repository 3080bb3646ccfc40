"""What refuses a call, in words; pure, so that the order of decisions can be read in one place."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.access import suspension
from gateway.errors import CATALOGUE, Code, Problem, Refusal, refuse
from gateway.place_call.results import Asked
from gateway.upstream import Passage

RETRY_SECONDS: Final = 1
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the operators have set for the whole gateway, and whether it is shutting down.

    `stopped_by` tells what the configuration in force stops a tenant's calls with: TENANT_SUSPENDED,
    PAUSED or None. It may have replaced this one while a request was still being read.
    """

    is_paused: bool
    is_draining: Callable[[], bool]
    stopped_by: Callable[[str], Code | None] = lambda _: None


def key_fault(asked: Asked) -> Refusal | None:
    """What is wrong with the idempotency key, or with its absence; a dry run ignores it."""
    if asked.is_dry_run:
        return None
    if asked.key is None:
        if not asked.principal.tenant.requires_key:
            return None
        detail = "This tenant's calls need an idempotency key; send a new one with each new call."
        return refuse(Code.IDEMPOTENCY_KEY_MISSING, detail)
    if _KEY.fullmatch(asked.key) is not None:
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


def overloaded(*, keyed: bool) -> Refusal:
    """503 where the gateway or the tenant has too many calls in flight."""
    detail = "Too many calls are in flight; nothing was dialled. Retry shortly."
    return refuse(Code.OVERLOADED, detail, retry_after_seconds=RETRY_SECONDS).before_lookup(keyed=keyed)


def suspended(standing: Standing, asked: Asked) -> Refusal | None:
    """403 where the tenant was suspended since the door asked."""
    if standing.stopped_by(asked.principal.tenant.name) is not Code.TENANT_SUSPENDED:
        return None
    return suspension().before_lookup(keyed=asked.key is not None)


def verdict(
    standing: Standing, passage: Passage, tenant: str, problems: tuple[Problem, ...]
) -> Refusal | None:
    """What refuses a call unless its key is known already: PAUSED, CIRCUIT_OPEN, then the policy."""
    if standing.is_paused or standing.stopped_by(tenant) is Code.PAUSED:
        detail = "The operators have paused all calls; nothing was dialled, reading goes on. Retry later."
        return refuse(Code.PAUSED, detail, retry_after_seconds=RETRY_SECONDS)
    if passage.retry_after_seconds is not None:
        detail = "Calls are held back after repeated upstream failures; nothing was dialled. Retry later."
        return refuse(Code.CIRCUIT_OPEN, detail, retry_after_seconds=passage.retry_after_seconds)
    return denial(problems)
