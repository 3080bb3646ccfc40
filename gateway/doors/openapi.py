"""The OpenAPI 3.1 document of the REST door, made from the parameter table and the catalogue."""

from http import HTTPStatus
from typing import Final

from gateway import __version__
from gateway.doors.openapi_schemas import Schema, ref, schemas
from gateway.errors import CATALOGUE, Code

_READ_CODES: Final = (
    Code.UNAUTHENTICATED,
    Code.INSUFFICIENT_SCOPE,
    Code.NOT_ACCEPTABLE,
    Code.TOO_LARGE,
    Code.STORE_UNAVAILABLE,
)
_NEVER_HERE: Final = frozenset({Code.NOT_FOUND})


_HEADER_TEXT: Final = {
    "X-Request-ID": "The request's id: the caller's, if sane, else a new one.",
    "RateLimit": "The quotas as they stand (draft-ietf-httpapi-ratelimit-headers-10).",
    "RateLimit-Policy": "The tenant's quotas.",
}


_DUE_TEXT: Final = {
    "WWW-Authenticate": ({401}, "`Bearer`, and what is wrong with the credential."),
    "Retry-After": ({409, 429, 503}, "Whole seconds after which to ask again."),
    "Idempotent-Replayed": ({201, 202, 403, 422, 502, 504}, "`true` on a replay."),
}
"""Headers of calls' answers, with the statuses that may have them."""

_BEFORE_LEDGER: Final = frozenset({400, 401, 406, 413, 415})
"""Statuses of what is refused before the quotas are known."""


def _answer(
    status: int, description: str, *schemas_of: str, extra: Schema | None = None, is_call: bool = False
) -> Schema:
    texts = dict(_HEADER_TEXT)
    if status in _BEFORE_LEDGER:
        texts = {name: text for name, text in texts.items() if not name.startswith("RateLimit")}
    for name, (statuses, text) in _DUE_TEXT.items():
        if status in statuses and (is_call or name != "Idempotent-Replayed"):
            texts[name] = text
    headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in texts.items()}
    refs = [ref(name) for name in schemas_of]
    media = "application/json" if status < HTTPStatus.BAD_REQUEST else "application/problem+json"
    return {
        "description": description,
        "headers": {**headers, **(extra or {})},
        "content": {media: {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}},
    }


def _errors(codes: tuple[Code, ...], *, is_call: bool = False) -> Schema:
    by_status: dict[int, list[Code]] = {}
    for code in codes:
        by_status.setdefault(CATALOGUE[code].status, []).append(code)
        if code is Code.OUTCOME_UNKNOWN:
            by_status.setdefault(502, []).append(code)
    return {
        str(status): _answer(
            status, "; ".join(f"{c}: {CATALOGUE[c].title}" for c in found), "Problem", is_call=is_call
        )
        for status, found in sorted(by_status.items())
    }


_LOCATION: Final[Schema] = {
    "Location": {"description": "The call's record.", "schema": {"type": "string"}},
}


_CALL_HEADERS: Final = [
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
]


def _call(status: int, description: str) -> Schema:
    return _answer(status, description, "Call", extra=_LOCATION, is_call=True)


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
        "parameters": _CALL_HEADERS,
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref("CallInput")}}},
        "responses": {
            # Always a Translation. Many generators type an operation by its first success alone: theirs
            # then take the call of a 201 too, which they would lose, or tell as a fault.
            "200": _answer(
                200, "A dry run: the Translation, what would be sent; nothing was.", "Call", "Translation"
            ),
            "201": {**_call(201, "Requested, reference known."), "links": links},
            "202": {**_call(202, "Requested, reference missing or incomplete."), "links": links},
            **_errors(tuple(code for code in Code if code not in _NEVER_HERE), is_call=True),
        },
    }


def _parameter(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _list_calls() -> Schema:
    return {
        "operationId": "listCalls",
        "summary": "The tenant's calls, newest first",
        "description": "A page at a time; records are kept for a time.",
        "parameters": [
            _parameter("status", ref("CallStatus"), "Only calls of this status."),
            _parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
                "Page size.",
            ),
            _parameter("cursor", {"type": "string"}, "`nextCursor` of the page before."),
        ],
        "responses": {
            "200": _answer(200, "One page.", "CallPage"),
            **_errors((*_READ_CODES, Code.INVALID_INPUT, Code.MALFORMED_REQUEST)),
        },
    }


def _paths() -> Schema:
    call_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "/v1/calls": {
            "post": _make_call(),
            "get": _list_calls(),
        },
        "/v1/calls/{id}": {
            "get": {
                "operationId": "getCall",
                "summary": "One call of the tenant",
                "description": "The record of a call, as it is now.",
                "parameters": [call_id],
                "responses": {
                    "200": _answer(200, "The call.", "Call"),
                    **_errors((*_READ_CODES, Code.NOT_FOUND, Code.MALFORMED_REQUEST)),
                },
            }
        },
        "/v1/quota": {
            "get": {
                "operationId": "getQuota",
                "summary": "The quotas as the asker stands",
                "description": "Spends nothing.",
                "responses": {
                    "200": _answer(200, "The quotas.", "Quotas"),
                    **_errors((*_READ_CODES, Code.MALFORMED_REQUEST)),
                },
            }
        },
    }


def openapi() -> Schema:
    """The whole document."""
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
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or a JWT whose `scope` holds `calls:make` or `calls:read`.",
                }
            },
            "schemas": schemas(),
        },
    }
