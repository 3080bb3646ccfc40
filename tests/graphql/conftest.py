"""The GraphQL door on a real socket, over stubs that count what they are asked."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn

from gateway.doors.exchange import Reply
from gateway.doors.graphql import GraphqlDoor
from gateway.records import Records
from tests.graphql.harness import Harness
from tests.graphql.stubs import Desk, Shelf, in_force

EXPLORER = b"<!doctype html><title>Explorer</title>"
MAKE = """
mutation ($input: MakeCallInput!) { makeCall(input: $input) { __typename
  ... on CallError { code message retryable callState requestId }
  ... on CallRequested { replayed call { id } }
  ... on InvalidCallInput { problems { pointer code detail } }
  ... on CallOutcomeUnknown { unknown: call { id status } }
} }"""
INPUT: dict[str, Any] = {"caller": {"number": "100"}, "callee": {"number": "200"}}


@dataclass
class Door:
    """A served door. `url` is its address; the lists hold what it told the telemetry."""

    url: str
    desk: Desk
    shelf: Shelf
    rejected: list[str] = field(default_factory=list)
    auth_failed: list[str] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, trust_env=False))

    def post(
        self, query: str, variables: object = None, *, token: str = "good", **headers: str
    ) -> httpx.Response:
        """One POST as most clients send it; header names are written with underscores."""
        body = {"query": query} if variables is None else {"query": query, "variables": variables}
        return self.send(json.dumps(body).encode(), authorization=f"Bearer {token}", **headers)

    def send(self, content: bytes, **headers: str) -> httpx.Response:
        """One POST of those bytes, with the headers of a JSON body; an empty one is left out, but a key."""
        sent = {"content-type": "application/json", "accept": "application/graphql-response+json"}
        sent |= {"authorization": "Bearer good"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self.client.post(
            self.url, content=content, headers={k: v for k, v in sent.items() if v or k == "idempotency-key"}
        )

    def forget(self) -> None:
        """Start the next test afresh."""
        self.desk.__init__()  # type: ignore[misc]
        self.shelf.__init__()  # type: ignore[misc]
        for told in (self.rejected, self.auth_failed, self.replies):
            told.clear()


def served(*, introspection: bool, explorer: bytes | None) -> Iterator[Door]:
    """A door on a port of its own, in a thread of its own."""
    door = Door("", Desk(), Shelf())
    graphql = GraphqlDoor(
        in_force=in_force(door.desk, ("queue",)),
        records=Records(door.shelf.ledger),
        introspection=introspection,
        explorer_html=explorer,
        rejected=door.rejected.append,
        auth_failed=door.auth_failed.append,
    )
    app = Harness(graphql, door.replies)
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    door.url = f"http://127.0.0.1:{port}/graphql"
    yield door
    door.client.close()
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def _open_door() -> Iterator[Door]:
    yield from served(introspection=True, explorer=EXPLORER)


@pytest.fixture(scope="session")
def _closed_door() -> Iterator[Door]:
    yield from served(introspection=False, explorer=None)


@pytest.fixture
def door(_open_door: Door) -> Door:
    """A door with introspection and the explorer page."""
    _open_door.forget()
    return _open_door


@pytest.fixture
def closed_door(_closed_door: Door) -> Door:
    """A door without introspection or explorer page."""
    _closed_door.forget()
    return _closed_door
