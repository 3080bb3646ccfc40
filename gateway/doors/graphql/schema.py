"""The schema: its text from Strawberry's shapes, and the graphql-core schema that is executed.

What runs is built from the text that is published, so the two can't differ, and none of Strawberry's
argument conversion, extensions or error logging stands on the way of a request.
"""

# Strawberry types its decorator as Any.
# mypy: disable-error-code="untyped-decorator"

from functools import cache
from typing import Annotated

import strawberry
from graphql import GraphQLSchema, build_schema
from strawberry.schema.config import StrawberryConfig

from gateway.call import Status
from gateway.doors.graphql.inputs import make_call_input
from gateway.doors.graphql.shapes import SCALARS, Call, CallConnection, Gateway, MakeCallResult, Quota

MakeCallInput = make_call_input()


def _argument(says: str) -> object:
    return strawberry.argument(description=says)


@strawberry.type(description="Reading the tenant's own calls and quotas; spends nothing.")
class Query:
    """The signatures only: `resolvers` answers these fields."""

    @strawberry.field(description="The call of that id; null where the tenant has none.")
    def call(self, id: strawberry.ID) -> Call | None:  # noqa: A002 - the contract's name
        raise NotImplementedError

    @strawberry.field(description="The call that the idempotency key holds; null where it holds none.")
    def call_by_idempotency_key(self, key: str) -> Call | None:
        raise NotImplementedError

    @strawberry.field(description="The tenant's calls, newest first.")
    def calls(
        self,
        first: Annotated[int | None, _argument("1 to 100.")] = 20,
        after: Annotated[str | None, _argument("A cursor of an earlier page.")] = strawberry.UNSET,
        status: Status | None = strawberry.UNSET,
    ) -> CallConnection:
        raise NotImplementedError

    @strawberry.field(description="The tenant's quotas as the asker stands.")
    def quota(self) -> list[Quota]:
        raise NotImplementedError

    @strawberry.field(description="The gateway itself.")
    def gateway(self) -> Gateway:
        raise NotImplementedError


@strawberry.type(description="Making calls: one `makeCall` in one operation.")
class Mutation:
    """The signature only: `resolvers` answers it."""

    @strawberry.field(description="Ring the caller, then the callee, and bridge them.")
    def make_call(self, input: MakeCallInput) -> MakeCallResult:  # type: ignore[valid-type] # noqa: A002
        raise NotImplementedError


@cache
def sdl() -> str:
    """The schema's text in GraphQL's schema language, ending with a newline."""
    shapes = strawberry.Schema(Query, Mutation, config=StrawberryConfig(scalar_map=SCALARS))
    return shapes.as_str() + "\n"


def executable() -> GraphQLSchema:
    """A new graphql-core schema of that text, without resolvers."""
    return build_schema(sdl())
