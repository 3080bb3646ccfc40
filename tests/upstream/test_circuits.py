"""The two circuits of promise 9, on a clock that the test moves."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.settings.credentials import Pair
from gateway.upstream import CredentialsCircuit, Pairs, TransportCircuit
from gateway.wire import ErrorType, WireFault

REFUSED = WireFault(ErrorType.CONNECT_ERROR, sent=False, reason="[Errno 111] Connection refused")
BROKEN = WireFault(ErrorType.TLS_ERROR, sent=False, reason="certificate has expired")


class Clock:
    """Seconds that pass when a test says so; sleepers wake when their time has come."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        due = self.now + seconds
        if seconds > 0:
            woken = asyncio.get_running_loop().create_future()
            self._sleepers.append((due, woken))
            await woken

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, and whoever it wakes run."""
        self.now += seconds
        for due, woken in self._sleepers:
            if due <= self.now and not woken.done():
                woken.set_result(None)
        for _ in range(10):
            await asyncio.sleep(0)


class Probe:
    """Whether a connection can be made, and how often that was tried."""

    def __init__(self) -> None:
        self.works = False
        self.is_broken = False
        self.tries = 0

    async def __call__(self) -> WireFault | None:
        self.tries += 1
        if self.is_broken:
            raise RuntimeError("a defect of the probe")
        return None if self.works else BROKEN


def transport(clock: Clock, probe: Probe, failures: int | None = 3) -> TransportCircuit:
    return TransportCircuit(failures=failures, open_seconds=10, probe=probe, clock=clock, sleep=clock.sleep)


def on_a_loop(play: Callable) -> None:
    clock, probe = Clock(), Probe()

    async def run() -> None:
        circuit = transport(clock, probe)
        await play(circuit, clock, probe)
        circuit.close()

    asyncio.run(run())


def test_only_consecutive_failures_open_the_transport():
    """A connection in between starts the count anew; the third in a row opens."""

    async def play(circuit, _clock, _probe) -> None:
        for _ in range(3):
            circuit.failed_to_connect(REFUSED)
            circuit.failed_to_connect(REFUSED)
            circuit.connected()
        assert circuit.retry_after_seconds() is None
        for expected in (None, None, 10):
            circuit.failed_to_connect(REFUSED)
            assert circuit.retry_after_seconds() == expected
        assert circuit.state == "open"

    on_a_loop(play)


def test_the_transport_half_opens_by_connecting():
    """While it is open nothing passes; when the time is over a connection is tried, never a call; a failed
    one keeps it open for as long again, a good one closes it."""

    async def play(circuit, clock, probe) -> None:
        for _ in range(3):
            circuit.failed_to_connect(REFUSED)
        await clock.pass_by(9)
        assert (circuit.retry_after_seconds(), probe.tries) == (1, 0)
        await clock.pass_by(1)
        assert (circuit.retry_after_seconds(), probe.tries) == (10, 1)
        probe.works = True
        await clock.pass_by(10)
        assert (circuit.retry_after_seconds(), probe.tries, circuit.state) == (None, 2, "closed")
        await clock.pass_by(100)
        assert probe.tries == 2
        for _ in range(2):
            circuit.failed_to_connect(REFUSED)
        assert circuit.state == "closed"

    on_a_loop(play)


def test_a_defect_of_the_probe_leaves_the_circuit_no_longer_open_than_a_failure():
    """A probe that raises counts as one that could not connect; the next one may close the circuit."""

    async def play(circuit, clock, probe) -> None:
        probe.is_broken = True
        for _ in range(3):
            circuit.failed_to_connect(REFUSED)
        await clock.pass_by(0)
        await clock.pass_by(10)
        assert probe.tries == 1
        assert circuit.state == "open"
        probe.is_broken, probe.works = False, True
        await clock.pass_by(10)
        assert circuit.state == "closed"

    on_a_loop(play)


def test_calls_in_flight_do_not_prolong_an_open_transport():
    """Failures that come in while it is open start no second probe and move no time."""

    async def play(circuit, clock, probe) -> None:
        for _ in range(8):
            circuit.failed_to_connect(REFUSED)
        await clock.pass_by(10)
        assert probe.tries == 1

    on_a_loop(play)


def test_a_transport_circuit_that_is_off_never_opens():
    """`circuit: off`."""
    circuit = transport(Clock(), Probe(), failures=None)
    for _ in range(100):
        circuit.failed_to_connect(REFUSED)
    assert circuit.retry_after_seconds() is None


def test_three_rejections_in_a_row_open_the_credentials():
    """Two and a good answer do not; three do, for thirty seconds."""
    clock = Clock()
    circuit = CredentialsCircuit("one", clock)
    for _ in range(2):
        circuit.rejected()
        circuit.rejected()
        circuit.accepted()
    assert circuit.take().retry_after_seconds is None
    for _ in range(3):
        assert circuit.take().retry_after_seconds is None
        circuit.rejected()
    assert (circuit.take().retry_after_seconds, circuit.state) == (30, "open")
    clock.now += 29.5
    assert circuit.take().retry_after_seconds == 1


def test_one_call_is_let_through_every_thirty_seconds():
    """One trial; the others wait; its rejection leaves the circuit open, its acceptance closes it."""
    clock = Clock()
    circuit = CredentialsCircuit("one", clock)
    for _ in range(3):
        circuit.rejected()
    for _ in range(3):
        clock.now += 30
        assert circuit.state == "half_open"
        trial = circuit.take()
        assert (trial.retry_after_seconds, trial.is_trial) == (None, True)
        assert circuit.take().retry_after_seconds == 30
        circuit.rejected()
        assert circuit.take().retry_after_seconds == 30
    clock.now += 30
    circuit.take()
    circuit.accepted()
    assert circuit.take() == circuit.take()
    assert circuit.take().retry_after_seconds is None


def test_a_trial_that_was_not_dialled_is_given_back():
    """A quota or a replay must not use up the one trial of thirty seconds."""
    clock = Clock()
    circuit = CredentialsCircuit("one", clock)
    for _ in range(3):
        circuit.rejected()
    clock.now += 30
    circuit.give_back(circuit.take())
    again = circuit.take()
    assert again.is_trial
    refused = circuit.take()
    circuit.give_back(refused)
    assert not circuit.take().is_trial


def test_a_changed_pair_closes_its_circuit_and_no_other():
    """Each named pair has its own; the same pair read anew changes nothing."""
    pairs = Pairs([("one", Pair("u", "p")), ("two", Pair("u", "q"))], ";", Clock())
    for circuit in pairs.circuits.values():
        for _ in range(3):
            circuit.rejected()
    held = pairs.current("one")
    assert pairs.replace("one", Pair("u", "p")) is False
    assert pairs.circuits["one"].state == "open"
    assert pairs.replace("one", Pair("u", "new")) is True
    assert {name: circuit.state for name, circuit in pairs.circuits.items()} == {
        "one": "closed",
        "two": "open",
    }
    assert pairs.current("one") is not held


@pytest.mark.parametrize("shown", [repr, str, lambda pair: f"{pair}"])
def test_a_held_pair_shows_no_secret(shown):
    """Neither its own text nor that of what holds it tells the credential."""
    pairs = Pairs([("one", Pair("svc canary", "canary;word"))], ";", Clock())
    for thing in (pairs.current("one"), pairs.current("one").pair, pairs):
        assert "canary" not in shown(thing)


def test_the_log_tells_each_kind_once_until_a_connection_works(caplog: Any):
    """And the opening and the closing; a probe that meets another kind tells that one."""

    async def play(circuit, clock, probe) -> None:
        for _ in range(9):
            circuit.failed_to_connect(REFUSED)
        for _ in range(3):
            await clock.pass_by(10)
        probe.works = True
        await clock.pass_by(10)
        circuit.connected()

    on_a_loop(play)
    assert caplog.messages == [
        "no connection to the upstream (connect_error): [Errno 111] Connection refused",
        "circuit transport opened (connect_error): [Errno 111] Connection refused",
        "no connection to the upstream (tls_error): certificate has expired",
        "circuit transport closed: a connection could be made",
    ]


def test_an_upstream_that_fails_now_and_then_does_not_flood_the_log(caplog: Any):
    """Where every other connection fails a kind is told once a minute; one that goes on failing is told when
    the minute is over, though the circuit is off."""
    clock = Clock()
    circuit = transport(clock, Probe(), failures=None)
    for _ in range(59):
        circuit.failed_to_connect(REFUSED)
        circuit.connected()
        clock.now += 1
    assert len(caplog.messages) == 1
    for _ in range(200):
        circuit.failed_to_connect(REFUSED)
        clock.now += 1
    assert len(caplog.messages) == 2
