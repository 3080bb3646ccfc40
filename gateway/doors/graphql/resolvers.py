"""The fields of the executable schema: roots ask the turn, everything below reads a mapping."""

from collections.abc import Callable, Mapping
from typing import Final, cast

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


def bind(schema: GraphQLSchema) -> GraphQLSchema:
    """Give every field of the executable schema its resolver."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            kind.resolve_type = _typename
        elif isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            roots = _ROOTS.get(kind.name)
            for name, field in kind.fields.items():
                field.resolve = _item(name) if roots is None else roots[name]
    return schema


def _item(name: str) -> Callable[[Fields, Info], object]:
    def read(source: Fields, _info: Info) -> object:
        return source[name]

    return read


def _typename(value: Fields, _info: Info, _kind: object) -> str:
    return cast("str", value["__typename"])


def _turn(info: Info) -> Turn:
    turn = info.context
    turn.entered.add(info.path.key)
    return turn


async def _make_call(_root: None, info: Info, input: dict[str, object]) -> Answer:  # noqa: A002
    return await _turn(info).make_call(input)


async def _call(_root: None, info: Info, id: str) -> CallView | None:  # noqa: A002
    record = await _turn(info).call(id)
    return None if record is None else call_view(record)


async def _call_by_key(_root: None, info: Info, key: str) -> CallView | None:
    record = await _turn(info).call_by_key(key)
    return None if record is None else call_view(record)


async def _calls(
    _root: None,
    info: Info,
    first: int | None = None,
    after: str | None = None,
    status: str | None = None,
) -> Fields:
    page = await _turn(info).calls(first, after, status)
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


async def _quota(_root: None, info: Info) -> list[QuotaView]:
    return [quota_view(state) for state in await _turn(info).quota()]


def _gateway(_root: None, info: Info) -> Fields:
    _turn(info)
    return {"version": __version__}


_ROOTS: Final[dict[str, dict[str, Callable[..., object]]]] = {
    "Query": {
        "call": _call,
        "callByIdempotencyKey": _call_by_key,
        "calls": _calls,
        "quota": _quota,
        "gateway": _gateway,
    },
    "Mutation": {"makeCall": _make_call},
}
