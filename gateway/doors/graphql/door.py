"""The GraphQL door's HTTP edge (contract, section 4; the GraphQL-over-HTTP draft).

The order: method, who asks, media types, body, document, variables, then the operation itself.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from gateway.access import AuthReason, Denied
from gateway.doors.exchange import Arrival, BodyTooLarge, Header, Reply
from gateway.doors.graphql.documents import Documents, Fault, Operation, Rejected
from gateway.doors.graphql.forms import Form, dumps
from gateway.doors.graphql.inputs import KEY_FIELD
from gateway.doors.graphql.limits import CALL_FIELD
from gateway.doors.graphql.negotiation import HTML, JSON, is_json, response_type
from gateway.doors.graphql.parameters import BadParameters, Parameters, from_body, from_url
from gateway.doors.graphql.plans import MAX_PLANS
from gateway.doors.graphql.resolvers import bind
from gateway.doors.graphql.runner import Prepared, prepare, run, run_plan, told
from gateway.doors.graphql.schema import executable
from gateway.doors.graphql.turn import KEY_HEADER, Desk, Turn
from gateway.doors.pages import PAGE_HEADERS
from gateway.doors.problems import refusal_headers
from gateway.doors.rules import Asker, InForce, asker_of
from gateway.doors.views import rate_limit_headers
from gateway.errors import Code, Refusal, refuse
from gateway.records import Records

REJECTED_REASONS: Final = (
    "batch",
    "headers",
    "introspection",
    "json",
    "limits",
    "media_type",
    "method",
    "operation",
    "parameters",
    "syntax",
    "timeout",
    "too_large",
    "validation",
    "variables",
)
"""The closed set of the metric's `reason`."""

_CREDENTIAL: Final = frozenset({b"authorization"})
_SINGLE_HEADERS: Final = frozenset({b"content-type", KEY_HEADER})
_TWICE: Final = "A header comes twice that may come only once."
"""Headers of which a second one could mean another call, or another caller."""
_ANY_METHOD: Final = (b"allow", b"GET, POST")


class GraphqlDoor:
    """Answers `/graphql`. One door for each configuration; a reload makes a new one."""

    def __init__(
        self,
        *,
        in_force: InForce,
        records: Records,
        introspection: bool,
        explorer_html: bytes | None,
        rejected: Callable[[str], None],
        auth_failed: Callable[[AuthReason], None],
        max_plans: int = MAX_PLANS,
    ) -> None:
        """`explorer_html` answers browsers; `rejected` hears a reason of REJECTED_REASONS, `auth_failed`
        why an asker was turned away; without plans (0) graphql-core runs everything."""
        self._in_force = in_force
        self._desk = Desk(records, auth_failed)
        self._schema = bind(executable())
        self._documents = Documents(self._schema, introspection=introspection, max_plans=max_plans)
        self._introspection = introspection
        self._explorer_html = explorer_html
        self._rejected = rejected

    async def __call__(self, arrival: Arrival) -> Reply:
        """Answer one request; raises only ClientGone."""
        is_get = arrival.method == "GET"
        offers_html = is_get and self._explorer_html is not None
        media_type = response_type(arrival.headers.get(b"accept"), offers_html=offers_html)
        if media_type is HTML and self._explorer_html is not None:
            return Reply(200, self._explorer_html, HTML, PAGE_HEADERS)
        form = Form(media_type or JSON, arrival.request_id, is_call=not is_get)
        if not is_get and arrival.method != "POST":
            return self._refused(
                form, "method", Code.METHOD_NOT_ALLOWED, "GraphQL takes GET and POST.", headers=(_ANY_METHOD,)
            )
        if arrival.repeated & _CREDENTIAL:
            return self._malformed(form, "headers", _TWICE)
        asker = await asker_of(self._in_force, arrival)
        if isinstance(asker, Denied):
            return await self._unauthenticated(arrival, form, asker)
        reply = await self._received(arrival, form, asker, accepts=media_type is not None)
        return reply if reply.principal is not None else replace(reply, principal=asker.principal)

    async def _unauthenticated(self, arrival: Arrival, form: Form, denied: Denied) -> Reply:
        """401. The body is not parsed, but whether it names a key or a call decides what may be said."""
        body = b""
        if arrival.method == "POST":
            try:
                body = await arrival.body()
            except (BodyTooLarge, TimeoutError):
                body = b""
        return self._turned_away(arrival, form, denied, body)

    def _turned_away(self, arrival: Arrival, form: Form, denied: Denied, body: bytes) -> Reply:
        self._desk.auth_failed(denied.reason)
        keyed = KEY_HEADER in arrival.headers or _may_hold(body, KEY_FIELD)
        refusal = denied.refusal.before_lookup(keyed=keyed)
        form = form.telling(is_call=_may_hold(body, CALL_FIELD))
        return form.refused(refusal, has_credential=b"authorization" in arrival.headers)

    async def _received(self, arrival: Arrival, form: Form, asker: Asker, *, accepts: bool) -> Reply:
        if arrival.repeated & _SINGLE_HEADERS:
            return self._malformed(form, "headers", _TWICE)
        if not accepts:
            detail = "Answers are application/graphql-response+json or application/json, in UTF-8."
            return self._refused(form, "media_type", Code.NOT_ACCEPTABLE, detail)
        try:
            if arrival.method == "GET":
                parameters = from_url(arrival.query)
            else:
                encoding = arrival.headers.get(b"content-encoding", b"identity").lower()
                if not is_json(arrival.headers.get(b"content-type")) or encoding != b"identity":
                    detail = "The body must be application/json in UTF-8, without a content encoding."
                    return self._refused(form, "media_type", Code.UNSUPPORTED_MEDIA_TYPE, detail)
                body = await arrival.body()
                form = form.telling(is_call=_may_hold(body, CALL_FIELD))
                while asker.rules is not self._in_force():  # replaced while the body was still coming
                    again = await asker_of(self._in_force, arrival)
                    if isinstance(again, Denied):
                        return self._turned_away(arrival, form, again, body)
                    asker = again
                parameters = from_body(body)
        except BadParameters as fault:
            return self._malformed(form, fault.reason, fault.detail)
        except BodyTooLarge:
            return self._refused(form, "too_large", Code.TOO_LARGE, "The body is longer than is taken here.")
        except TimeoutError:
            return self._malformed(form, "timeout", "The body did not arrive whole in time.")
        return await self._read(arrival, form, asker, parameters)

    async def _read(self, arrival: Arrival, form: Form, asker: Asker, parameters: Parameters) -> Reply:
        document = self._documents.read(parameters.query)
        if isinstance(document, Rejected):
            return self._reject(form, document)
        operation = document.select(parameters.operation_name)
        if isinstance(operation, Rejected):
            return self._reject(form, operation)
        form = form.telling(is_call=operation.type == "mutation")
        reply = await self._perform(arrival, form, asker, operation, parameters.variables)
        if reply.principal is not None:
            return reply
        return replace(
            reply,
            principal=asker.principal,
            graphql_operation_type=operation.type,
            graphql_operation_name=operation.shown_name,
        )

    async def _perform(
        self,
        arrival: Arrival,
        form: Form,
        asker: Asker,
        operation: Operation,
        variables: dict[str, object],
    ) -> Reply:
        if operation.type != "query" and arrival.method == "GET":
            detail = "GET serves queries only; send mutations by POST."
            return self._refused(
                form, "method", Code.METHOD_NOT_ALLOWED, detail, headers=((b"allow", b"POST"),)
            )
        turn = Turn(self._desk, arrival, asker)
        ready = operation.plans.ready(variables)
        data = None if ready is None else await run_plan(*ready, turn)
        if data is not None:
            return _told({"data": data}, turn, form, operation)
        prepared = prepare(self._schema, operation, variables, turn, suggests=self._introspection)
        if isinstance(prepared, Rejected):
            return self._reject(form, prepared)
        return await _answered(prepared, turn, form, operation)

    def _refused(
        self,
        form: Form,
        reason: str,
        code: Code,
        detail: str,
        *,
        headers: tuple[Header, ...] = (),
    ) -> Reply:
        self._rejected(reason)
        return form.refused(refuse(code, detail), headers=headers)

    def _malformed(self, form: Form, reason: str, detail: str) -> Reply:
        return self._reject(form, Rejected(reason, (Fault(detail),)))

    def _reject(self, form: Form, rejected: Rejected) -> Reply:
        self._rejected(rejected.reason)
        return form.rejected(rejected)


async def _answered(prepared: Prepared, turn: Turn, form: Form, operation: Operation) -> Reply:
    """Run the operation on graphql-core and write what it came to."""
    result = await run(prepared)
    response: dict[str, object] = {"data": result.data}
    if result.errors:
        response["errors"] = told(result, turn, form)
    return _told(response, turn, form, operation)


def _told(response: dict[str, object], turn: Turn, form: Form, operation: Operation) -> Reply:
    """The response as a reply: 200, or 500 where the gateway met a defect."""
    first = turn.refusals[0] if turn.refusals else None
    is_defect = first is not None and any(refusal.code is Code.INTERNAL for refusal in turn.refusals)
    return Reply(
        500 if is_defect else 200,
        dumps(response),
        form.media_type,
        _headers(turn, first),
        turn.asker.principal,
        None if first is None else first.code.value,
        turn.account,
        operation.type,
        operation.shown_name,
        "" if first is None else first.cause,
    )


def _headers(turn: Turn, refusal: Refusal | None) -> tuple[Header, ...]:
    headers = rate_limit_headers(turn.quotas or ())
    if refusal is not None:
        headers += refusal_headers(refusal, has_credential=True)
    if turn.is_replayed:
        headers += ((b"idempotent-replayed", b"true"),)
    return headers


def _may_hold(body: bytes, name: str) -> bool:
    """Whether a body that is not parsed may hold a name; an escape could spell any name."""
    return name.encode() in body or b"\\u" in body
