"""The obvious wiring, as anybody would write it in an afternoon: Starlette, Strawberry's own view, httpx.

No authentication, quotas, idempotency, metrics, traces or log lines; one warm client.
"""

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Literal
from uuid import uuid4

import httpx
import strawberry
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from strawberry.asgi import GraphQL

UPSTREAM = os.environ["UPSTREAM"]
client = httpx.AsyncClient(base_url=UPSTREAM, timeout=40)
Number = Annotated[str, Field(pattern=r"^[0-9+*#A-Za-z._-]{1,64}$")]


class Caller(BaseModel):
    number: Number
    type: Literal["NUMBER", "LINE"] = "NUMBER"


class Callee(BaseModel):
    number: Number


class CallIn(BaseModel):
    caller: Caller
    callee: Callee
    waitSeconds: int = 0  # noqa: N815 - the name in JSON


class CallNotRequestedError(Exception):
    """The upstream did not say that the call was requested."""


async def make_call(call: CallIn) -> dict[str, object]:
    """Dial, and say what became of it."""
    began = datetime.now(UTC)
    answer = await client.get(
        "/api/json/calls/make/",
        params={
            "auth_username": "user",
            "auth_password": "password",
            "stype": "phone" if call.caller.type == "LINE" else "",
            "snumber": call.caller.number,
            "ctype": "",
            "cnumber": call.callee.number,
            "wait": call.waitSeconds,
        },
    )
    code = answer.json()["responses"][0]["code"]
    if code not in {"200", "204"}:
        raise CallNotRequestedError(code)
    return {"id": uuid4().hex, "status": "REQUESTED", "requestedAt": began.isoformat()}


async def post_call(request: Request) -> JSONResponse:
    """POST /v1/calls."""
    try:
        call = CallIn.model_validate(await request.json())
    except ValidationError as error:
        return JSONResponse({"detail": error.errors()}, 422)
    try:
        return JSONResponse(await make_call(call), 202)
    except (CallNotRequestedError, httpx.HTTPError) as error:
        return JSONResponse({"detail": str(error)}, 502)


@strawberry.enum
class CallerType(Enum):
    NUMBER = "NUMBER"
    LINE = "LINE"


@strawberry.input
class CallerInput:
    number: str
    type: CallerType = CallerType.NUMBER


@strawberry.input
class CalleeInput:
    number: str


@strawberry.input
class MakeCallInput:
    caller: CallerInput
    callee: CalleeInput
    wait_seconds: int = 0
    idempotency_key: str | None = None


@strawberry.type
class Call:
    id: strawberry.ID
    status: str
    requested_at: str


@strawberry.type
class CallRequested:
    call: Call
    replayed: bool = False


@strawberry.interface
class CallError:
    code: str
    message: str


@strawberry.type
class CallUpstreamRefused(CallError):  # noqa: N818 - a GraphQL type
    pass


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def make_call(self, input: MakeCallInput) -> CallRequested | CallUpstreamRefused:  # noqa: A002
        """Make a call."""
        caller = {"number": input.caller.number, "type": input.caller.type.value}
        callee = {"number": input.callee.number}
        given = {"caller": caller, "callee": callee, "waitSeconds": input.wait_seconds}
        try:
            made = await make_call(CallIn.model_validate(given))
        except (CallNotRequestedError, httpx.HTTPError) as error:
            return CallUpstreamRefused(code="UPSTREAM", message=str(error))
        call = Call(
            id=strawberry.ID(str(made["id"])), status="REQUESTED", requested_at=str(made["requestedAt"])
        )
        return CallRequested(call=call)


@strawberry.type
class Query:
    version: str = "1"


@asynccontextmanager
async def lifespan(_app: Starlette):
    """Close the client at the end."""
    yield
    await client.aclose()


schema = strawberry.Schema(Query, Mutation)
app = Starlette(
    routes=[
        Route("/v1/calls", post_call, methods=["POST"]),
        Route("/graphql", GraphQL(schema)),
    ],
    lifespan=lifespan,
)
