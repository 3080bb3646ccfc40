"""An example to copy: making a call through REST with httpx, and a retry that can never ring twice."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict, assert_never

import httpx


class Caller(TypedDict):
    """Who is rung first."""

    number: str
    type: NotRequired[Literal["NUMBER", "LINE"]]
    presentedCallerId: NotRequired[str]


class Callee(TypedDict):
    """Who is rung when the caller has answered."""

    number: str
    dialPlan: NotRequired[Literal["AUTO"]]
    presentedCallerId: NotRequired[str]


class CallInput(TypedDict):
    """What this example uses of `CallInput` in `schema/openapi.json`."""

    caller: Caller
    callee: Callee
    waitSeconds: NotRequired[int]
    clientReference: NotRequired[str]
    dryRun: NotRequired[bool]


@dataclass(frozen=True)
class Requested:
    """The telephone system took the request; whether anybody answers is not told."""

    call_id: str
    is_replayed: bool


@dataclass(frozen=True)
class Translated:
    """The answer of a dry run: what would be sent."""

    path: str
    query: str | None


@dataclass(frozen=True)
class Refused:
    """Certainly not placed."""

    code: str
    detail: str
    retry_after_seconds: int | None


@dataclass(frozen=True)
class Unknown:
    """It may have been placed: ask with the same `key` only, and never with another."""

    key: str
    code: str | None
    detail: str
    call_id: str | None


Outcome = Requested | Translated | Refused | Unknown


def make_call(
    client: httpx.Client,
    call: CallInput,
    *,
    key: str | None = None,
    attempts: int = 4,
    longest_wait_seconds: float = 10,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Make one call. `client` has the base URL, the Authorization header, and a timeout beyond `waitSeconds`.

    The key stands for this one intent and is the same at every attempt, so at most one call is placed.
    Retried are lost answers, and what the gateway calls retryable.
    """
    key = key or str(uuid.uuid4())
    outcome: Outcome
    wait: float | None
    for attempt in range(1, attempts + 1):
        try:
            answer = client.post("/v1/calls", json=call, headers={"Idempotency-Key": key})
        except httpx.TransportError as fault:
            outcome, wait = Unknown(key, None, f"no answer came: {fault!r}", None), 2**attempt / 10
        else:
            outcome, wait = _read(answer, key)
        if wait is None or wait > longest_wait_seconds or attempt == attempts:
            return outcome
        sleep(wait)
    raise ValueError("attempts must be 1 or more")


def _read(answer: httpx.Response, key: str) -> tuple[Outcome, float | None]:
    """The outcome, and the seconds after which the same request may come to another; None: it will not."""
    body = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
    if answer.status_code in {201, 202} and "id" in body:
        return Requested(body["id"], "Idempotent-Replayed" in answer.headers), None
    if answer.status_code == 200 and "upstreamRequest" in body:
        return Translated(body["upstreamRequest"]["path"], body["upstreamRequest"]["query"]), None
    if "code" not in body:  # a proxy between us
        return Unknown(key, None, f"HTTP {answer.status_code}, not of the gateway", None), 1
    wait = int(answer.headers.get("Retry-After", "1"))
    retry = wait if body.get("retryable") else None
    if body.get("callState") == "UNKNOWN":
        return Unknown(key, body["code"], body["detail"], body.get("callId")), retry
    return Refused(body["code"], body["detail"], retry), retry


def told(outcome: Outcome) -> str:
    """One sentence for the person who asked; mypy proves that none is forgotten."""
    match outcome:
        case Requested(call_id, is_replayed):
            return f"{'asked before' if is_replayed else 'requested'}: {call_id}"
        case Translated(path, query):
            return f"would send {path}?{query or ''}"
        case Refused(code, detail, _):
            return f"not placed ({code}): {detail}"
        case Unknown(_, code, detail, _):
            return f"nobody knows whether it rang ({code or 'no answer'}): {detail}"
        case _:
            assert_never(outcome)
