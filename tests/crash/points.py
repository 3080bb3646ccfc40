"""Every step of a call at which the gateway may die, from the request's head to the answer's last byte.

The names are the rows of `tests.hardening.cases` that begin with `crash: `; those of one store only say
which. A quiet call, to a callee that ends in `digits`, dies there first; then calls under load do.
"""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.ledger import Admitted
from gateway.ledger.redis.scripts import ADMIT, CLOSE
from gateway.ledger.sqlite.job import Job, Weight
from tests.crash.deaths import (
    half,
    half_of_body,
    half_of_head,
    half_spooled,
    head,
    head_answered,
    lingering,
    reading,
    tearing,
    writing,
)
from tests.crash.trap import Locals, Trap, die


@dataclass(frozen=True, slots=True)
class Point:
    """One trap, and the callee of the quiet call that falls into it. `away` is the line before which the
    store gets the signal `away_by`, where the trap is on the way of what it could not take down."""

    trap: Trap
    digits: str = "0200"
    away: Trap | None = None
    away_by: int = signal.SIGKILL


def _jobs(found: Locals) -> list[Job]:
    """What a transaction does for callers; the opening's and the housekeeping's work is nobody's job."""
    owners = [getattr(work, "__self__", None) for work in found["works"]]
    return [owner for owner in owners if isinstance(owner, Job)]


def _admits(found: Locals) -> bool:
    return any(job.weight is Weight.ADMIT for job in _jobs(found))


def _settles(found: Locals) -> bool:
    """Without any admission, which would be lost with it."""
    return not _admits(found) and any((job.debt or "").startswith("settle ") for job in _jobs(found))


def _sends(*words: bytes) -> Callable[[Locals], bool]:
    return lambda found: all(word in found["payload"] for word in words)


def _tells(word: bytes) -> Callable[[Locals], bool]:
    return lambda found: word in found["data"]


def _sqlite(line: str, when: Callable[[Locals], bool], act: Callable[[Locals], None] = die) -> Trap:
    return Trap("ledger/sqlite/writer.py", "Writer._transact", line, when, act)


def _sending(when: Callable[[Locals], bool], act: Callable[[Locals], None] = die) -> Trap:
    line = "if self._transport is not None and not"
    return Trap("ledger/redis/connection.py", "Connection._flush", line, when, act)


def _replied(word: bytes, act: Callable[[Locals], None] = die) -> Trap:
    line = "replies = self._reader.feed(data)"
    return Trap("ledger/redis/connection.py", "Connection.data_received", line, _tells(word), act)


def _wire(line: str, act: Callable[[Locals], None] = die) -> Trap:
    return Trap("wire/connection.py", "Connection.data_received", line, act=act)


def _place(function: str, line: str) -> Trap:
    return Trap("place_call/place.py", f"PlaceCall.{function}", line)


def _edge(line: str, act: Callable[[Locals], None] = die) -> Trap:
    return Trap("doors/edge.py", "Endpoint.serve", line, lambda found: found["arrival"].method == "POST", act)


_COMMIT: Final = 'execute("COMMIT")'
_COMMITTED: Final = "self.commits += 1"
_ADMITS: Final = _sends(ADMIT.by_digest)
_SETTLES: Final = _sends(CLOSE.by_digest, b"\r\nsettle\r\n")
_SQLITE_ASKS: Final = Trap(
    "ledger/sqlite/ledger.py",
    "SqliteLedger._ask",
    "self._writer.put(",
    lambda found: found["weight"] is Weight.ADMIT,
)
_SQLITE_TOLD: Final = Trap(
    "ledger/sqlite/answers.py",
    "hand_out",
    "for job, result, error in answers",
    lambda found: any(isinstance(answer.result, Admitted) for answer in found["answers"]),
)
_VALKEY_READ: Final = Trap(
    "ledger/redis/admission.py",
    "Admission._decision",
    "code, *head = ",
    lambda found: found["answer"][0] == b"admitted",
)

BOTH: Final = {
    "crash: request: head read": Point(_edge("options.started()")),
    "crash: request: read whole": Point(_place("__call__", "call = asked.call")),
    "crash: slot reserved": Point(_place("__call__", "work = self._reserved(")),
    "crash: before admission": Point(_place("_admit", "started_at_ns, started =")),
    "crash: admitted, not audited": Point(_place("_reserved", "self._audit.allowed(")),
    "crash: audited, not dialled": Point(_place("_reserved", "return await self._dial(")),
    "crash: before connecting": Point(Trap("wire/connect.py", "_Attempt.run", "started_at = ")),
    "crash: connected": Point(Trap("wire/connect.py", "_Attempt.run", "connected_at = ")),
    "crash: before the call's first byte": Point(Trap("wire/wire.py", "Wire.exchange", "reader = ")),
    "crash: half of the call written": Point(
        Trap("wire/connection.py", "Connection.send", "transport.write(", act=writing("request", half))
    ),
    "crash: call written": Point(
        Trap("wire/connection.py", "Connection.send", "transport.write(", act=writing("request", len))
    ),
    "crash: upstream's answer: unread": Point(_wire("if reader.feed(")),
    "crash: upstream's answer: half of its head": Point(_wire("if reader.feed(", reading(half_of_head))),
    "crash: upstream's answer: its head": Point(_wire("if reader.feed(", reading(head))),
    "crash: upstream's answer: half of its body": Point(_wire("if reader.feed(", reading(half_of_body))),
    "crash: upstream's answer: read whole": Point(_wire("self._finish()")),
    "crash: outcome known": Point(Trap("upstream/dial.py", "Upstream.dial", "account = ")),
    "crash: refusal known": Point(Trap("upstream/dial.py", "Upstream.dial", "account = "), "0400"),
    "crash: before settlement": Point(_place("_settle", "settling_at_ns, settling = ")),
    "crash: settled, answer not made": Point(_place("_dial", "result = ")),
    "crash: refunded, answer not made": Point(_place("_dial", "result = "), "0400"),
    "crash: released, answer not made": Point(_place("_dial", "result = "), "0401"),
    "crash: unknown, answer not made": Point(_place("_dial", "result = "), "0590"),
    "crash: answer not sent": Point(_edge("await exchange.send(")),
    "crash: answer's head sent": Point(_edge("await exchange.send(", act=head_answered)),
    "crash: answer sent": Point(_edge("seconds = ", act=lingering)),
}

SQLITE: Final = {
    "crash: sqlite: admission handed in": Point(_SQLITE_ASKS),
    "crash: sqlite: admission begun": Point(_sqlite("books.begin(", _admits)),
    "crash: sqlite: admission decided": Point(_sqlite("if weight is not Weight.READ:", _admits)),
    "crash: sqlite: admission written": Point(_sqlite(_COMMIT, _admits)),
    "crash: sqlite: admission half in the log": Point(_sqlite(_COMMIT, _admits, tearing)),
    "crash: sqlite: admission committed": Point(_sqlite(_COMMITTED, _admits)),
    "crash: sqlite: admission told": Point(_SQLITE_TOLD),
    "crash: sqlite: settlement written": Point(_sqlite(_COMMIT, _settles)),
    "crash: sqlite: settlement half in the log": Point(_sqlite(_COMMIT, _settles, tearing)),
    "crash: sqlite: settlement committed": Point(_sqlite(_COMMITTED, _settles)),
    "crash: sqlite: refund written": Point(_sqlite(_COMMIT, _settles), "0400"),
    "crash: sqlite: refund half in the log": Point(_sqlite(_COMMIT, _settles, tearing), "0400"),
    "crash: sqlite: refund committed": Point(_sqlite(_COMMITTED, _settles), "0400"),
}

VALKEY: Final = {
    "crash: valkey: admission not sent": Point(_sending(_ADMITS)),
    "crash: valkey: admission half sent": Point(_sending(_ADMITS, writing("payload", half))),
    "crash: valkey: admission sent": Point(_sending(_ADMITS, writing("payload", len))),
    "crash: valkey: admission's reply unread": Point(_replied(b"\r\nadmitted\r\n")),
    "crash: valkey: admission's reply half read": Point(_replied(b"\r\nadmitted\r\n", reading(half))),
    "crash: valkey: admission's reply read": Point(_VALKEY_READ),
    "crash: valkey: settlement not sent": Point(_sending(_SETTLES)),
    "crash: valkey: settlement half sent": Point(_sending(_SETTLES, writing("payload", half))),
    "crash: valkey: settlement sent": Point(_sending(_SETTLES, writing("payload", len))),
    "crash: valkey: settlement's reply unread": Point(_replied(b"\r\nclosed\r\n")),
    "crash: valkey: refund half sent": Point(_sending(_SETTLES, writing("payload", half)), "0400"),
    "crash: valkey: refund sent": Point(_sending(_SETTLES, writing("payload", len)), "0400"),
    "crash: valkey: refund's reply unread": Point(_replied(b"\r\nrefunded\r\n"), "0400"),
}

_SETTLING: Final = _place("_settle", "settling_at_ns, settling = ")
_ADMITTING: Final = _sending(_ADMITS)
_KEEPING: Final = Trap("place_call/settler.py", "Settler._spooled", "await self._spool.add(")
_KEPT: Final = Trap("place_call/settler.py", "Settler.settle", "settled_at_us = ")
_UNDOING: Final = Trap("ledger/redis/undos.py", "Undos._add", "await self._spool.add(")
_UNDONE: Final = Trap("ledger/redis/undos.py", "Undos._add", "self._retry_soon()")

AWAY: Final = {
    "crash: valkey away: outcome not spooled": Point(_KEEPING, away=_SETTLING),
    "crash: valkey away: outcome half spooled": Point(
        Trap("ledger/journal.py", "_append", "written = 0", act=half_spooled), away=_SETTLING
    ),
    "crash: valkey away: outcome not synced": Point(
        Trap("ledger/journal.py", "_append", "os.fsync("), away=_SETTLING
    ),
    "crash: valkey away: outcome spooled": Point(_KEPT, away=_SETTLING),
    "crash: valkey away: refusal spooled": Point(_KEPT, "0400", away=_SETTLING),
    "crash: valkey away: undoing not spooled": Point(_UNDOING, away=_ADMITTING, away_by=signal.SIGSTOP),
    "crash: valkey away: undoing spooled": Point(_UNDONE, away=_ADMITTING, away_by=signal.SIGSTOP),
}

STORES: Final = {"sqlite": {**BOTH, **SQLITE}, "valkey": {**BOTH, **VALKEY, **AWAY}}
"""Store -> its crash points by name."""
