"""The stage of the upstream's cases: a scripted upstream, a real gateway in front of it, and what is
asserted of every call, whatever was done to it."""

import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from tests.hardening.cases import Case
from tests.hardening.plays import MARGIN_SECONDS, MARK, PLAYS, Play, honest, http
from tests.house import Answer, DoorName, Gateway, configuration, serving, tenant
from tests.wire.upstream import Peer, RawUpstream

ONCE = [
    {"name": "once", "limit": 1, "per": "day", "scope": "callee"},
    {"name": "at-once", "limit": 500, "per": "concurrent"},
]
"""A second call to the same callee tells whether the first is still charged."""

LATE_SLACK_SECONDS = 4.0
"""How much later than its deadline an answer may come on a machine that is busy with many tests."""

_CALLEE = re.compile(rb"[;&]cnumber=(\d+)")


@dataclass(frozen=True)
class Tls:
    """The upstream's certificate, and the file that makes the gateway trust it."""

    server: ssl.SSLContext
    ca_file: Path


def make_tls(directory: Path) -> Tls:
    """A new authority and its certificate for 127.0.0.1."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    return Tls(server, directory / "ca.pem")


def callid(callee: str) -> str:
    """The reference that the honest upstream gives the call to that callee, and to no other."""
    return f"{callee}.000001"


@dataclass
class Stage:
    """The upstream's book: what is to be done with the call to which callee, and what came."""

    plays: dict[str, Play] = field(default_factory=dict)
    dials: Counter[str] = field(default_factory=Counter)
    was_reused: dict[str, bool] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    barrier: threading.Barrier | None = None

    def serve(self, peer: Peer) -> None:
        """One connection: each request whole, then the play of its callee, if it has one left."""
        served = 0
        while True:
            found = _CALLEE.search(peer.read_request())
            assert found is not None
            callee = found[1].decode()
            with self.lock:
                self.dials[callee] += 1
                self.was_reused[callee] = served > 0
                play = self.plays.pop(callee, None)
            served += 1
            if play is None:
                if self.barrier is not None:
                    self.barrier.wait(20)
                peer.send(http(honest(callid(callee))))
            elif not play(peer, honest(callid(callee))):
                return


@dataclass(frozen=True)
class Told:
    """One call of a case: where it was asked for, what the client heard, how long it took."""

    case: Case
    door: DoorName
    callee: str
    answer: Answer
    seconds: float


def body(callee: str) -> dict[str, Any]:
    """A call to that callee."""
    return {"caller": {"number": "1234567"}, "callee": {"number": callee}}


@contextmanager
def gateway_before(
    directory: Path, url: str, tls: Tls | None, *, tenants: dict[str, Any] | None = None, **upstream: Any
) -> Iterator[Gateway]:
    """A gateway with a short deadline and no circuit, so that each case meets the upstream itself."""
    directory.mkdir(exist_ok=True)
    settings = configuration(
        directory,
        url,
        tenants or {"acme": tenant("acme", quotas=ONCE), "other": tenant("other")},
        limits={"header_seconds": 10},
    )
    settings["upstream"] |= {
        "answer_margin_seconds": MARGIN_SECONDS,
        "connect_timeout_seconds": MARGIN_SECONDS,
        "circuit": "off",
        "max_in_flight_per_tenant": 512,
        "tls": {"ca_file": None if tls is None else str(tls.ca_file)},
        **upstream,
    }
    with serving(directory, settings) as gateway:
        yield gateway


def ask(gateway: Gateway, case: Case, door: DoorName, callee: str) -> Told:
    """Ask for one call, timed."""
    started = time.monotonic()
    answer = gateway.call(door, "acme", body(callee))
    return Told(case, door, callee, answer, time.monotonic() - started)


def ask_all(gateway: Gateway, wanted: list[tuple[Case, DoorName, str]]) -> list[Told]:
    """Ask for all of them at once."""
    with ThreadPoolExecutor(len(wanted)) as pool:
        return list(pool.map(lambda one: ask(gateway, *one), wanted))


def records(gateway: Gateway, tenant_name: str = "acme") -> dict[str, dict[str, Any]]:
    """Every call of a tenant, newest of each callee, by callee."""
    found: dict[str, dict[str, Any]] = {}
    cursor = ""
    while True:
        url = "/v1/calls?limit=100" + (f"&cursor={cursor}" if cursor else "")
        page = gateway.client.get(url, headers=gateway.headers(tenant_name)).json()
        for call in page["calls"]:
            found.setdefault(call["calleeNumber"], call)
        cursor = page["nextCursor"]
        if cursor is None:
            return found


def fault_of(told: Told, record: dict[str, Any], dials: int, *, is_charged: bool) -> str | None:
    """Which promise one call breaks, in words; None where all are kept."""
    case, answer = told.case, told.answer
    seen = f"{answer.status} {answer.code}, {record['status']}, {dials} dials, charged {is_charged}"
    if MARK in answer.http.text:
        return f"tells bytes that belong to nobody: {seen}"
    if told.seconds > MARGIN_SECONDS + LATE_SLACK_SECONDS:
        return f"took {told.seconds:.1f} s: {seen}"
    if dials > 1 or dials != case.dials:
        return f"wants {case.dials} dials: {seen}"
    if case.is_open:
        told_unknown = answer.code == "OUTCOME_UNKNOWN"
        consistent = record["status"] == ("UNKNOWN" if told_unknown else "NOT_PLACED")
        if answer.code not in {"OUTCOME_UNKNOWN", "UPSTREAM_UNREACHABLE"} or not consistent:
            return f"answer and record disagree: {seen}"
        return None if is_charged == told_unknown else f"answer and quota disagree: {seen}"
    if answer.code != case.code or (told.door == "rest" and answer.status != case.status):
        return f"wants {case.answer}: {seen}"
    if record["status"] != case.record:
        return f"wants the record {case.record}: {seen}"
    if is_charged != (case.quota == "charged"):
        return f"wants the quota {case.quota}: {seen}"
    reference = record["reference"]
    expected = callid(told.callee) if case.status == 201 else None
    if (None if reference is None else reference["callId"]) != expected:
        return f"wants the reference {expected}, recorded {reference}: {seen}"
    return None


def faults(gateway: Gateway, told: list[Told], dials: Counter[str]) -> list[str]:
    """Every promise that any of these calls breaks."""
    dialled = Counter(dials)
    recorded = records(gateway)
    with ThreadPoolExecutor(16) as pool:
        again = list(pool.map(lambda one: gateway.call("rest", "acme", body(one.callee)), told))
    found = []
    for one, second in zip(told, again, strict=True):
        record = recorded.get(one.callee)
        if record is None:
            found.append(f"{one.case.name} ({one.door}): no record, {one.answer.body}")
            continue
        is_charged = second.code == "QUOTA_EXCEEDED"
        fault = fault_of(one, record, dialled[one.callee], is_charged=is_charged)
        if fault is not None:
            found.append(f"{one.case.name} ({one.door}): {fault}")
    return found


def upstream_of(stage: Stage, tls: Tls | None) -> RawUpstream:
    """A listener that plays the stage."""
    return RawUpstream(stage.serve, None if tls is None else tls.server)


def played(cases: tuple[Case, ...], *, late: bool) -> tuple[Case, ...]:
    """The cases that begin with a request received whole; the late ones spoil a connection that idles, and
    must be played one by one: what comes in after the next request was written can't be told from its
    answer (HTTP/1.1 numbers nothing)."""
    return tuple(c for c in cases if c.name in PLAYS and c.name.startswith("upstream: late:") == late)
