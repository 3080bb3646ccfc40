"""The use case over a real ledger in memory, and a wire that does what a test says."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.access import ALL_SCOPES, Principal
from gateway.call import CallRequest, Outcome
from gateway.ledger import Ledger, Limit, Per, Settlement
from gateway.ledger.spool import Spool
from gateway.ledger.sqlite import SqliteLedger
from gateway.legacy import Dialect
from gateway.place_call import Asked, AuditTrail, CallTasks, PlaceCall, Settler, Standing
from gateway.settings.credentials import Pair
from gateway.telemetry.accounts import AuditAccount, TraceIds
from gateway.tenant import Tenant
from gateway.upstream import Pairs, SlotLimits, Slots, TransportCircuit, Upstream
from gateway.wire import Phases, WireAnswer
from tests.policy.model import a_policy

HOUR_US = 3_600_000_000
DAILY = Limit("daily", 10, Per.DAY)
ACME = Tenant("acme", False, "default", None, False, False, (DAILY,), a_policy(allow=["*"]))
CALL = CallRequest("1", "2")
PLACED = WireAnswer(200, b'{"responses":[{"code":"204"}]}', True, False, Phases(), False)

Exchange = Callable[[Callable[[], None]], Awaitable[WireAnswer]]


@dataclass
class ScriptedWire:
    """Runs the script in the place of each exchange; `on_sending` is handed to it."""

    script: Exchange

    async def exchange(
        self,
        method: bytes,  # noqa: ARG002 - the port's signature
        target: bytes,  # noqa: ARG002
        body: bytes | None,  # noqa: ARG002
        *,
        deadline_seconds: float,  # noqa: ARG002
        on_sending: Callable[[], None] | None = None,
    ) -> WireAnswer:
        """One exchange."""
        assert on_sending is not None
        return await self.script(on_sending)


class DefectiveLedger(SqliteLedger):
    """A ledger with a defect of its own in `settle`."""

    async def settle(
        self,
        tenant: str,
        call_id: str,
        outcome: Outcome,  # noqa: ARG002 - the port's signature
        elapsed_us: int,  # noqa: ARG002
        limits: tuple[Limit, ...],  # noqa: ARG002
    ) -> Settlement:
        """Fails as no store does."""
        raise RuntimeError(f"a defect with {tenant} {call_id}")


@dataclass
class Desk:
    """A use case and what a test looks at."""

    place: PlaceCall
    ledger: Ledger
    tasks: CallTasks
    slots: Slots
    audited: list[AuditAccount] = field(default_factory=list)

    def ask(self, key: str | None = None, call: CallRequest = CALL) -> Asked:
        """One request of the tenant."""
        principal = Principal(ACME, "key:crm", "crm", ALL_SCOPES)
        return Asked(principal, "rest", "request-1", TraceIds(1, 1), key, call)

    async def remaining(self) -> int | None:
        """What the daily quota has left."""
        (state,) = await self.ledger.peek("acme", "key:crm", (DAILY,))
        return state.remaining


def now_us() -> int:
    return time.time_ns() // 1000


async def at_desk(
    script: Exchange, play: Callable[[Desk], Awaitable[None]], kind: type[SqliteLedger] = SqliteLedger
) -> None:
    """Play with a desk whose wire follows the script."""
    ledger = kind(None, retention_us=HOUR_US, unknown_retention_us=HOUR_US, clock=now_us)
    await ledger.open()

    async def probe() -> None:
        return None

    audited: list[AuditAccount] = []
    circuit = TransportCircuit(failures=5, open_seconds=10, probe=probe, clock=time.monotonic)
    pairs = Pairs([("default", Pair("user", "password"))], ";", time.monotonic)
    wire: Any = ScriptedWire(script)
    upstream = Upstream(wire, Dialect(""), pairs, circuit, margin_seconds=1, on_rejected=lambda _: None)
    tasks, slots = CallTasks(), Slots(SlotLimits(4, 4, 4))
    settler = Settler(ledger, Spool(None, "settle"))
    place = PlaceCall(
        upstream=upstream,
        ledger=ledger,
        settler=settler,
        ledger_refused=lambda _: None,
        slots=slots,
        tasks=tasks,
        standing=Standing(False, lambda: False),
        audit=AuditTrail(audited.append),
    )
    try:
        async with asyncio.timeout(10):
            await play(Desk(place, ledger, tasks, slots, audited))
    finally:
        circuit.close()
        await settler.close()
        await ledger.close()
