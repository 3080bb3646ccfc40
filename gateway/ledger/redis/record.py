"""A record as the store keeps it: text, there and back. What it looks like, common.lua says."""

from typing import Final

import orjson

from gateway.call import IN_PROGRESS, CallRecord, Status
from gateway.ledger import Claim
from gateway.ledger.charges import Charge, read_charges
from gateway.ledger.outcome_text import read_outcome
from gateway.values import value_class

POINTER: Final = b"@"


@value_class(frozen=True, slots=True)
class Kept:
    """A record with what the ledger needs besides. `fingerprint` is 32 bytes, or none."""

    record: CallRecord
    fingerprint: bytes
    charges: tuple[Charge, ...]
    deadline_at_us: int


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
    "Kept",
    "read_kept",
    "write_static",
]
