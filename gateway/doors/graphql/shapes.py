"""The shapes of the GraphQL door's answers, declared with Strawberry (contract, section 4).

Only shapes: the schema that runs is built from their SDL, and `resolvers` answers its fields.
"""

from typing import Annotated, Final, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from gateway.call import Status
from gateway.errors import CallState, Code
from gateway.ledger import Per, Scope

DateTime = NewType("DateTime", str)
SCALARS: Final[dict[object, ScalarDefinition]] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A moment as RFC 3339 in UTC, such as 2026-01-31T12:00:00.000Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    )
}

# The enumerations are those of the rooms below; Strawberry only learns their public names.
strawberry.enum(Status, name="CallStatus", description="What is known of a call.")
strawberry.enum(CallState, name="CallState", description="What may be assumed of a refused call.")
strawberry.enum(Code, name="CallErrorCode", description="The error codes, the same on both doors.")
strawberry.enum(Per, name="QuotaPeriod", graphql_name_from="value", description="What a quota counts by.")
strawberry.enum(Scope, name="QuotaScope", graphql_name_from="value", description="Whose counter it is.")


def _says(description: str, name: str | None = None) -> object:
    return strawberry.field(description=description, name=name)


@strawberry.type(description="Where the call lives on the switch; any part may be unknown.")
class CallReference:
    machine: int | None
    server: str | None
    call_id: str | None


@strawberry.type(description="One call, as recorded.")
class Call:
    id: strawberry.ID
    status: Status
    reference: Annotated[CallReference | None, _says("Null until the switch told it.")]
    requested_at: DateTime
    settled_at: Annotated[DateTime | None, _says("Null while the call is in progress.")]
    client_reference: str | None
    caller_number: str
    callee_number: str
    code: Annotated[Code | None, _says("The error that the call came to, if any.")]


@strawberry.type(description="What a dry run would have sent; credentials read REDACTED.")
class UpstreamRequest:
    method: str
    path: str
    query: Annotated[str | None, _says("Without the question mark; null for POST.")]
    body: Annotated[str | None, _says("Null for GET.")]


@strawberry.type(description="One fault of an input.")
class InputProblem:
    pointer: Annotated[str, _says("An RFC 6901 pointer into the input.")]
    code: Code
    detail: str


@strawberry.interface(description="Every answer that is not a requested or translated call.")
class CallError:
    code: Code
    message: str
    retryable: Annotated[bool, _says("Whether the same request may succeed later.")]
    call_state: Annotated[CallState, _says("NOT_PLACED, or UNKNOWN: the call may have been placed.")]
    request_id: strawberry.ID


@strawberry.type(description="The telephone system took the request: it rings the caller first.")
class CallRequested:
    call: Call
    replayed: Annotated[bool, _says("True for the first answer of this idempotency key, given again.")]


@strawberry.type(description="The answer of a dry run: nothing was dialled or spent.")
class CallTranslated:
    upstream_request: UpstreamRequest


@strawberry.type(description="The input or its idempotency key is at fault.")
class InvalidCallInput(CallError):  # noqa: N818 - a type of the schema, no exception
    problems: list[InputProblem]


@strawberry.type(description="The token, the tenant's policy or the rate plan does not allow this call.")
class CallNotPermitted(CallError):  # noqa: N818 - a type of the schema, no exception
    problems: list[InputProblem]


@strawberry.type(description="A quota has no unit left; nothing was spent on any.")
class CallQuotaExceeded(CallError):  # noqa: N818 - a type of the schema, no exception
    violated_policies: list[str]
    retry_after_seconds: int


@strawberry.type(description="The idempotency key belongs to another input, or to a call in progress.")
class CallIdempotencyConflict(CallError):  # noqa: N818 - a type of the schema, no exception
    retry_after_seconds: int | None


@strawberry.type(description="The call can't be made now; nothing was sent.")
class CallUpstreamUnavailable(CallError):  # noqa: N818 - a type of the schema, no exception
    retry_after_seconds: int | None


@strawberry.type(description="The telephone system refused the gateway itself.")
class CallUpstreamRefused(CallError):  # noqa: N818 - a type of the schema, no exception
    pass


@strawberry.type(description="The call may have been placed; it is charged, and never dialled again.")
class CallOutcomeUnknown(CallError):  # noqa: N818 - a type of the schema, no exception
    call: Call | None


MakeCallResult = Annotated[
    CallRequested
    | CallTranslated
    | InvalidCallInput
    | CallNotPermitted
    | CallQuotaExceeded
    | CallIdempotencyConflict
    | CallUpstreamUnavailable
    | CallUpstreamRefused
    | CallOutcomeUnknown,
    strawberry.union("MakeCallResult", description="Everything that asking for a call may come to."),
]


@strawberry.type(description="Relay's page information.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="One call of a page, and the cursor that stands after it.")
class CallEdge:
    cursor: str
    node: Call


@strawberry.type(description="One page of calls, newest first.")
class CallConnection:
    edges: list[CallEdge]
    nodes: list[Call]
    page_info: PageInfo


@strawberry.type(description="One quota as the asker stands; nulls where it can't be told.")
class Quota:
    name: str
    per: Per
    scope: Scope
    limit: int
    remaining: int | None
    in_use: Annotated[int | None, _says("Calls between admission and settlement; concurrent quotas only.")]
    reset_seconds: Annotated[int | None, _says("Seconds until one more unit.")]


@strawberry.type(description="The gateway itself.")
class Gateway:
    version: str
