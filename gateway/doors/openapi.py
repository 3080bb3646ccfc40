"""The OpenAPI 3.1 document of the REST door, made from the parameter table and the catalogue."""

from typing import Any, Final

from gateway import __version__
from gateway.call import PARAMETERS, Parameter, Status
from gateway.call.parameters import Choice, Flag, Text, Whole
from gateway.doors.problems import TYPE_PREFIX
from gateway.errors import CATALOGUE, CallState, Code
from gateway.ledger import Per, Scope

Schema = dict[str, Any]

_READ_CODES: Final = (
    Code.UNAUTHENTICATED,
    Code.INSUFFICIENT_SCOPE,
    Code.NOT_ACCEPTABLE,
    Code.STORE_UNAVAILABLE,
)
_NEVER_HERE: Final = frozenset({Code.NOT_FOUND})


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable(schema: Schema) -> Schema:
    """Null equals absent for optional fields; without a `type` (a $ref) it is an anyOf."""
    if "enum" in schema:
        return {**schema, "type": ["string", "null"], "enum": [*schema["enum"], None]}
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


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
        schema = {"type": "string", "enum": list(kind.words)}
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
            "caller": _ref("Caller"),
            "callee": _ref("Callee"),
            "billing": _nullable(_ref("Billing")),
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


def _schemas() -> Schema:
    instant = {"type": "string", "format": "date-time"}
    reference = _object(
        {"machine": {"type": ["integer", "null"]}, "server": _text_or_null(), "callId": _text_or_null()}
    )
    call = _object(
        {
            "id": {"type": "string"},
            "status": {"type": "string", "enum": list(Status)},
            "reference": _nullable(_ref("Reference")),
            "requestedAt": instant,
            "settledAt": {**instant, "type": ["string", "null"]},
            "clientReference": _text_or_null(),
            "callerNumber": {"type": "string"},
            "calleeNumber": {"type": "string"},
            "code": {"type": ["string", "null"], "enum": [*Code, None]},
        }
    )
    quota = _object(
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
    upstream = _object(
        {
            "method": {"type": "string", "enum": ["GET", "POST"]},
            "path": {"type": "string"},
            "query": _text_or_null(),
            "body": _text_or_null(),
        }
    )
    return {
        "CallInput": call_input_schema(),
        "Caller": _party("caller"),
        "Callee": _party("callee"),
        "Billing": _party("billing"),
        "Reference": reference,
        "Call": call,
        "CallPage": _object(
            {"calls": {"type": "array", "items": _ref("Call")}, "nextCursor": _text_or_null()}
        ),
        "Quota": quota,
        "Quotas": _object({"quotas": {"type": "array", "items": _ref("Quota")}}),
        "Translation": _object({"upstreamRequest": upstream}),
        "Problem": _problem(),
    }


def _problem() -> Schema:
    fault = _object(
        {
            "pointer": {"type": "string"},
            "code": {"type": "string", "enum": list(Code)},
            "detail": {"type": "string"},
        }
    )
    return _object(
        {
            "type": {"type": "string", "format": "uri", "examples": [TYPE_PREFIX + "invalid-input"]},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": "The request id, as in X-Request-ID."},
            "code": {"type": "string", "enum": list(Code)},
            "callState": {
                "type": "string",
                "enum": list(CallState),
                "description": "In answers to call requests.",
            },
            "retryable": {"type": "boolean", "description": "In answers to call requests."},
            "problems": {"type": "array", "items": fault},
            "violated-policies": {"type": "array", "items": {"type": "string"}},
            "callId": {"type": "string"},
        },
        ["type", "title", "status", "detail", "instance", "code"],
    )


_HEADER_TEXT: Final = {
    "X-Request-ID": "The request's id: the caller's, if sane, else a new one.",
    "RateLimit": "The quotas as they stand (draft-ietf-httpapi-ratelimit-headers-10).",
    "RateLimit-Policy": "The tenant's quotas.",
}


def _answer(
    description: str, schema: str, *, extra: Schema | None = None, media: str = "application/json"
) -> Schema:
    headers = {
        name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADER_TEXT.items()
    }
    return {
        "description": description,
        "headers": {**headers, **(extra or {})},
        "content": {media: {"schema": _ref(schema)}},
    }


def _errors(codes: tuple[Code, ...]) -> Schema:
    by_status: dict[int, list[Code]] = {}
    for code in codes:
        by_status.setdefault(CATALOGUE[code].status, []).append(code)
        if code is Code.OUTCOME_UNKNOWN:
            by_status.setdefault(502, []).append(code)
    return {
        str(status): _answer(
            "; ".join(f"{c}: {CATALOGUE[c].title}" for c in found),
            "Problem",
            media="application/problem+json",
        )
        for status, found in sorted(by_status.items())
    }


_LOCATION: Final[Schema] = {
    "Location": {"description": "The call's record.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {"description": "`true` on a replay.", "schema": {"type": "string"}},
}


def _make_call() -> Schema:
    links = {
        "call": {
            "operationId": "getCall",
            "parameters": {"id": "$response.body#/id"},
            "description": "The record.",
        }
    }
    return {
        "operationId": "makeCall",
        "summary": "Make a call",
        "description": "Rings the caller; when it answers, rings the callee and bridges both.",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A retry with the same key and input can never place a second call.",
                "schema": {
                    "type": "string",
                    "pattern": "^[\\x21-\\x7e]{1,255}$",
                    "minLength": 1,
                    "maxLength": 255,
                },
            },
            {
                "name": "Prefer",
                "in": "header",
                "description": "`wait=5` is the same as `waitSeconds`, which wins.",
                "schema": {"type": "string"},
                "example": "wait=5",
            },
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("CallInput")}}},
        "responses": {
            "200": _answer("A dry run: what would be sent; nothing was.", "Translation"),
            "201": {**_answer("Requested, reference known.", "Call", extra=_LOCATION), "links": links},
            "202": {
                **_answer("Requested, reference missing or incomplete.", "Call", extra=_LOCATION),
                "links": links,
            },
            **_errors(tuple(code for code in Code if code not in _NEVER_HERE)),
        },
    }


def _parameter(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def openapi() -> Schema:
    """The whole document."""
    call_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Make a Call",
            "version": __version__,
            "description": "A safe way to a legacy telephony API: never twice, never a guess.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": {
            "/v1/calls": {
                "post": _make_call(),
                "get": {
                    "operationId": "listCalls",
                    "summary": "The tenant's calls, newest first",
                    "parameters": [
                        _parameter(
                            "status", {"type": "string", "enum": list(Status)}, "Only calls of this status."
                        ),
                        _parameter(
                            "limit",
                            {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
                            "Page size.",
                        ),
                        _parameter("cursor", {"type": "string"}, "`nextCursor` of the page before."),
                    ],
                    "responses": {
                        "200": _answer("One page.", "CallPage"),
                        **_errors((*_READ_CODES, Code.INVALID_INPUT, Code.MALFORMED_REQUEST)),
                    },
                },
            },
            "/v1/calls/{id}": {
                "get": {
                    "operationId": "getCall",
                    "summary": "One call of the tenant",
                    "parameters": [call_id],
                    "responses": {
                        "200": _answer("The call.", "Call"),
                        **_errors((*_READ_CODES, Code.NOT_FOUND, Code.MALFORMED_REQUEST)),
                    },
                }
            },
            "/v1/quota": {
                "get": {
                    "operationId": "getQuota",
                    "summary": "The quotas as the asker stands",
                    "responses": {
                        "200": _answer("The quotas.", "Quotas"),
                        **_errors((*_READ_CODES, Code.MALFORMED_REQUEST)),
                    },
                }
            },
        },
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or a JWT whose `scope` holds `calls:make` or `calls:read`.",
                }
            },
            "schemas": _schemas(),
        },
    }
