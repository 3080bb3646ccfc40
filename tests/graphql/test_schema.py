"""The schema against the one parameter table, and the two readers that both doors share."""

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNonNull,
    build_schema,
    get_nullable_type,
)

from gateway.call import PARAMETERS
from gateway.call.kinds import Choice, Flag, Text, Whole
from gateway.doors.graphql import sdl
from gateway.doors.idempotency_key import header_key
from gateway.doors.json_body import BadJson, decode


def test_the_input_has_the_table_s_fields_and_no_others() -> None:
    """Each parameter stands at its public path with its type; only `idempotencyKey` is added."""
    root = build_schema(sdl()).type_map["MakeCallInput"]
    assert isinstance(root, GraphQLInputObjectType)
    found = {}
    for name, field in root.fields.items():
        kind = get_nullable_type(field.type)
        if isinstance(kind, GraphQLInputObjectType):
            found |= {(name, inner): (f.type, f.description) for inner, f in kind.fields.items()}
        else:
            found[(name,)] = (field.type, field.description)
    assert found.pop(("idempotencyKey",))[0] is not None
    assert set(found) == {parameter.path for parameter in PARAMETERS}
    for parameter in PARAMETERS:
        kind, description = found[parameter.path]
        assert isinstance(kind, GraphQLNonNull) == parameter.required
        assert parameter.meaning in (description or "").replace("\n", " ")
        named = get_nullable_type(kind)
        match parameter.kind:
            case Choice():
                assert isinstance(named, GraphQLEnumType)
                assert tuple(named.values) == parameter.kind.words
            case Flag():
                assert str(named) == "Boolean"
            case Whole():
                assert str(named) == "Int"
            case Text():
                assert str(named) == "String"


def test_inputs_have_no_defaults_of_their_own() -> None:
    """What is left out stays left out: the table's defaults are filled in by the shared validation."""
    root = build_schema(sdl()).type_map["MakeCallInput"]
    assert isinstance(root, GraphQLInputObjectType)
    assert " = " not in sdl().replace("first: Int = 20", "").replace("union MakeCallResult = ", "")


@pytest.mark.parametrize(
    ("signature"),
    [
        "makeCall(input: MakeCallInput!): MakeCallResult!",
        "call(id: ID!): Call\n",
        "callByIdempotencyKey(key: String!): Call\n",
        "): CallConnection!",
        "first: Int = 20",
        "after: String\n",
        "status: CallStatus\n",
        "quota: [Quota!]!",
        "gateway: Gateway!",
        "type CallRequested {\n  call: Call!\n",
        "type CallTranslated {\n  upstreamRequest: UpstreamRequest!\n}",
        "interface CallError {\n  code: CallErrorCode!\n  message: String!\n",
        "retryable: Boolean!",
        "callState: CallState!",
        "requestId: ID!",
        "problems: [InputProblem!]!",
        "violatedPolicies: [String!]!\n  retryAfterSeconds: Int!",
        "retryAfterSeconds: Int\n",
        "  call: Call\n}",
    ],
)
def test_the_contract_s_signatures_stand_in_the_schema(signature: str) -> None:
    """Names and nullability are the contract's, letter by letter."""
    assert signature in sdl()


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"abc", "abc"),
        (b' "abc"\t', "abc"),
        (b'"a\\\\b\\"c"', 'a\\b"c'),
        (b'"a\\bc"', ""),
        (b'"', ""),
        (b'""', ""),
        (b"", ""),
        (b'"abc" "d"', ""),
        (b'"caf\xc3\xa9"', ""),
        (b"caf\xe9", "caf\xe9"),
    ],
)
def test_a_header_key_is_its_inner_text(raw: bytes, key: str) -> None:
    """Bare or quoted is one key; a malformed string becomes the empty key, which is never valid."""
    assert header_key(raw) == key


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[1,]",
        b"NaN",
        b'{"a":1,"a":2}',
        b'[{"a":{"b":1,"c":2,"b":3}}]',
        b"[" * 100_000,
        b"9" * 5_000,
        b"1 2",
        "1".encode("utf-16"),
        b'"\x01"',
    ],
)
def test_loose_json_is_refused(body: bytes) -> None:
    """Duplicate keys, constants that JSON lacks, broken text and absurd sizes raise one error type."""
    with pytest.raises(BadJson) as told:
        decode(body)
    assert len(told.value.detail) < 120


def test_strict_json_is_read_as_it_is() -> None:
    """Values keep their types; lone surrogates stay inside their strings."""
    assert decode(b'{"a":[1,2.5,true,null,"\\ud800"],"b":{}}') == {
        "a": [1, 2.5, True, None, "\ud800"],
        "b": {},
    }
