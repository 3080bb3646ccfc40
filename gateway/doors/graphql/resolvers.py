"""The fields of the executable schema: roots ask the turn, everything below reads a mapping."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
)

from gateway import __version__
from gateway.doors.graphql.answers import Answer
from gateway.doors.graphql.turn import Turn
from gateway.doors.views import CallView, QuotaView, call_view, quota_view

Fields = Mapping[str, object]
Info = GraphQLResolveInfo[Turn]
Ask = Callable[..., Awaitable[object]]
"""Takes the turn, and the field's arguments by name."""


def bind(schema: GraphQLSchema) -> GraphQLSchema:
    """Give every field of the executable schema its resolver."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            kind.resolve_type = _typename
        elif isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            is_root = kind in {schema.query_type, schema.mutation_type}
            for name, field in kind.fields.items():
                field.resolve = _root(ROOTS[name]) if is_root else _item(name)
    return schema


def _item(name: str) -> Callable[[Fields, Info], object]:
    def read(source: Fields, _info: Info) -> object:
        return source[name]

    return read


def _typename(value: Fields, _info: Info, _kind: object) -> str:
    return cast("str", value["__typename"])


def _root(ask: Ask) -> Callable[..., Awaitable[object]]:
    async def read(_root: None, info: Info, **arguments: Any) -> object:  # noqa: ANN401 - as `ask` takes them
        turn = info.context
        turn.entered.add(info.path.key)
        return await ask(turn, **arguments) if turn.settled is None else turn.settled.again()

    return read


async def _make_call(turn: Turn, input: dict[str, object]) -> Answer:  # noqa: A002
    return await turn.make_call(input)


async def _call(turn: Turn, id: str) -> CallView | None:  # noqa: A002
    record = await turn.call(id)
    return None if record is None else call_view(record)


async def _call_by_key(turn: Turn, key: str) -> CallView | None:
    record = await turn.call_by_key(key)
    return None if record is None else call_view(record)


async def _calls(
    turn: Turn, first: int | None = None, after: str | None = None, status: str | None = None
) -> Fields:
    page = await turn.calls(first, after, status)
    nodes = [call_view(record) for record in page.records]
    cursors = page.cursors
    return {
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "nodes": nodes,
        "pageInfo": {
            "hasNextPage": page.next_cursor is not None,
            "hasPreviousPage": after is not None,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


async def _quota(turn: Turn) -> list[QuotaView]:
    return [quota_view(state) for state in await turn.quota()]


async def _gateway(_turn: Turn) -> Fields:
    return {"version": __version__}


ROOTS: Final[dict[str, Ask]] = {
    "call": _call,
    "callByIdempotencyKey": _call_by_key,
    "calls": _calls,
    "quota": _quota,
    "gateway": _gateway,
    "makeCall": _make_call,
}
"""What each field of a root asks of the turn, by its name."""
