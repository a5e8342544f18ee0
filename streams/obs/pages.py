"""The pages of a process that is no Faust app: the worker's three, by the same names.

They are served by the process's own event loop, as the worker's are.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from streams.engine.config import EngineConfig
from streams.obs.health import OK, UNAVAILABLE
from streams.obs.metrics import Metrics


@asynccontextmanager
async def serving(
    config: EngineConfig, metrics: Metrics, missing: Callable[[], list[str]]
) -> AsyncIterator[None]:
    """Serve the pages; `missing` names what the process still waits for."""

    async def serve_metrics(request: web.Request) -> web.Response:
        body, content_type = metrics.page(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def serve_health(request: web.Request) -> web.Response:
        del request
        return web.json_response({"status": "alive"})

    async def serve_readiness(request: web.Request) -> web.Response:
        del request
        waits_for = missing()
        return web.json_response(
            {"status": "waiting" if waits_for else "ready", "missing": waits_for},
            status=UNAVAILABLE if waits_for else OK,
        )

    if config.web_port is None:
        yield
        return
    app = web.Application()
    app.router.add_get("/metrics", serve_metrics)
    app.router.add_get("/healthz", serve_health)
    app.router.add_get("/readyz", serve_readiness)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.web_host, config.web_port).start()
        yield
    finally:
        await runner.cleanup()
