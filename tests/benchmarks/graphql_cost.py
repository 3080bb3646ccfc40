"""CPU the GraphQL door takes for one cached `makeCall`, the use case stubbed out: microseconds each.

    python -m tests.benchmarks.graphql_cost

No sockets: what is counted is the door's own work, from the arrival to the reply.
"""

import asyncio
import json
import sys
import time

from gateway.doors.exchange import Arrival, Reply
from gateway.doors.graphql import GraphqlDoor
from gateway.records import Records
from gateway.telemetry.accounts import TraceIds
from tests.graphql.stubs import Desk, Shelf, in_force

REQUESTS = 4_000
CALL = {
    "caller": {"number": "+380441234567", "autoAnswer": True},
    "callee": {"number": "+380447654321"},
    "waitSeconds": 5,
    "clientReference": "order 17",
}
SMALL = """
mutation ($input: MakeCallInput!) {
  makeCall(input: $input) { __typename ... on CallRequested { call { id } } }
}
"""
TYPICAL = """
mutation Dial($input: MakeCallInput!) {
  makeCall(input: $input) {
    __typename
    ... on CallRequested { replayed call { id status reference { machine server callId } requestedAt } }
    ... on CallError { code message retryable callState requestId }
    ... on InvalidCallInput { problems { pointer code detail } }
    ... on CallQuotaExceeded { violatedPolicies retryAfterSeconds }
  }
}
"""
READ = "{ gateway { version } }"


def arrival(body: bytes) -> Arrival:
    """One POST with the headers of a plain client."""

    async def read() -> bytes:
        return body

    headers = {
        b"authorization": b"Bearer good",
        b"content-type": b"application/json",
        b"accept": b"application/graphql-response+json",
        b"idempotency-key": b'"0123456789abcdef"',
    }
    return Arrival("POST", "/graphql", b"", "http", headers, frozenset(), "req-1", TraceIds(1, 2), read)


def door(desk: Desk) -> GraphqlDoor:
    """A door over stubs."""
    return GraphqlDoor(
        in_force=in_force(desk, ()),
        records=Records(Shelf().ledger),
        introspection=True,
        explorer_html=None,
        rejected=lambda _reason: None,
        auth_failed=lambda _reason: None,
    )


async def cost_us(query: str, *, is_cached: bool) -> float:
    """The mean CPU of one request, in microseconds."""
    desk = Desk()
    served = door(desk)
    count = REQUESTS if is_cached else 200

    def body(number: int) -> bytes:
        text = query if is_cached else f"{query}#{number}"
        return json.dumps({"query": text, "variables": {"input": CALL}}).encode()

    bodies = [body(number) for number in range(count)]
    reply: Reply = await served(arrival(bodies[0]))
    assert reply.status == 200, reply.body
    started = time.process_time()
    for each in bodies:
        await served(arrival(each))
        desk.asked.clear()
    return (time.process_time() - started) / count * 1e6


async def main() -> None:
    """Print the table."""
    for name, query in (("small makeCall", SMALL), ("typical makeCall", TYPICAL), ("gateway query", READ)):
        for is_cached in (True, False):
            best = min([await cost_us(query, is_cached=is_cached) for _ in range(3)])
            kept = "cached" if is_cached else "first seen"
            sys.stdout.write(f"{name:20} {kept:12} {best:8.0f} us\n")


if __name__ == "__main__":
    asyncio.run(main())
