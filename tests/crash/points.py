"""Every step of a call at which the gateway may die, from the request's head to the answer's last byte.

The names are the rows of `tests.hardening.cases` that begin with `crash: `; those of one store only say
which. A quiet call, to a callee that ends in `digits`, dies there first; then calls under load do.
"""

import asyncio
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.ledger import Admitted
from gateway.ledger.redis.scripts import ADMIT, CLOSE
from gateway.ledger.sqlite.job import Job, Weight
from tests.crash.trap import Locals, Trap, die

HEAD_END: Final = b"\r\n\r\n"
_PAGE_HEAD_BYTES: Final = 24
_LINGER_SECONDS: Final = 0.02
"""How long the loop goes on after an answer was handed to it, so that it is written."""

Upto = Callable[[bytes], int]


@dataclass(frozen=True, slots=True)
class Point:
    """One trap, and the callee of the quiet call that falls into it. `away` is the line before which the
    store gets the signal `away_by`, where the trap is on the way of what it could not take down."""

    trap: Trap
    digits: str = "0200"
    away: Trap | None = None
    away_by: int = signal.SIGKILL


def _half(data: bytes) -> int:
    return len(data) // 2


def _head(data: bytes) -> int:
    return data.index(HEAD_END) + len(HEAD_END)


def _half_of_head(data: bytes) -> int:
    return _head(data) // 2


def _half_of_body(data: bytes) -> int:
    return (_head(data) + len(data)) // 2


def _writing(name: str, upto: Upto) -> Callable[[Locals], None]:
    """Write that much of the bytes called `name` to the socket itself, then die."""

    def act(found: Locals) -> None:
        transport = found["transport"] if "transport" in found else found["self"]._transport
        data = found[name]
        part = data[: upto(data)]
        assert os.write(transport.get_extra_info("socket").fileno(), part) == len(part)
        die(found)

    return act


def _reading(upto: Upto) -> Callable[[Locals], None]:
    """Let the reader have that much of what came, then die."""

    def act(found: Locals) -> None:
        data = found["data"]
        (found["reader"] if "reader" in found else found["self"]._reader).feed(data[: upto(data)])
        die(found)

    return act


def _half_spooled(found: Locals) -> None:
    """Die with half of the entry in the spool's file."""
    os.write(found["handle"], found["content"][: len(found["content"]) // 2])
    die(found)


def _tearing(found: Locals) -> None:
    """Die within the commit, when half of its first page is in the log: the system kills a process that
    writes beyond the size it may, after it has written up to that (SIGXFSZ, see `victim.live`)."""
    log = Path(f"{found['self']._path}-wal")
    size = log.stat().st_size + _PAGE_HEAD_BYTES + 2_000
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _lingering(found: Locals) -> None:
    """Die as soon as the loop has written what it was handed."""
    asyncio.get_running_loop().call_later(_LINGER_SECONDS, die, found)


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


def _edge(function: str, line: str, act: Callable[[Locals], None] = die) -> Trap:
    return Trap("doors/edge.py", function, line, lambda found: found["arrival"].method == "POST", act)


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
    "ledger/sqlite/writer.py",
    "Writer._hand_out",
    "for job, result, error in answers",
    lambda found: any(isinstance(result, Admitted) for _, result, _ in found["answers"]),
)
_VALKEY_READ: Final = Trap(
    "ledger/redis/admission.py",
    "Admission._decision",
    "code, *head = ",
    lambda found: found["answer"][0] == b"admitted",
)

BOTH: Final = {
    "crash: request: head read": Point(_edge("Endpoint.__call__", "options.started()")),
    "crash: request: read whole": Point(_place("__call__", "call = asked.call")),
    "crash: slot reserved": Point(_place("__call__", "work = self._reserved(")),
    "crash: before admission": Point(_place("_admit", "started_at_ns, started =")),
    "crash: admitted, not audited": Point(_place("_reserved", "self._audit.allowed(")),
    "crash: audited, not dialled": Point(_place("_reserved", "return await self._dial(")),
    "crash: before connecting": Point(Trap("wire/connect.py", "_Attempt.run", "started_at = ")),
    "crash: connected": Point(Trap("wire/connect.py", "_Attempt.run", "connected_at = ")),
    "crash: before the call's first byte": Point(Trap("wire/wire.py", "Wire.exchange", "reader = ")),
    "crash: half of the call written": Point(
        Trap("wire/connection.py", "Connection.send", "transport.write(", act=_writing("request", _half))
    ),
    "crash: call written": Point(
        Trap("wire/connection.py", "Connection.send", "transport.write(", act=_writing("request", len))
    ),
    "crash: upstream's answer: unread": Point(_wire("if reader.feed(")),
    "crash: upstream's answer: half of its head": Point(_wire("if reader.feed(", _reading(_half_of_head))),
    "crash: upstream's answer: its head": Point(_wire("if reader.feed(", _reading(_head))),
    "crash: upstream's answer: half of its body": Point(_wire("if reader.feed(", _reading(_half_of_body))),
    "crash: upstream's answer: read whole": Point(_wire("self._finish()")),
    "crash: outcome known": Point(Trap("upstream/dial.py", "Upstream.dial", "account = ")),
    "crash: refusal known": Point(Trap("upstream/dial.py", "Upstream.dial", "account = "), "0400"),
    "crash: before settlement": Point(_place("_settle", "settling_at_ns, settling = ")),
    "crash: settled, answer not made": Point(_place("_dial", "result = ")),
    "crash: refunded, answer not made": Point(_place("_dial", "result = "), "0400"),
    "crash: released, answer not made": Point(_place("_dial", "result = "), "0401"),
    "crash: unknown, answer not made": Point(_place("_dial", "result = "), "0590"),
    "crash: answer not sent": Point(_edge("Endpoint.__call__", "await _send(")),
    "crash: answer's head sent": Point(
        _edge("_send", 'await send({"type": "http.response.body"', act=_lingering)
    ),
    "crash: answer sent": Point(_edge("Endpoint.__call__", "principal = ", act=_lingering)),
}

SQLITE: Final = {
    "crash: sqlite: admission handed in": Point(_SQLITE_ASKS),
    "crash: sqlite: admission begun": Point(_sqlite("books.begin(", _admits)),
    "crash: sqlite: admission decided": Point(_sqlite("if weight is not Weight.READ:", _admits)),
    "crash: sqlite: admission written": Point(_sqlite(_COMMIT, _admits)),
    "crash: sqlite: admission half in the log": Point(_sqlite(_COMMIT, _admits, _tearing)),
    "crash: sqlite: admission committed": Point(_sqlite(_COMMITTED, _admits)),
    "crash: sqlite: admission told": Point(_SQLITE_TOLD),
    "crash: sqlite: settlement written": Point(_sqlite(_COMMIT, _settles)),
    "crash: sqlite: settlement half in the log": Point(_sqlite(_COMMIT, _settles, _tearing)),
    "crash: sqlite: settlement committed": Point(_sqlite(_COMMITTED, _settles)),
    "crash: sqlite: refund written": Point(_sqlite(_COMMIT, _settles), "0400"),
    "crash: sqlite: refund half in the log": Point(_sqlite(_COMMIT, _settles, _tearing), "0400"),
    "crash: sqlite: refund committed": Point(_sqlite(_COMMITTED, _settles), "0400"),
}

VALKEY: Final = {
    "crash: valkey: admission not sent": Point(_sending(_ADMITS)),
    "crash: valkey: admission half sent": Point(_sending(_ADMITS, _writing("payload", _half))),
    "crash: valkey: admission sent": Point(_sending(_ADMITS, _writing("payload", len))),
    "crash: valkey: admission's reply unread": Point(_replied(b"\r\nadmitted\r\n")),
    "crash: valkey: admission's reply half read": Point(_replied(b"\r\nadmitted\r\n", _reading(_half))),
    "crash: valkey: admission's reply read": Point(_VALKEY_READ),
    "crash: valkey: settlement not sent": Point(_sending(_SETTLES)),
    "crash: valkey: settlement half sent": Point(_sending(_SETTLES, _writing("payload", _half))),
    "crash: valkey: settlement sent": Point(_sending(_SETTLES, _writing("payload", len))),
    "crash: valkey: settlement's reply unread": Point(_replied(b"\r\nclosed\r\n")),
    "crash: valkey: refund half sent": Point(_sending(_SETTLES, _writing("payload", _half)), "0400"),
    "crash: valkey: refund sent": Point(_sending(_SETTLES, _writing("payload", len)), "0400"),
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
        Trap("ledger/spool.py", "_append", "written = 0", act=_half_spooled), away=_SETTLING
    ),
    "crash: valkey away: outcome not synced": Point(
        Trap("ledger/spool.py", "_append", "os.fsync("), away=_SETTLING
    ),
    "crash: valkey away: outcome spooled": Point(_KEPT, away=_SETTLING),
    "crash: valkey away: refusal spooled": Point(_KEPT, "0400", away=_SETTLING),
    "crash: valkey away: undoing not spooled": Point(_UNDOING, away=_ADMITTING, away_by=signal.SIGSTOP),
    "crash: valkey away: undoing spooled": Point(_UNDONE, away=_ADMITTING, away_by=signal.SIGSTOP),
}

STORES: Final = {"sqlite": {**BOTH, **SQLITE}, "valkey": {**BOTH, **VALKEY, **AWAY}}
"""Store -> its crash points by name."""
