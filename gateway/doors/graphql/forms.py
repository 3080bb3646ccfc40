"""How the door's answers are written: GraphQL's response, its errors with their extensions, its headers."""

import json
from typing import Final

import orjson

from gateway.doors.exchange import Header, Reply
from gateway.doors.graphql.documents import Fault, Rejected
from gateway.doors.graphql.negotiation import RESPONSE
from gateway.doors.problems import refusal_headers
from gateway.errors import CATALOGUE, CallState, Code, Refusal
from gateway.values import value_class

Error = dict[str, object]

# What could not be read as a request at all is a 400 whatever the client accepts.
_UNREADABLE: Final = frozenset({"json", "parameters", "batch", "headers", "timeout"})


@value_class(frozen=True, slots=True)
class Form:
    """The form of one request's answer. `is_call` (may) ask for a call, so errors tell its state."""

    media_type: bytes
    request_id: str
    is_call: bool

    def telling(self, *, is_call: bool) -> "Form":
        """The same form, once it is known whether a call is asked for."""
        return self if self.is_call == is_call else Form(self.media_type, self.request_id, is_call)

    def error(
        self, code: Code, message: str, state: CallState | None = None, locations: object = None
    ) -> Error:
        """One entry of `errors`."""
        extensions: Error = {"code": code.value, "requestId": self.request_id}
        if self.is_call:
            entry = CATALOGUE[code]
            extensions["retryable"] = entry.retryable
            extensions["callState"] = (state or entry.call_state).value
        error: Error = {"message": message, "extensions": extensions}
        if locations:
            error["locations"] = locations
        return error

    def refused(
        self, refusal: Refusal, *, headers: tuple[Header, ...] = (), has_credential: bool = False
    ) -> Reply:
        """A refusal before anything ran: no `data`."""
        error = self.error(refusal.code, refusal.detail, refusal.call_state)
        due = refusal_headers(refusal, has_credential=has_credential)
        body = dumps({"errors": [error]})
        code, cause = refusal.code.value, refusal.cause
        return Reply(refusal.status, body, self.media_type, due + headers, error_code=code, cause=cause)

    def rejected(self, rejected: Rejected) -> Reply:
        """A request that can't run: 400, but 200 where the old media type is asked for a document's fault."""
        errors = [self._fault(fault) for fault in rejected.faults]
        is_400 = self.media_type is RESPONSE or rejected.reason in _UNREADABLE
        code = Code.MALFORMED_REQUEST
        return Reply(
            400 if is_400 else 200, dumps({"errors": errors}), self.media_type, error_code=code.value
        )

    def _fault(self, fault: Fault) -> Error:
        locations = [{"line": line, "column": column} for line, column in fault.locations]
        return self.error(Code.MALFORMED_REQUEST, fault.message, locations=locations)


def dumps(response: dict[str, object]) -> bytes:
    """JSON in UTF-8, also of text with lone surrogates, which only an escape can carry."""
    try:
        return orjson.dumps(response)
    except TypeError:
        return json.dumps(response).encode("ascii")
