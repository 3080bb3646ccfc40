"""A replica that is killed: the others free what it held, and tell of its calls what is known."""

import signal
import threading

import httpx
import pytest

from tests.house import DOORS, Gateway, number, stop, tenant, until
from tests.replicas.fleet import PATIENT, fleet, shared

CALLEE = number()["callee"]["number"]


def test_a_killed_replica_keeps_no_slot_and_its_call_becomes_unknown(gate, valkey, tmp_path):
    """The call in progress of a killed process turns unknown through another replica, is not dialled
    again, stays charged, and gives back its slot."""
    quotas = [
        {"name": "daily", "limit": 10, "per": "day"},
        {"name": "at-once", "limit": 1, "per": "concurrent"},
    ]
    tenants = {"acme": tenant("acme", quotas=quotas)}
    upstream = {"answer_margin_seconds": 1}
    settings = [
        shared(tmp_path / str(n), gate.url, valkey, tenants, store=PATIENT, upstream=upstream)
        for n in range(2)
    ]
    with fleet(tmp_path, settings) as (doomed, other), gate.holding():
        asking = threading.Thread(target=_ask_in_vain, args=(doomed,))
        asking.start()
        gate.await_dials(CALLEE)
        stop(doomed.process, signal.SIGKILL)
        asking.join(10)
        (record,) = other.calls("acme")
        assert record["status"] == "IN_PROGRESS"
        assert other.call("rest", "acme", number()).code == "QUOTA_EXCEEDED"
        assert other.call("graphql", "acme", number(), "k-1").code == "CALL_IN_PROGRESS"
        until(lambda: other.find("acme", record["id"])["status"] == "UNKNOWN")
        assert other.remaining("acme") == {"daily": 9, "at-once": 1}
        for door in DOORS:
            replay = other.call(door, "acme", number(), "k-1")
            assert (replay.code, replay.replayed) == ("OUTCOME_UNKNOWN", True)
        assert gate.dials(CALLEE) == 1


def _ask_in_vain(gateway: Gateway) -> None:
    with pytest.raises(httpx.TransportError):
        gateway.call("rest", "acme", number(), "k-1")
