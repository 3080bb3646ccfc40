"""The REST door (contract, section 3): it reads and writes JSON; what it decides is only form."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import orjson

from gateway.access import (
    CALLS_MAKE,
    CALLS_READ,
    AuthReason,
    Denied,
    Principal,
    needs_scope,
    needs_standing,
)
from gateway.call import asks_dry_run, read_call
from gateway.doors.exchange import Arrival, Header, Reply
from gateway.doors.idempotency_key import header_key
from gateway.doors.json_body import BadJson, decode
from gateway.doors.list_parameters import list_parameters
from gateway.doors.negotiation import is_json, preferred_wait_seconds, takes_json
from gateway.doors.problems import MEDIA_TYPE, problem_body, problem_reply, refusal_headers
from gateway.doors.rules import Asker, InForce, asker_of
from gateway.doors.views import call_view, quota_view, rate_limit_headers
from gateway.errors import Code, Refusal, refuse
from gateway.legacy import UpstreamRequest
from gateway.place_call import Asked, Placed, Requested, Translated, key_fault
from gateway.records import Records
from gateway.telemetry.accounts import CallAccount

JSON: Final = b"application/json"
_CREDENTIAL: Final = frozenset({b"authorization"})
_ONCE: Final = frozenset({b"idempotency-key", b"content-type"})
_REPLAYED: Final[Header] = (b"idempotent-replayed", b"true")


class RestDoor:
    """The handlers of `/v1`."""

    def __init__(
        self,
        *,
        in_force: InForce,
        records: Records,
        auth_failed: Callable[[AuthReason], None],
    ) -> None:
        """`auth_failed` counts who was turned away, and why."""
        self._in_force = in_force
        self._records = records
        self._auth_failed = auth_failed

    async def make_call(self, arrival: Arrival) -> Reply:
        """`POST /v1/calls`."""
        keyed = b"idempotency-key" in arrival.headers
        asker = await self._maker(arrival, keyed=keyed)
        if isinstance(asker, Reply):
            return asker
        tree = await _read_tree(arrival)
        if isinstance(tree, Refusal):
            return _early(self._key_first(tree, arrival, asker), arrival, asker.principal)
        while asker.rules is not self._in_force():  # replaced while the body was still coming
            asker = await self._maker(arrival, keyed=keyed)
            if isinstance(asker, Reply):
                return asker
        headers, rules, principal = arrival.headers, asker.rules, asker.principal
        key = header_key(headers[b"idempotency-key"]) if keyed else None
        wait = preferred_wait_seconds(headers.get(b"prefer"))
        call = read_call(tree, callee_types=rules.callee_types, preferred_wait_seconds=wait)
        asked = Asked(
            principal, "rest", arrival.request_id, arrival.trace, key, call, is_dry_run=asks_dry_run(tree)
        )
        return _placed(await rules.place(asked), arrival, principal)

    async def find_call(self, arrival: Arrival) -> Reply:
        """`GET /v1/calls/{id}`."""
        principal = await self._reader(arrival)
        if isinstance(principal, Reply):
            return principal
        call_id = arrival.path.rpartition("/")[2]
        found = await self._records.call(principal, call_id)
        if isinstance(found, Refusal):
            return self._refused(found, arrival, principal)
        quotas = rate_limit_headers(found.quotas)
        if found.value is None:
            refusal = refuse(
                Code.NOT_FOUND, "This tenant has no call of that id; records are kept for a time."
            )
            return _with(problem_reply(refusal, arrival, headers=quotas), principal)
        return _json(200, call_view(found.value), quotas, principal)

    async def list_calls(self, arrival: Arrival) -> Reply:
        """`GET /v1/calls?status=&limit=20&cursor=`."""
        principal = await self._reader(arrival)
        if isinstance(principal, Reply):
            return principal
        asked = list_parameters(arrival.query)
        if isinstance(asked, Refusal):
            return self._refused(asked, arrival, principal)
        status, limit, cursor = asked
        found = await self._records.calls(principal, status=status, limit=limit, cursor=cursor)
        if isinstance(found, Refusal):
            return self._refused(found, arrival, principal)
        page = found.value
        body = {"calls": [call_view(record) for record in page.records], "nextCursor": page.next_cursor}
        return _json(200, body, rate_limit_headers(found.quotas), principal)

    async def quota(self, arrival: Arrival) -> Reply:
        """`GET /v1/quota`."""
        principal = await self._reader(arrival)
        if isinstance(principal, Reply):
            return principal
        found = await self._records.quota(principal)
        if isinstance(found, Refusal):
            return self._refused(found, arrival, principal)
        body = {"quotas": [quota_view(state) for state in found.quotas]}
        return _json(200, body, rate_limit_headers(found.quotas), principal)

    async def _maker(self, arrival: Arrival, *, keyed: bool) -> Asker | Reply:
        """Who asks for a call, once they may."""
        asker = await self._asker(arrival)
        if isinstance(asker, Refusal):
            return _early(asker.before_lookup(keyed=keyed), arrival, None)
        denied = needs_scope(asker.principal, CALLS_MAKE) or needs_standing(asker.principal)
        if denied is not None:
            self._auth_failed(denied.reason)
            asker.turned_away("rest", arrival, denied.refusal)
            return _early(denied.refusal.before_lookup(keyed=keyed), arrival, asker.principal)
        refusal = _repeated(arrival, _ONCE)
        return asker if refusal is None else _early(refusal, arrival, asker.principal)

    def _key_first(self, refusal: Refusal, arrival: Arrival, asker: Asker) -> Refusal:
        """What is wrong with the key comes before what is wrong with the body, which is no dry run."""
        if refusal.code is not Code.MALFORMED_REQUEST:
            return refusal
        given = arrival.headers.get(b"idempotency-key")
        return key_fault(asker.principal.tenant, None if given is None else header_key(given)) or refusal

    async def _asker(self, arrival: Arrival) -> Asker | Refusal:
        refusal = _repeated(arrival, _CREDENTIAL)
        if refusal is not None:
            return refusal
        asker = await asker_of(self._in_force, arrival)
        if isinstance(asker, Denied):
            self._auth_failed(asker.reason)
            return asker.refusal
        return asker

    async def _reader(self, arrival: Arrival) -> Principal | Reply:
        asker = await self._asker(arrival)
        if isinstance(asker, Refusal):
            return problem_reply(asker, arrival)
        denied = needs_scope(asker.principal, CALLS_READ)
        if denied is not None:
            return self._refused(denied.refusal, arrival, asker.principal)
        if not takes_json(arrival.headers.get(b"accept")):
            return _with(problem_reply(_not_acceptable(), arrival), asker.principal)
        return asker.principal

    def _refused(self, refusal: Refusal, arrival: Arrival, principal: Principal) -> Reply:
        if refusal.code is Code.INSUFFICIENT_SCOPE:
            self._auth_failed("scope")
        return _with(problem_reply(refusal, arrival), principal)


async def _read_tree(arrival: Arrival) -> object:
    """The body as decoded JSON, or the refusal of its form."""
    headers = arrival.headers
    if not takes_json(headers.get(b"accept")):
        return _not_acceptable()
    if not is_json(headers.get(b"content-type")):
        return refuse(
            Code.UNSUPPORTED_MEDIA_TYPE, "The body must be `Content-Type: application/json` in UTF-8."
        )
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return refuse(Code.UNSUPPORTED_MEDIA_TYPE, "The body must be sent without a Content-Encoding.")
    try:
        tree = decode(await arrival.body())
    except BadJson as fault:
        return refuse(Code.MALFORMED_REQUEST, str(fault))
    if not isinstance(tree, dict):
        return refuse(Code.MALFORMED_REQUEST, "The body must be a JSON object with `caller` and `callee`.")
    return tree


def _repeated(arrival: Arrival, once: frozenset[bytes]) -> Refusal | None:
    twice = arrival.repeated & once
    if not twice:
        return None
    named = ", ".join(sorted(name.decode() for name in twice))
    return refuse(Code.MALFORMED_REQUEST, f"These headers may be sent once only: {named}.")


def _not_acceptable() -> Refusal:
    return refuse(Code.NOT_ACCEPTABLE, "This resource is application/json; the Accept header excludes that.")


def _early(refusal: Refusal, arrival: Arrival, principal: Principal | None) -> Reply:
    """A call request that was turned away before the use case saw it."""
    reply = problem_reply(refusal, arrival, is_call=True)
    account = CallAccount(refusal.code.value.lower(), refusal.status)
    return replace(reply, principal=principal, call=account)


def _placed(placed: Placed, arrival: Arrival, principal: Principal) -> Reply:
    result = placed.result
    headers: tuple[Header, ...] = () if placed.quotas is None else rate_limit_headers(placed.quotas)
    if isinstance(result, Translated):
        body = {"upstreamRequest": _upstream_view(result.upstream_request)}
        return Reply(200, orjson.dumps(body), JSON, headers, principal, None, placed.account)
    if result.is_replayed:
        headers += (_REPLAYED,)
    if isinstance(result, Requested):
        record = result.record
        headers += ((b"location", b"/v1/calls/" + record.call_id.encode("ascii")),)
        body_bytes = orjson.dumps(call_view(record))
        return Reply(record.outcome.http_status, body_bytes, JSON, headers, principal, None, placed.account)
    refusal = result.refusal
    return Reply(
        refusal.status,
        problem_body(refusal, arrival.request_id, is_call=True),
        MEDIA_TYPE,
        refusal_headers(refusal, has_credential=True) + headers,
        principal,
        refusal.code.value,
        placed.account,
    )


def _upstream_view(request: UpstreamRequest) -> dict[str, str | None]:
    return {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "body": request.body,
    }


def _json(status: int, body: Any, headers: tuple[Header, ...], principal: Principal) -> Reply:  # noqa: ANN401 - any view
    return Reply(status, orjson.dumps(body), JSON, headers, principal)


def _with(reply: Reply, principal: Principal) -> Reply:
    return replace(reply, principal=principal)
