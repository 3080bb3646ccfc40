"""One configuration, built: tenants, access, use cases, doors and routes, over the foundations that
outlive a reload (ledger, slots, calls under way, telemetry).
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.routing import Route, Router

from gateway.access import Access, TokenVerifier
from gateway.app.tenure import Tenure
from gateway.app.upstreams import Site
from gateway.doors.cors import ALLOWED, EXPOSED, Cors
from gateway.doors.edge import EdgeOptions, Endpoint
from gateway.doors.exchange import Arrival, DoorName, Exchange, Handler, Reply
from gateway.doors.graphql import GraphqlDoor
from gateway.doors.pages import Pages
from gateway.doors.problems import problem_reply
from gateway.doors.rest import RestDoor
from gateway.doors.rules import InForce, Rules
from gateway.errors import Code, refuse
from gateway.ledger import Ledger, Limit, StoreUnavailable
from gateway.place_call import AuditTrail, CallTasks, PlaceCall, Settler, Standing
from gateway.records import Records
from gateway.settings.model import Settings
from gateway.telemetry import UNMATCHED, RequestAccount, Telemetry, parse_traceparent
from gateway.tenant import Tenant, tenant_of
from gateway.upstream import Slots


@dataclass(frozen=True, slots=True)
class Foundations:
    """What outlives a reload."""

    telemetry: Telemetry
    ledger: Ledger
    settler: Settler
    ledger_refused: Callable[[StoreUnavailable], None]
    slots: Slots
    tasks: CallTasks
    refuses_new: Callable[[], bool]
    in_force: InForce
    is_winding_down: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class House:
    """One configuration, built: the public ASGI application, its paths that are no patterns, which can be
    answered without it, what answers where nothing is, and the rules that it makes."""

    app: Any
    endpoints: Mapping[str, Endpoint]
    nothing: Endpoint
    rules: Rules

    def serve(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer a request to a path that is no pattern, or was none when it was read."""
        return self.endpoints.get(exchange.path, self.nothing).serve(exchange)


def tenants_of(settings: Settings, limits: Mapping[str, tuple[Limit, ...]]) -> dict[str, Tenant]:
    """Every tenant, built; where its limits are those given, with these very ones.

    The ledger keeps what it works out of limits by their identity.
    """
    numbers = settings.telemetry.audit_numbers
    tenants = {name: tenant_of(name, tenant, numbers) for name, tenant in settings.tenants.items()}
    return {
        name: replace(tenant, limits=limits[name]) if limits.get(name) == tenant.limits else tenant
        for name, tenant in tenants.items()
    }


def build_house(
    settings: Settings,
    tenants: dict[str, Tenant],
    foundations: Foundations,
    site: Site,
    tenure: Tenure,
    tokens: TokenVerifier | None,
) -> House:
    """Build one configuration; nothing is in force yet. `tenure` counts its requests."""
    telemetry = foundations.telemetry
    records = Records(foundations.ledger)
    pages = Pages(has_console=settings.console)
    rest = RestDoor(
        in_force=foundations.in_force,
        records=records,
        auth_failed=telemetry.auth_failed,
    )
    graphql = GraphqlDoor(
        in_force=foundations.in_force,
        records=records,
        introspection=settings.graphql.introspection,
        explorer_html=pages.explorer,
        rejected=telemetry.graphql_rejected,
        auth_failed=telemetry.auth_failed,
    )
    edge = _edge(settings, foundations, tenure)
    # A bare Router: the edge tells of defects itself, and Starlette's two exception middlewares would
    # cost a twelfth of a request for nothing.
    nothing = Endpoint(edge, UNMATCHED, None, {"*": _not_found})
    # The default is for a target without a slash, such as `*`.
    router = Router(_patterns(edge, rest, pages, nothing), redirect_slashes=False, default=nothing)
    endpoints = dict(_paths(edge, rest, graphql, pages))
    audit = AuditTrail(telemetry.audit)
    rules = Rules(
        Access(settings, tenants, tokens),
        _place(settings, foundations, site, audit),
        audit.turned_away,
        settings.upstream.callee_types,
    )
    return House(_with_cors(Paths(endpoints, router), settings), endpoints, nothing, rules)


def _place(settings: Settings, foundations: Foundations, site: Site, audit: AuditTrail) -> PlaceCall:
    return PlaceCall(
        upstream=site.upstream,
        ledger=foundations.ledger,
        settler=foundations.settler,
        ledger_refused=foundations.ledger_refused,
        slots=foundations.slots,
        tasks=foundations.tasks,
        standing=Standing(settings.paused, foundations.refuses_new),
        audit=audit,
    )


def _edge(settings: Settings, foundations: Foundations, tenure: Tenure) -> EdgeOptions:
    telemetry = foundations.telemetry

    def started() -> None:
        tenure.begin()
        telemetry.request_started()

    def finished(account: RequestAccount) -> None:
        tenure.end()
        telemetry.request_finished(account)

    return EdgeOptions(
        body_bytes=settings.limits.body_bytes,
        body_seconds=settings.limits.body_seconds,
        read_trace=parse_traceparent,
        started=started,
        finished=finished,
        is_winding_down=foundations.is_winding_down,
    )


class Paths:
    """The paths that are no patterns, each found at one look; Starlette's router knows the rest."""

    def __init__(self, endpoints: Mapping[str, Endpoint], router: Router) -> None:
        """`endpoints` by path."""
        self._endpoints = endpoints
        self._router = router

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:  # noqa: ANN401 - ASGI
        """Serve one request."""
        return (self._endpoints.get(scope["path"]) or self._router)(scope, receive, send)


def _paths(
    edge: EdgeOptions, rest: RestDoor, graphql: GraphqlDoor, pages: Pages
) -> Iterator[tuple[str, Endpoint]]:
    served: list[tuple[str, DoorName, dict[str, Handler]]] = [
        ("/v1/calls", "rest", {"POST": rest.make_call, "GET": rest.list_calls}),
        ("/graphql", "graphql", {"*": graphql}),
        ("/v1/quota", "rest", {"GET": rest.quota}),
        *((path, None, {"GET": page, "HEAD": page}) for path, page in pages.routes()),
    ]
    for path, door, handlers in served:
        yield path, Endpoint(edge, path, door, handlers)


def _patterns(edge: EdgeOptions, rest: RestDoor, pages: Pages, nothing: Endpoint) -> list[Route]:
    call = "/v1/calls/{id}"
    return [
        Route(call, Endpoint(edge, call, "rest", {"GET": rest.find_call})),
        *(Route(path, Endpoint(edge, path, None, {"GET": a, "HEAD": a})) for path, a in pages.patterns()),
        Route("/{rest:path}", nothing),
    ]


async def _not_found(arrival: Arrival) -> Reply:
    detail = "There is nothing here. Calls are made at POST /v1/calls and POST /graphql; see /openapi.json."
    return problem_reply(refuse(Code.NOT_FOUND, detail), arrival)


def _with_cors(app: Paths, settings: Settings) -> Any:  # noqa: ANN401 - an ASGI application
    origins = settings.cors.allowed_origins
    if not origins:
        return app
    return Cors(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=ALLOWED,
        expose_headers=EXPOSED,
        max_age=600,
    )
