"""The engine's door: build the Faust app of a worker, and run it to its end."""

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import replace

import faust

from streams.engine.application import BatchApp
from streams.engine.budget import Budget
from streams.engine.bulletin import Bulletin
from streams.engine.config import EngineConfig
from streams.engine.consumer import BatchConsumer
from streams.engine.ending import Ending, end_now
from streams.engine.event import FAUST_LOGGER, Event, note
from streams.engine.exits import ExitCode
from streams.engine.follower import Follower
from streams.engine.group_offsets import GroupOffsets
from streams.engine.observer import Observer
from streams.engine.ownership import Lanes, TableFactory, in_memory
from streams.engine.pins import assert_pins
from streams.engine.preflight import check_topics, check_web_address
from streams.engine.quiet import quieten
from streams.engine.readiness import Readiness
from streams.engine.services import Services
from streams.engine.spec import LaneSpec
from streams.engine.upstream import (
    Untyped,
    apply_corrections,
    hand_out_raw_records,
)
from streams.errors import ConfigurationError, Unavailable


class Worker:
    """One worker: a Faust app whose agents are the lanes' stages."""

    def __init__(
        self,
        app: BatchApp,
        specs: Sequence[LaneSpec],
        bulletins: Sequence[Bulletin],
    ) -> None:
        """Take a complete app; see `build`."""
        self.app = app
        """The `faust.App`, for web pages (`@worker.app.page("/readyz")`) and tasks."""
        self._specs = specs
        self._bulletins = bulletins
        self._services = app.services
        self._services.ending.parting = self._part

    def readiness(self) -> Readiness:
        """Say what the worker still waits for."""
        consumer = self._consumer
        generation = self.app.consumer_generation_id
        if consumer is None:
            return Readiness(*[False] * 5)
        return Readiness(
            assigned=generation > 0,
            recovered=self.app.lanes.opened_for == generation,
            positioned=consumer.positioned_for == generation,
            informed=all(follower.informed for follower in self.app.followers),
            connected=consumer.connected,
        )

    def run(self) -> ExitCode:
        """Work until a signal or an error, and say why it ended.

        What cannot be ended in an orderly way ends the process itself, with
        another code of `ExitCode`.
        """
        _use_uvloop()
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        config = self._services.config
        note(Event.WORKER_STARTING, app_id=config.app_id, stages=len(self._specs))
        try:
            check_web_address(config)
            loop.run_until_complete(check_topics(config, self._specs, self._bulletins))
        except (Unavailable, TimeoutError) as error:
            end_now(ExitCode.UNAVAILABLE, str(error), error)
        except ConfigurationError as error:
            end_now(ExitCode.CONFIGURATION, str(error), error)
        # A table is millions of bytes objects, which hold no references: looking
        # through young objects often finds nothing.
        gc.set_threshold(50_000, 20, 50)
        runner = _Runner(self.app, config.stop_limit, loop)
        try:
            runner.execute_from_commandline()
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException as error:  # noqa: BLE001 - named by the exit code
            end_now(ExitCode.ENGINE_FAILED, "the worker crashed", error)
        if code:
            end_now(ExitCode.ENGINE_FAILED, "the worker crashed", runner.crash_reason)
        self._services.ending.stopped()
        note(Event.WORKER_STOPPED)
        return ExitCode.OK

    @property
    def _consumer(self) -> BatchConsumer | None:
        """The consumer, if Faust has made it; `app.consumer` would make one."""
        return self.app._consumer  # type: ignore[return-value] # noqa: SLF001

    async def _part(self) -> None:
        """Leave in good order: release readers, let others take over."""
        consumer = self._consumer
        await self.app.lanes.abort()
        if consumer is not None:
            consumer.stop_flow()
            await consumer.leave_group()


def build(
    config: EngineConfig,
    specs: Sequence[LaneSpec],
    observer: Observer,
    *,
    bulletins: Sequence[Bulletin] = (),
    tables: TableFactory = in_memory,
) -> Worker:
    """Make a worker; nothing is connected before it runs.

    Raises:
        ConfigurationError: a setting or an installed version cannot work.
    """
    assert_pins()
    apply_corrections()
    quieten()
    logs = {config.changelog(spec.table) for spec in specs if spec.table is not None}
    inputs = {config.topic(topic) for spec in specs for topic in spec.topics}
    hand_out_raw_records(inputs, logs)
    if config.follow_records:  # what gathers would be hours of the recorded time
        specs = [replace(spec, gather=0.0) for spec in specs]
    budget = Budget(config.max_pending_records)
    services = Services(config, observer, budget, Ending(), GroupOffsets())
    lanes = Lanes(services, specs, tables)
    followers = [Follower(config, one, services.ending) for one in bulletins]
    app = BatchApp(services, lanes, followers)
    for spec in specs:
        app.serve(spec)
    app.task(app.sweep_often)
    return Worker(app, specs, bulletins)


class _Runner(faust.Worker):
    """Faust's worker with a limit on stopping, and without its debugger.

    SIGUSR2 opens a debugger that freezes the process (mode/worker.py:222), and a
    second setting up of logging would undo the program's own.
    """

    logger = FAUST_LOGGER

    def __init__(
        self, app: BatchApp, stop_limit: float, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(
            app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False
        )
        self._ending = app.services.ending
        self._stop_limit = stop_limit
        self.spinner = None

    def _on_sigusr2(self) -> None:
        pass

    def _schedule_shutdown(self, signal: Untyped) -> None:
        """Stop in good order, and within a limit."""
        note(Event.WORKER_STOPPING)
        self._ending.limit_stop(self._stop_limit)
        super()._schedule_shutdown(signal)

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        """Leave the process's name alone."""


def _use_uvloop() -> None:
    """Run on uvloop where it exists: 0.3 us an event less."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
