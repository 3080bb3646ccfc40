"""An outcome that the store could not take down: told to the client, spooled, and written later."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.house import Answer, Gateway, number, run, started, stop, tenant, until
from tests.replicas.fleet import shared

CALLEE = number()["callee"]["number"]
QUOTAS = [{"name": "daily", "limit": 10, "per": "day"}]


@pytest.fixture
def directory(tmp_path, gate, valkey) -> Path:
    """Where a gateway's configuration, spool and logs lie."""
    upstream = {"answer_margin_seconds": 1}
    settings = shared(tmp_path, gate.url, valkey, {"acme": tenant("acme", quotas=QUOTAS)}, upstream=upstream)
    (tmp_path / "gateway.yaml").write_text(json.dumps(settings))
    return tmp_path


def _gateway(directory: Path, name: str) -> AbstractContextManager[Gateway]:
    return started(directory / "gateway.yaml", directory / f"{name}.log")


def _spooled(directory: Path) -> int:
    return sum(path.stat().st_size for path in (directory / "spool").glob("settle-*.spool"))


def _answered_while_hung(gateway, gate, valkey, check) -> Answer:
    """A call that is answered by the upstream while the store hangs; `check` runs before that ends."""
    dials = gate.dials(CALLEE)
    with ThreadPoolExecutor(1) as pool:
        with gate.holding():
            calling = pool.submit(gateway.call, "graphql", "acme", number(), "k-1")
            gate.await_dials(CALLEE, dials + 1)
            valkey.process.send_signal(signal.SIGSTOP)
        try:
            answer = calling.result(30)
            check()
        finally:
            valkey.process.send_signal(signal.SIGCONT)
    return answer


def test_the_client_hears_the_truth_and_the_record_follows(directory, gate, valkey):
    """With the store hung, a placed call is told as placed; once it is back the record says so too."""
    with _gateway(directory, "one") as gateway:
        answer = _answered_while_hung(gateway, gate, valkey, lambda: None)
        assert (answer.code, answer.call["status"]) == (None, "REQUESTED")
        assert gateway.metric("gateway_ledger_errors_total", kind="timeout") >= 1
        until(lambda: gateway.find("acme", answer.call["id"])["status"] == "REQUESTED")
        replay = gateway.call("rest", "acme", number(), "k-1")
        assert (replay.status, replay.replayed) == (202, True)
        until(lambda: _spooled(directory) == 0)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_spool_survives_a_restart(directory, gate, valkey, how):
    """What waits on disk when the process ends, or is killed, is settled by the next one."""
    with _gateway(directory, "one") as gateway:

        def end() -> None:
            assert _spooled(directory) > 0
            assert stop(gateway.process, how) == (0 if how == signal.SIGTERM else -how)
            assert _spooled(directory) > 0

        answer = _answered_while_hung(gateway, gate, valkey, end)
    assert answer.code is None
    with _gateway(directory, "two") as gateway:
        until(lambda: gateway.find("acme", answer.call["id"])["status"] == "REQUESTED")
        until(lambda: _spooled(directory) == 0)
        replay = gateway.call("rest", "acme", number(), "k-1")
        assert (replay.status, replay.replayed) == (202, True)
        assert gateway.remaining("acme") == {"daily": 9}


def test_a_living_neighbour_settles_for_a_killed_process(directory, gate, valkey):
    """Processes that share a spool directory settle what one of them left when it was killed."""
    with _gateway(directory, "one") as doomed, _gateway(directory, "two") as other:
        answer = _answered_while_hung(doomed, gate, valkey, lambda: stop(doomed.process, signal.SIGKILL))
        assert answer.code is None
        until(lambda: other.find("acme", answer.call["id"])["status"] == "REQUESTED")
        until(lambda: _spooled(directory) == 0)


def test_a_settlement_whose_record_is_lost_does_not_wait_for_ever(directory, gate, valkey):
    """After a flush that was acknowledged there is nothing left to settle: the spool says so and empties."""
    with _gateway(directory, "one") as gateway:

        def end() -> None:
            stop(gateway.process, signal.SIGKILL)

        _answered_while_hung(gateway, gate, valkey, end)
    assert _spooled(directory) > 0
    valkey.ask("FLUSHALL")
    with _gateway(directory, "two") as gateway:
        assert gateway.call("rest", "acme", number()).code == "STORE_UNAVAILABLE"
        assert _spooled(directory) > 0
        assert run("store", "acknowledge", "--config", str(gateway.config)).wait(30) == 0
        until(lambda: _spooled(directory) == 0)
        until(lambda: any("dropped" in line["message"] for line in gateway.lines("log")))
        assert gateway.call("rest", "acme", number()).status == 202
