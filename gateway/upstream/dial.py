"""One upstream call: credentials, deadline, circuits, and the truth about what became of it."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from gateway.call import CallRequest, Outcome, Status, not_placed, unknown
from gateway.errors import Code
from gateway.legacy import Dialect, UpstreamRequest, parameters_text, read_answer, upstream_request
from gateway.legacy.answer import Answer
from gateway.telemetry.accounts import PhaseSeconds, UpstreamAccount
from gateway.tenant import Tenant
from gateway.upstream.circuits import Passage, TransportCircuit
from gateway.upstream.pairs import HeldPair, Pairs
from gateway.values import value_class
from gateway.wire import ErrorType, Phases, WireAnswer, WireFault

_CONNECT_FAULTS: Final = frozenset({ErrorType.CONNECT_TIMEOUT, ErrorType.CONNECT_ERROR, ErrorType.TLS_ERROR})
_NO_PHASES: Final = Phases()


class Exchanger(Protocol):
    """The wire, as this room needs it."""

    async def exchange(
        self,
        method: bytes,
        target: bytes,
        body: bytes | None,
        *,
        deadline_seconds: float,
        on_sending: Callable[[], None] | None = None,
    ) -> WireAnswer:
        """One request, one answer or one WireFault."""


@value_class(frozen=True, slots=True)
class Attempt:
    """What one dial came to, and its account."""

    outcome: Outcome
    account: UpstreamAccount


class _Sent:
    """Whether a byte may have left."""

    __slots__ = ("is_sent",)

    def __init__(self) -> None:
        self.is_sent = False

    def mark(self) -> None:
        self.is_sent = True


class Upstream:
    """The legacy API as this gateway uses it. It can reach one path and nothing else."""

    def __init__(
        self,
        wire: Exchanger,
        dialect: Dialect,
        pairs: Pairs,
        circuit: TransportCircuit,
        *,
        margin_seconds: float,
        on_rejected: Callable[[str], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`on_rejected` is told the name of a pair that got a 401, so that it can be read anew."""
        self._wire = wire
        self._dialect = dialect
        self.pairs: Final = pairs
        self.circuit: Final = circuit
        self._margin_seconds = margin_seconds
        self._on_rejected = on_rejected
        self._clock = clock
        self._method = dialect.method.encode()
        self._path = dialect.path.encode()

    def deadline_seconds(self, call: CallRequest) -> float:
        """The one budget of a call, from connecting to the answer's last byte."""
        return call.held_seconds + self._margin_seconds

    def translated(self, call: CallRequest, tenant: Tenant) -> UpstreamRequest:
        """What a dial would send, credentials redacted."""
        return upstream_request(self._dialect, call, tenant.customer)

    def enter(self, tenant: Tenant) -> Passage:
        """Leave to dial for this tenant, by both circuits."""
        seconds = self.circuit.retry_after_seconds()
        if seconds is not None:
            return Passage(seconds)
        return self.pairs.circuits[tenant.credentials].take()

    def leave(self, tenant: Tenant, passage: Passage) -> None:
        """Give leave back: the call was not dialled."""
        self.pairs.circuits[tenant.credentials].give_back(passage)

    async def dial(self, call: CallRequest, tenant: Tenant, slot_seconds: float) -> Attempt:
        """Dial once. Being cut off is an outcome too: unknown where a byte may have left, else not placed."""
        held = self.pairs.current(tenant.credentials)
        started_at_ns, started = time.time_ns(), self._clock()
        sent = _Sent()
        http_status: int | None = None
        try:
            answer = await self._exchange(call, tenant, held, sent)
        except WireFault as fault:
            read, phases, http_status = self._faulted(fault), fault.phases, fault.status
            sent.is_sent = fault.sent
        except asyncio.CancelledError:
            stay_alive()
            cut = unknown("drained", 504) if sent.is_sent else not_placed(Code.DRAINING, "connect_timeout")
            read, phases = Answer(cut), _NO_PHASES
        else:
            phases, http_status = answer.phases, answer.status
            read = self._answered(answer, tenant, held)
        account = UpstreamAccount(
            method=self._dialect.method,
            started_at_ns=started_at_ns,
            duration_seconds=self._clock() - started,
            is_sent=sent.is_sent,
            is_unknown=read.outcome.status is Status.UNKNOWN,
            wait_seconds=call.wait_seconds,
            delay_seconds=call.delay_seconds,
            phases=_phase_seconds(phases, slot_seconds),
            error_type=_error_type(read.outcome),
            http_status=http_status,
            legacy_code=read.legacy_code,
            legacy_key=read.legacy_key,
            repairs=read.repairs,
        )
        return Attempt(read.outcome, account)

    async def _exchange(self, call: CallRequest, tenant: Tenant, held: HeldPair, sent: _Sent) -> WireAnswer:
        text = held.prefix + parameters_text(call, tenant.customer, self._dialect.joint).encode("ascii")
        is_post = self._method == b"POST"
        return await self._wire.exchange(
            self._method,
            self._path if is_post else self._path + b"?" + text,
            text if is_post else None,
            deadline_seconds=self.deadline_seconds(call),
            on_sending=sent.mark,
        )

    def _answered(self, answer: WireAnswer, tenant: Tenant, held: HeldPair) -> Answer:
        self.circuit.connected()
        read = read_answer(
            answer.status,
            answer.body,
            is_framed=answer.body_is_framed,
            is_encoded=answer.content_encoded,
            is_pinned=tenant.customer is not None,
        )
        self._judge_pair(held, read)
        return read

    def _faulted(self, fault: WireFault) -> Answer:
        kind = fault.error_type
        if fault.sent:
            self.circuit.connected()
            return Answer(unknown(kind.value, 504 if kind is ErrorType.ANSWER_TIMEOUT else 502))
        if kind in _CONNECT_FAULTS:
            self.circuit.failed_to_connect(fault)
        return Answer(not_placed(Code.UPSTREAM_UNREACHABLE, kind.value))

    def _judge_pair(self, held: HeldPair, read: Answer) -> None:
        if self.pairs.current(held.name) is not held:
            return  # the pair was changed meanwhile: this answer says nothing of the new one
        circuit = self.pairs.circuits[held.name]
        if read.outcome.code is Code.UPSTREAM_CREDENTIALS_REJECTED:
            circuit.rejected()
            self._on_rejected(held.name)
        elif read.outcome.status is not Status.UNKNOWN:
            circuit.accepted()


def stay_alive() -> None:
    """Take this task's cancellation back: the call still has to be settled, and its client answered."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


def _error_type(outcome: Outcome) -> str | None:
    # A drained call is told as what it is to the telemetry's closed set: no answer came in time.
    return "answer_timeout" if outcome.error_type == "drained" else outcome.error_type


def _phase_seconds(phases: Phases, slot_seconds: float) -> PhaseSeconds:
    return PhaseSeconds(
        slot_seconds,
        phases.connect_seconds,
        phases.tls_seconds,
        phases.send_seconds,
        phases.first_byte_seconds,
        phases.read_seconds,
    )
