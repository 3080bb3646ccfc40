"""An outcome as text, there and back: what a store or a spool keeps of it."""

import orjson

from gateway.call import Outcome, Reference, Status
from gateway.errors import Code


def write_outcome(outcome: Outcome) -> bytes:
    """One line of JSON."""
    reference = outcome.reference
    parts = None
    if reference is not None:
        # As text: a machine number may have any length, and JSON's integers stop at 64 bits.
        machine = None if reference.machine is None else str(reference.machine)
        parts = (machine, reference.server, reference.call_id)
    whole = (
        outcome.status.value,
        outcome.http_status,
        outcome.code,
        outcome.error_type,
        parts,
        outcome.pointers,
    )
    return orjson.dumps(whole)


def read_outcome(text: bytes | str) -> Outcome:
    """What `write_outcome` wrote. Raises ValueError for anything else."""
    status, http_status, code, error_type, parts, pointers = orjson.loads(text)
    reference = None
    if parts is not None:
        machine, server, call_id = parts
        reference = Reference(None if machine is None else int(machine), server, call_id)
    return Outcome(
        Status(status),
        http_status,
        None if code is None else Code(code),
        error_type,
        reference,
        tuple(pointers),
    )


__all__ = ["read_outcome", "write_outcome"]
