"""CPU the GraphQL door takes for one request, the use case stubbed out, and REST's for the same call: us.

    python -m tests.benchmarks.graphql_cost

No sockets: what is counted is the door's own work, from the arrival to the reply. Of many short blocks the
best is told: whatever else the machine does only ever adds.
"""

import asyncio
import json
import sys
import time
from itertools import cycle

from gateway.doors.exchange import Arrival, Handler
from gateway.doors.graphql import GraphqlDoor
from gateway.doors.rest import RestDoor
from gateway.records import Records
from gateway.telemetry.accounts import TraceIds
from tests.graphql.stubs import Desk, Shelf, in_force

BLOCKS, BLOCK = 200, 20
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
        b"accept": b"*/*",
        b"idempotency-key": b'"0123456789abcdef"',
    }
    return Arrival("POST", "/graphql", b"", "http", headers, frozenset(), "req-1", TraceIds(1, 2), read)


def doors(desk: Desk) -> tuple[Handler, Handler]:
    """Both doors over stubs: GraphQL's, and REST's `POST /v1/calls`."""
    rules, records = in_force(desk, ()), Records(Shelf().ledger)
    graphql = GraphqlDoor(
        in_force=rules,
        records=records,
        introspection=True,
        explorer_html=None,
        rejected=lambda _reason: None,
        auth_failed=lambda _reason: None,
    )
    rest = RestDoor(in_force=rules, records=records, auth_failed=lambda _reason: None)
    return graphql, rest.make_call


async def cost_us(handler: Handler, desk: Desk, bodies: list[bytes]) -> float:
    """The CPU of one request, in microseconds; each sends the next of the bodies, one body over and over."""
    best = float("inf")
    following = cycle(bodies)
    assert (await handler(arrival(bodies[-1]))).status in {200, 201}
    for _ in range(BLOCKS if len(bodies) == 1 else len(bodies) // BLOCK):
        arrivals = [arrival(next(following)) for _ in range(BLOCK)]
        started = time.process_time()
        for each in arrivals:
            await handler(each)
        best = min(best, time.process_time() - started)
        desk.asked.clear()
    return best / BLOCK * 1e6


async def main() -> None:
    """Print the table."""
    desk = Desk()
    graphql, rest = doors(desk)
    rows = [("REST", rest, [json.dumps(CALL).encode()])]
    for name, query in (("small makeCall", SMALL), ("typical makeCall", TYPICAL), ("gateway query", READ)):
        for kept, texts in (("cached", [query]), ("first seen", [f"{query}#{n}" for n in range(401)])):
            told = [json.dumps({"query": text, "variables": {"input": CALL}}).encode() for text in texts]
            rows.append((f"{name}, {kept}", graphql, told))
    for name, handler, bodies in rows:
        sys.stdout.write(f"{name:30} {await cost_us(handler, desk, bodies):8.0f} us\n")


if __name__ == "__main__":
    asyncio.run(main())
