"""Admitting: what admit.lua is asked, and the decision that its answer means."""

from gateway.call import IN_PROGRESS, RECOVERED, CallRecord
from gateway.ledger import Admitted, Claim, Decision, Exceeded, Known, Refused, StoreUnavailable
from gateway.ledger.outcome_text import write_outcome
from gateway.ledger.redis.closing import Retention
from gateway.ledger.redis.faults import Doubtful, number, text
from gateway.ledger.redis.keys import TenantKeys, keys_of
from gateway.ledger.redis.plan import Plan, longest_wait_seconds, told
from gateway.ledger.redis.record import POINTER, read_kept, write_static
from gateway.ledger.redis.resp import bulk
from gateway.ledger.redis.scripts import ADMIT
from gateway.ledger.redis.store import Store

_RECOVERED_TEXT = write_outcome(RECOVERED)


class Admission:
    """Calls admit.lua. `recovered` counts records that it found in progress past their deadline."""

    def __init__(self, store: Store, retention: Retention) -> None:
        """`retention` is what recovered records get."""
        self._store = store
        self._retention = bulk((*retention.words, _RECOVERED_TEXT))
        self.recovered = 0

    async def admit(self, claim: Claim, plan: Plan) -> Decision:
        """The decision. Raises Doubtful where it may have been made, StoreUnavailable where not."""
        keys = keys_of(claim.tenant)
        names = _names(keys, claim, plan)
        head = _head(claim, plan) + self._retention + bulk((_pointer(claim),))
        count = 8 + 4 * len(plan.rules)
        moments = [self._store.now_us] * len(plan.rules)
        asked: dict[int, int] = {}
        # Each limit may ask for another window once, and the clock may pass a boundary meanwhile.
        for _ in range(len(moments) + 2):
            answer = await self._store.run(ADMIT, keys, names, head + plan.arguments(moments), count)
            match answer:
                case [b"window", int(now_us), int(limit), int(moment_us)]:
                    asked[limit - 1] = moment_us
                    moments = [asked.get(n, now_us) for n in range(len(moments))]
                case [b"undone"]:
                    raise StoreUnavailable("undone", f"the admission of {claim.call_id} was taken back")
                case _:
                    return self._decision(claim, plan, answer)
        raise StoreUnavailable("clock", "the store's clock is in no calendar window for long")

    def _decision(self, claim: Claim, plan: Plan, answer: list[object]) -> Decision:
        code, *head = answer[:5]
        now_us, told_text, exceeded = number(head[0]), text(head[1]), text(head[3])
        raws = answer[5:]
        self.recovered += number(head[2])
        quotas = told(plan.rules, raws, now_us)
        if code == b"admitted":
            record = read_kept(claim.tenant, told_text).record if told_text else _record(claim, now_us)
            return Admitted(record, quotas)
        if code == b"known":
            kept = read_kept(claim.tenant, told_text)
            return Known(kept.record, kept.fingerprint == claim.fingerprint, quotas)
        if code == b"refused":
            return Refused(quotas)
        if code != b"exceeded":
            raise Doubtful("protocol", f"the store decided call {claim.call_id} with an answer that is none")
        violated = (limit.name for limit, flag in zip(plan.limits, exceeded, strict=True) if flag == ord("1"))
        return Exceeded(tuple(violated), longest_wait_seconds(plan.rules, raws, exceeded, now_us), quotas)


def _names(keys: TenantKeys, claim: Claim, plan: Plan) -> tuple[bytes, ...]:
    """KEYS of admit.lua after the marker."""
    call = keys.call(claim.call_id)
    home = call if claim.key is None else keys.key(claim.key)
    counters = [keys.of_limit(limit, claim.subject, claim.callee_number) or b"" for limit in plan.limits]
    return (call, home, keys.in_progress, keys.index, keys.unknown, *counters)


def _head(claim: Claim, plan: Plan) -> bytes:
    return bulk(
        (
            claim.call_id.encode(),
            write_static(claim, plan.written_charges),
            b"%d" % claim.deadline_us,
            b"1" if claim.is_refused else b"0",
        )
    )


def _pointer(claim: Claim) -> bytes:
    return POINTER if claim.key is None else POINTER + claim.key.encode()


def _record(claim: Claim, now_us: int) -> CallRecord:
    return CallRecord(
        claim.call_id,
        claim.tenant,
        IN_PROGRESS,
        now_us,
        None,
        claim.client_reference,
        claim.caller_number,
        claim.callee_number,
        claim.subject,
        claim.key,
    )


__all__ = ["Admission"]
