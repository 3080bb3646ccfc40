"""The admin port, through a real server."""

import asyncio

import httpx
import uvicorn

from gateway.doors.admin import Health, admin_app
from tests.telemetry.collector import silent


async def _asked(health: Health) -> dict[str, httpx.Response]:
    telemetry = silent()
    telemetry.metrics.scrape.watch_flag("gateway_ready", lambda: health.is_ready)
    telemetry.metrics.scrape.watch_flag("gateway_draining", lambda: health.is_draining)
    app = admin_app(health, telemetry.metrics.scrape.render)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        paths = ("/livez", "/startupz", "/readyz", "/metrics", "/v1/calls")
        answers = {path: await client.get(path) for path in paths}
        accept = {"accept": "application/openmetrics-text;version=1.0.0"}
        answers["openmetrics"] = await client.get("/metrics", headers=accept)
        answers["post"] = await client.post("/metrics")
    server.should_exit = True
    await serving
    await telemetry.close()
    return answers


def asked(*, is_started: bool, is_draining: bool) -> dict[str, httpx.Response]:
    """Every answer of the admin port in that state."""
    return asyncio.run(_asked(Health(is_started=is_started, is_draining=is_draining)))


def statuses(answers: dict[str, httpx.Response]) -> tuple[int, int, int]:
    """Of /livez, /startupz and /readyz."""
    return (
        answers["/livez"].status_code,
        answers["/startupz"].status_code,
        answers["/readyz"].status_code,
    )


def test_before_start_up_completes_only_livez_is_good() -> None:
    """A starting process is alive, and nothing else."""
    answers = asked(is_started=False, is_draining=False)
    assert statuses(answers) == (200, 503, 503)
    assert answers["/readyz"].json() == {"status": "starting"}
    assert "gateway_ready 0.0\n" in answers["/metrics"].text


def test_a_started_process_is_ready_and_tells_its_metrics() -> None:
    """All probes are good; metrics come as text, or as OpenMetrics to those who ask."""
    answers = asked(is_started=True, is_draining=False)
    assert statuses(answers) == (200, 200, 200)
    assert answers["/metrics"].headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "gateway_ready 1.0\n" in answers["/metrics"].text
    assert answers["openmetrics"].headers["content-type"].startswith("application/openmetrics-text;")
    assert answers["openmetrics"].text.endswith("# EOF\n")
    assert answers["post"].status_code == 405
    assert answers["/v1/calls"].status_code == 404


def test_a_draining_process_is_alive_and_not_ready() -> None:
    """Traffic is to go elsewhere, and nobody is to kill it yet."""
    answers = asked(is_started=True, is_draining=True)
    assert statuses(answers) == (200, 200, 503)
    assert answers["/readyz"].json() == {"status": "draining"}
    assert "gateway_draining 1.0\n" in answers["/metrics"].text
