"""A record as the store keeps it: text, there and back. What it looks like, common.lua says."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from gateway.call import IN_PROGRESS, CallRecord, Status
from gateway.ledger import Claim, Limit, Per, Scope
from gateway.ledger.outcome_text import read_outcome
from gateway.ledger.quota import rule_of
from gateway.values import value_class

POINTER: Final = b"@"


class Charge(NamedTuple):
    """One quota that a call was charged on; whose counter it is, the record tells.

    `unit_us` and `refill` are the rule's; older records have none.
    """

    quota: str
    scope: Scope
    is_concurrent: bool
    unit_us: int = 0
    refill: int = 0


@value_class(frozen=True, slots=True)
class Kept:
    """A record with what the ledger needs besides. `fingerprint` is 32 bytes, or none."""

    record: CallRecord
    fingerprint: bytes
    charges: tuple[Charge, ...]
    deadline_at_us: int


def charges_of(limits: Iterable[Limit]) -> tuple[Charge, ...]:
    """What a call under these limits is charged."""
    return tuple(
        Charge(limit.name, limit.scope, limit.per is Per.CONCURRENT, rule.unit_us, rule.refill)
        for limit, rule in ((limit, rule_of(limit)) for limit in limits)
    )


def write_charges(charges: Iterable[Charge]) -> str:
    """Charges as a record and a spool keep them."""
    return orjson.dumps([tuple(charge) for charge in charges]).decode()


@lru_cache(maxsize=4096)
def read_charges(written: str) -> tuple[Charge, ...]:
    """What `write_charges` wrote. Raises ValueError."""
    return tuple(Charge(quota, Scope(scope), *rest) for quota, scope, *rest in orjson.loads(written))


def write_static(claim: Claim, charges: str) -> bytes:
    """What of a record never changes; `charges` as `write_charges` has them."""
    return orjson.dumps(
        (
            claim.subject,
            claim.key,
            claim.caller_number,
            claim.callee_number,
            claim.client_reference,
            claim.fingerprint.hex(),
            charges,
        )
    )


def read_kept(tenant: str, text: bytes) -> Kept:
    """The record that the text says. Raises ValueError where it is none."""
    head, _, static = text.partition(b"\n")
    call_id, status, _, requested, deadline, settled, outcome = head[1:].split(b"|", 6)
    subject, key, caller, callee, reference, fingerprint, charges = orjson.loads(static)
    is_in_progress = status == Status.IN_PROGRESS.value.encode()
    record = CallRecord(
        call_id.decode(),
        tenant,
        IN_PROGRESS if is_in_progress else read_outcome(outcome),
        int(requested),
        int(settled) if settled else None,
        reference,
        caller,
        callee,
        subject,
        key,
    )
    return Kept(record, bytes.fromhex(fingerprint), read_charges(charges), int(deadline))


__all__ = [
    "POINTER",
    "Charge",
    "Kept",
    "charges_of",
    "read_charges",
    "read_kept",
    "write_charges",
    "write_static",
]
