"""The upstream misbehaving: every phase and misdeed of the catalogue, plain and TLS, both doors.

The outcomes stand in `cases`; here they are held against real gateway processes.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.hardening.cases import CASES, Case
from tests.hardening.plays import BEFORE_TLS, LATE_SECONDS, MARK, MOODS, PLAYS
from tests.hardening.stage import (
    Stage,
    Tls,
    ask,
    ask_all,
    body,
    callid,
    faults,
    gateway_before,
    make_tls,
    played,
    upstream_of,
)
from tests.house import DoorName, Gateway
from tests.wire.test_faults import closed_port, deaf_port
from tests.wire.upstream import Peer, RawUpstream

DOORS: tuple[DoorName, ...] = ("rest", "graphql")
BATCH = 32
GROWTH_BYTES = 48 * 1024 * 1024
CALLEES = (f"7{number:06d}" for number in count())
UNREACHABLE = {"upstream: before accept: refuses", "upstream: before accept: hangs"}


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


def test_every_row_has_its_play_and_every_play_its_row():
    """The catalogue is whole: what is played is written down, and what is written down is played."""
    ours = {case.name for case in CASES if case.name.startswith("upstream: ")}
    assert ours == set(PLAYS) | set(MOODS) | set(BEFORE_TLS) | UNREACHABLE


def resident_bytes(gateway: Gateway) -> int:
    pages = Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def strangers(gateway: Gateway, number: int) -> list[str]:
    """Calls of another tenant, one after the other over whatever connections are left: each must get its
    own reference and nothing else."""
    found = []
    for _ in range(number):
        callee = next(CALLEES)
        answer = gateway.call("rest", "other", body(callee))
        if MARK in answer.http.text or answer.call is None:
            found.append(f"stranger got {answer.body}")
        elif answer.call["reference"]["callId"] != callid(callee):
            found.append(f"stranger {callee} got {answer.call['reference']}")
    return found


def prime(gateway: Gateway, stage: Stage, number: int) -> None:
    """Leave that many idle connections behind: all of them are answered at the same moment."""
    stage.barrier = threading.Barrier(number)
    callees = [next(CALLEES) for _ in range(number)]
    with ThreadPoolExecutor(number) as pool:
        answers = list(pool.map(lambda callee: gateway.call("rest", "other", body(callee)), callees))
    stage.barrier = None
    assert {answer.status for answer in answers} == {201}, {answer.code for answer in answers}


def one_by_one(gateway: Gateway, stage: Stage) -> list[str]:
    """The late cases: each spoils the connection that the next call, a stranger's, would be made on."""
    found = []
    for case in played(CASES, late=True):
        for door in DOORS:
            callee = next(CALLEES)
            stage.plays = {callee: PLAYS[case.name]}
            told = ask(gateway, case, door, callee)
            time.sleep(3 * LATE_SECONDS)
            found += strangers(gateway, 2) + faults(gateway, [told], stage.dials)
    return found


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
def test_whatever_the_answer_the_promises_hold(tmp_path, tls, secured, reused):
    """One dial, an answer that the record, the quota and the upstream's own count agree with, within the
    deadline; no bytes reach another tenant, memory stays flat, and the next call works."""
    stage, secure = Stage(), tls if secured else None
    with upstream_of(stage, secure) as upstream:
        url = f"{'https' if secured else 'http'}://127.0.0.1:{upstream.port}"
        options = {"reuse_connections": reused, "idle_connection_seconds": 30}
        with gateway_before(tmp_path / "gateway", url, secure, **options) as gateway:
            assert not strangers(gateway, 3)
            wanted = [(case, door, next(CALLEES)) for case in played(CASES, late=False) for door in DOORS]
            stage.plays = {callee: PLAYS[case.name] for case, _, callee in wanted}
            before, found = resident_bytes(gateway), []
            for start in range(0, len(wanted), BATCH):
                batch = wanted[start : start + BATCH]
                if reused:
                    prime(gateway, stage, len(batch))
                told = ask_all(gateway, batch)
                if reused:
                    fresh = [case.name for case, _, callee in batch if not stage.was_reused.get(callee)]
                    found += [f"{name}: the connection was not reused" for name in fresh]
                found += strangers(gateway, 4)
                found += faults(gateway, told, stage.dials)
            found += one_by_one(gateway, stage)
            assert not found, "\n".join(found)
            assert not strangers(gateway, 10)
            assert resident_bytes(gateway) - before < GROWTH_BYTES
            assert gateway.metric("gateway_upstream_connections", state="active") == 0
            assert gateway.metric("gateway_upstream_in_flight") == 0
            assert gateway.metric("gateway_calls_total", outcome="internal") == 0


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
def test_an_upstream_that_will_not_even_listen(tmp_path, tls, secured):
    """Before and within the request: what surely did not leave is refunded, everything else unknown."""
    stage, secure = Stage(), tls if secured else None
    moods = {**BEFORE_TLS, **MOODS} if secured else MOODS
    mood: list[str] = []

    def script(peer: Peer) -> None:
        if mood and mood[0] in BEFORE_TLS:
            BEFORE_TLS[mood[0]](peer)
            return
        if secure is not None:
            peer.start_tls(secure.server)
        if mood:
            MOODS[mood[0]](peer)
        else:
            stage.serve(peer)

    with RawUpstream(script) as upstream:
        url = f"{'https' if secured else 'http'}://127.0.0.1:{upstream.port}"
        with gateway_before(tmp_path / "gateway", url, secure) as gateway:
            found = []
            for case in (case for case in CASES if case.name in moods):
                assert not strangers(gateway, 1)  # leaves an idle connection to the honest upstream
                gateway.client.get("/v1/quota", headers=gateway.headers("acme"))
                mood[:] = [case.name]
                upstream_closes_idle(upstream)
                told = ask_all(gateway, [(case, door, next(CALLEES)) for door in DOORS])
                mood.clear()
                found += faults(gateway, told, stage.dials)
            assert not found, "\n".join(found)
            assert not strangers(gateway, 3)


def upstream_closes_idle(upstream: RawUpstream) -> None:
    """End what is open, so that the next call needs a new connection."""
    for peer in list(upstream._peers):
        peer.close()


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
def test_an_upstream_that_is_not_there(tmp_path, tls, secured):
    """Refused or unanswered connections: not placed, refunded, and told within the connect timeout."""
    by_name = {case.name: case for case in CASES}
    with deaf_port() as deaf:
        for name, port in (
            ("upstream: before accept: refuses", closed_port()),
            ("upstream: before accept: hangs", deaf),
        ):
            url = f"{'https' if secured else 'http'}://127.0.0.1:{port}"
            with gateway_before(tmp_path / str(port), url, tls if secured else None) as gateway:
                told = [ask(gateway, by_name[name], door, next(CALLEES)) for door in DOORS]
                assert not faults(gateway, told, Stage().dials)


def test_a_case_is_read_as_it_is_written():
    """The table's cells mean what their columns say."""
    case = Case("x", "502 OUTCOME_UNKNOWN", "charged", 1, "UNKNOWN")
    assert (case.status, case.code, case.is_open) == (502, "OUTCOME_UNKNOWN", False)
    assert Case("x", "201 -", "charged", 1, "REQUESTED").code is None
    assert httpx.codes.is_error(case.status)
