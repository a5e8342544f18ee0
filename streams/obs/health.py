"""The pages of a worker: /metrics, /healthz and /readyz, and nothing else.

They are served by the worker's own event loop: a stage that blocks it makes
/healthz time out, which is what a liveness probe is for.
"""

from typing import Any

from streams.engine.worker import Worker
from streams.obs.metrics import Metrics

OK = 200
UNAVAILABLE = 503


def install(worker: Worker, metrics: Metrics) -> None:
    """Add the pages to the worker's web server."""
    page = worker.app.page

    async def serve_metrics(view: Any, request: Any) -> Any:  # noqa: ANN401
        body, content_type = metrics.page(request.headers.get("Accept", ""))
        return view.bytes(body, headers={"Content-Type": content_type})

    async def serve_health(view: Any, request: Any) -> Any:  # noqa: ANN401
        del request
        return view.json({"status": "alive"})

    async def serve_readiness(view: Any, request: Any) -> Any:  # noqa: ANN401
        del request
        readiness = worker.readiness()
        status = OK if readiness.ready else UNAVAILABLE
        return view.json(
            {
                "status": "ready" if readiness.ready else "waiting",
                "missing": readiness.missing,
            },
            status=status,
        )

    page("/metrics", name="metrics")(serve_metrics)
    page("/healthz", name="healthz")(serve_health)
    page("/readyz", name="readyz")(serve_readiness)
    metrics.watch_readiness(worker.readiness)
