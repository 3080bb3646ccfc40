"""An example to copy: making a call through GraphQL with gql, which checks documents against the schema."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path

from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.httpx import HTTPXTransport

from tests.clients.python.rest import CallInput, Outcome, Refused, Requested, Translated, Unknown

MAKE_CALL = """
mutation MakeCall($input: MakeCallInput!) {
  makeCall(input: $input) {
    __typename
    ... on CallRequested { call { id } replayed }
    ... on CallTranslated { upstreamRequest { path query } }
    ... on CallError { code message retryable callState }
    ... on CallQuotaExceeded { quotaRetryAfterSeconds: retryAfterSeconds }
    ... on CallIdempotencyConflict { retryAfterSeconds }
    ... on CallUpstreamUnavailable { retryAfterSeconds }
    ... on CallOutcomeUnknown { unknownCall: call { id } }
  }
}
"""


def gateway_client(url: str, api_key: str, sdl: Path) -> Client:
    """A client of one gateway; `sdl` is `schema/schema.graphql`, so nothing is asked to know the schema."""
    # gql hands these to httpx, which retries nothing of its own.
    transport = HTTPXTransport(
        f"{url}/graphql", headers={"Authorization": f"Bearer {api_key}"}, timeout=60, trust_env=False
    )
    return Client(schema=sdl.read_text(), transport=transport)


def make_call(
    client: Client,
    call: CallInput,
    *,
    key: str | None = None,
    attempts: int = 4,
    longest_wait_seconds: float = 10,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """As `rest.make_call`: one key for one intent, whatever happens on the way."""
    key = key or str(uuid.uuid4())
    request = GraphQLRequest(gql(MAKE_CALL), variable_values={"input": {**call, "idempotencyKey": key}})
    for attempt in range(1, attempts + 1):
        outcome, wait = _asked(client, request, key)
        if wait is None or wait > longest_wait_seconds or attempt == attempts:
            return outcome
        sleep(wait)
    raise ValueError("attempts must be 1 or more")


def _asked(client: Client, request: GraphQLRequest, key: str) -> tuple[Outcome, float | None]:
    try:
        result = client.execute(request)["makeCall"]
    except TransportQueryError as refused:
        told = (refused.errors or [{}])[0]
        extensions = told.get("extensions", {})
        if extensions.get("callState") == "NOT_PLACED":
            return Refused(extensions["code"], told["message"], None), None
        return Unknown(key, extensions.get("code"), str(told.get("message")), None), None
    except TransportError as fault:
        return Unknown(key, None, f"no answer came: {fault}", None), 0.5
    match result["__typename"]:
        case "CallRequested":
            return Requested(result["call"]["id"], result["replayed"]), None
        case "CallTranslated":
            return Translated(result["upstreamRequest"]["path"], result["upstreamRequest"]["query"]), None
    return _refused(result, key)


def _refused(result: dict[str, object], key: str) -> tuple[Outcome, float | None]:
    told = result.get("retryAfterSeconds") or result.get("quotaRetryAfterSeconds") or 1
    wait = float(str(told)) if result["retryable"] else None
    code, message = str(result["code"]), str(result["message"])
    if result["callState"] == "UNKNOWN":
        record = result.get("unknownCall")
        call_id = str(record["id"]) if isinstance(record, dict) else None
        return Unknown(key, code, message, call_id), wait
    return Refused(code, message, None if wait is None else int(wait)), wait
