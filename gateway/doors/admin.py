"""The operators' door: metrics and probes, on a port of its own and never on the public one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass(slots=True)
class Health:
    """How far this process is in its life; set by the app, told by the probes and two gauges."""

    is_started: bool = False
    is_draining: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether new calls are welcome. Never because of the store, a circuit or a pause: taking a
        replica away mends none of these."""
        return self.is_started and not self.is_draining


def admin_app(health: Health, render: Callable[[str], Awaitable[tuple[bytes, str]]]) -> Starlette:
    """/metrics /livez /readyz /startupz. `render` gives the exposition and its content type for an
    Accept header."""

    async def metrics(request: Request) -> Response:
        body, content_type = await render(", ".join(request.headers.getlist("accept")))
        return Response(body, headers={"content-type": content_type})

    async def livez(_: Request) -> Response:
        return _probe("alive", is_good=True)

    async def readyz(_: Request) -> Response:
        if health.is_draining:
            return _probe("draining", is_good=False)
        return _probe("ready" if health.is_started else "starting", is_good=health.is_started)

    async def startupz(_: Request) -> Response:
        return _probe("started" if health.is_started else "starting", is_good=health.is_started)

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/startupz", startupz),
        ]
    )


def _probe(status: str, *, is_good: bool) -> Response:
    return JSONResponse({"status": status}, 200 if is_good else 503, headers={"cache-control": "no-store"})
