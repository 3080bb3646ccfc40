"""The schemas of the OpenAPI document, made from the parameter table and the catalogue."""

from collections.abc import Iterable
from typing import Any

from gateway.call import PARAMETERS, Parameter, Status
from gateway.call.kinds import Choice, Flag, Text, Whole
from gateway.doors.problems import TYPE_PREFIX
from gateway.errors import CallState, Code
from gateway.ledger import Per, Scope

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A reference to one of `schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable(schema: Schema) -> Schema:
    """Null equals absent for optional fields. A default stays with the value's own schema: beside the
    alternatives, generators of clients would take it for a promise that the field is always there."""
    return {"anyOf": [schema, {"type": "null"}]}


def _choice_name(parameter: Parameter) -> str:
    """The name that GraphQL has for the words too; shared ones make one type in generated clients."""
    name = parameter.path[-1]
    group = parameter.path[0].capitalize() if name == "type" else ""
    return group + name[0].upper() + name[1:]


def _words(words: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(words)}


def value_schema(parameter: Parameter) -> Schema:
    """The JSON Schema of one parameter's value."""
    kind = parameter.kind
    schema: Schema
    if isinstance(kind, Text):
        pattern = (kind.wide_pattern or kind.pattern).pattern
        schema = {"type": "string", "minLength": 1, "maxLength": kind.max_length}
        if kind.max_length == 64:
            schema["pattern"] = f"^{pattern}$"
    elif isinstance(kind, Flag):
        schema = {"type": "boolean", "default": parameter.default}
    elif isinstance(kind, Whole):
        schema = {"type": "integer", "minimum": kind.minimum, "maximum": kind.maximum}
    else:
        schema = ref(_choice_name(parameter))
    if isinstance(kind, Choice | Whole) and parameter.default is not None:
        schema["default"] = parameter.default
    if not parameter.required:
        schema = _nullable(schema)
    return {**schema, "description": parameter.meaning}


def _party(group: str) -> Schema:
    rows = [p for p in PARAMETERS if len(p.path) == 2 and p.path[0] == group]
    schema: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {p.path[1]: value_schema(p) for p in rows},
    }
    required = [p.path[1] for p in rows if p.required]
    if required:
        schema["required"] = required
    return schema


def call_input_schema() -> Schema:
    """The body of `POST /v1/calls`."""
    top = {p.path[0]: value_schema(p) for p in PARAMETERS if len(p.path) == 1}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["caller", "callee"],
        "properties": {
            "caller": ref("Caller"),
            "callee": ref("Callee"),
            "billing": _nullable(ref("Billing")),
            **top,
        },
        "examples": [
            {
                "caller": {"number": "1234567", "type": "LINE"},
                "callee": {"number": "2125551234"},
                "waitSeconds": 5,
            }
        ],
    }


def _object(properties: Schema, required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }


def _text_or_null() -> Schema:
    return {"type": ["string", "null"]}


def _reference() -> Schema:
    return _object(
        {"machine": {"type": ["integer", "null"]}, "server": _text_or_null(), "callId": _text_or_null()}
    )


def _call() -> Schema:
    instant = {"type": "string", "format": "date-time"}
    return _object(
        {
            "id": {"type": "string"},
            "status": ref("CallStatus"),
            "reference": _nullable(ref("Reference")),
            "requestedAt": instant,
            "settledAt": {**instant, "type": ["string", "null"]},
            "clientReference": _text_or_null(),
            "callerNumber": {"type": "string"},
            "calleeNumber": {"type": "string"},
            "code": _nullable(ref("CallErrorCode")),
        }
    )


def _quota() -> Schema:
    return _object(
        {
            "name": {"type": "string"},
            "per": {"type": "string", "enum": list(Per)},
            "scope": {"type": "string", "enum": list(Scope)},
            "limit": {"type": "integer"},
            "remaining": {"type": ["integer", "null"]},
            "inUse": {"type": ["integer", "null"]},
            "resetSeconds": {"type": ["integer", "null"]},
        }
    )


def _upstream() -> Schema:
    return _object(
        {
            "method": {"type": "string", "enum": ["GET", "POST"]},
            "path": {"type": "string"},
            "query": _text_or_null(),
            "body": _text_or_null(),
        }
    )


def _list_of(name: str) -> Schema:
    return {"type": "array", "items": ref(name)}


def schemas() -> Schema:
    """`components.schemas`."""
    return {
        "CallInput": call_input_schema(),
        "Caller": _party("caller"),
        "Callee": _party("callee"),
        "Billing": _party("billing"),
        "Reference": _reference(),
        "Call": _call(),
        "CallPage": _object(
            {"calls": {"type": "array", "items": ref("Call")}, "nextCursor": _text_or_null()}
        ),
        "Quota": _quota(),
        "Quotas": _object({"quotas": _list_of("Quota")}),
        "Translation": _object({"upstreamRequest": ref("UpstreamRequest")}),
        "UpstreamRequest": _upstream(),
        "Problem": _problem(),
        "InputProblem": _input_problem(),
        **{_choice_name(p): _words(p.kind.words) for p in PARAMETERS if isinstance(p.kind, Choice)},
        "CallStatus": _words(Status),
        "CallState": _words(CallState),
        "CallErrorCode": _words(Code),
    }


def _input_problem() -> Schema:
    return _object(
        {
            "pointer": {"type": "string", "description": "An RFC 6901 pointer into the input."},
            "code": ref("CallErrorCode"),
            "detail": {"type": "string"},
        }
    )


def _problem() -> Schema:
    return _object(
        {
            "type": {"type": "string", "format": "uri", "examples": [TYPE_PREFIX + "invalid-input"]},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": "The request id, as in X-Request-ID."},
            "code": ref("CallErrorCode"),
            "callState": {**ref("CallState"), "description": "In answers to call requests."},
            "retryable": {"type": "boolean", "description": "In answers to call requests."},
            "problems": _list_of("InputProblem"),
            "violated-policies": {"type": "array", "items": {"type": "string"}},
            "callId": {"type": "string"},
        },
        ["type", "title", "status", "detail", "instance", "code"],
    )
