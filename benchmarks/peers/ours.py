"""Our engine with one stage alone, or with the small job; `mailflag worker` has all."""

import asyncio

from job import JOBS, stages
from told import Told, ready, told

from streams.engine.config import EngineConfig
from streams.engine.spec import LaneSpec
from streams.engine.worker import Worker, build
from streams.obs.metrics import Metrics


def specs(given: Told) -> list[LaneSpec]:
    """Answer the lanes that are asked for."""
    if given.job in JOBS:
        stage = JOBS[given.job]()
        return [LaneSpec("flags", (given.input,), stage, "flags")]
    return [one for one in stages(given).specs() if one.name == given.only]


def main() -> None:
    """Work until a signal."""
    given = told()
    config = EngineConfig(
        bootstrap_servers=given.kafka, app_id=given.app, topic_prefix=given.prefix
    )
    worker = build(config, specs(given), Metrics())
    worker.app.task(lambda: _tell(worker))
    worker.run()


async def _tell(worker: Worker) -> None:
    while not worker.readiness().ready:  # noqa: ASYNC110 - nothing to wait for
        await asyncio.sleep(0.05)
    ready()


if __name__ == "__main__":
    main()
