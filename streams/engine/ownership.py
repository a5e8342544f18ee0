"""Which lanes this worker serves, through every rebalance.

Open, when partitions are newly owned: fence the older owner, recover the table,
continue at the recovered position; in this order. Quiesce, when partitions are
revoked or the worker stops: finish what was accepted, within a bound, and drop
what cannot finish together with its memory.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

from aiokafka import TopicPartition
from faust.types import TP

from streams.engine.event import Event, note
from streams.engine.exits import ExitCode
from streams.engine.failure import opening_code_of
from streams.engine.forwarding import Forwarder, ForwardingLane
from streams.engine.lane import Lane, LaneState
from streams.engine.observer import AbortReason
from streams.engine.recovery import Recovered, RecoveryAbandoned, recover
from streams.engine.services import Services
from streams.engine.source import Pace, Source
from streams.engine.spec import LaneSpec
from streams.engine.stateful import StatefulLane
from streams.engine.table import DueAt, MemoryTable, Store

TableFactory = Callable[[DueAt, TP], Store]
"""Makes a table that was not resumed yet; given the stage's `due_at`, and the
partition of the changelog that it follows."""


def in_memory(due_at: DueAt, changelog: TP) -> Store:
    """Make a table in memory, whichever changelog it follows."""
    del changelog
    return MemoryTable(due_at)


Reposition = Callable[[dict[TP, int | None], Callable[[], bool]], Awaitable[bool]]
"""Moves reading, unless its second argument says that it is not wanted any more."""

MOST_DOUBTS = 5
DOUBT_WINDOW = 60.0
"""A lane in doubt more than so often in so many seconds ends the process."""


class Lanes:
    """The lanes of a worker, by real topic and partition."""

    def __init__(
        self, services: Services, specs: Sequence[LaneSpec], make_table: TableFactory
    ) -> None:
        """Prepare for the given stages; nothing is owned yet."""
        self._services = services
        self._make_table = make_table
        config = services.config
        self._sources = {
            config.topic(topic): Source(
                spec,
                topic,
                config.topic(topic),
                Pace(config.batch_max_records, config.batch_max_seconds),
            )
            for spec in specs
            for topic in spec.topics
        }
        self._forwarders = {
            spec.name: Forwarder(services, spec) for spec in specs if not spec.stateful
        }
        self._open: dict[TP, Lane] = {}
        self._last_generation: int | None = None
        self._doubts: dict[TP, deque[float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.generation: Callable[[], int] = lambda: -1
        """Answers the group's present generation; set by the consumer."""
        self.reposition: Reposition
        """Moves reading to a position; set by the consumer."""
        self.progress = 0
        """Grows while lanes are being opened, so that a watch sees it."""
        self.opened_for: int | None = None
        """Generation whose partitions are all open."""

    @property
    def topics(self) -> list[str]:
        """Real names of all input topics."""
        return list(self._sources)

    def source(self, topic: str) -> Source:
        """Answer an input topic by its real name."""
        return self._sources[topic]

    def lane(self, tp: TP, generation: int) -> Lane | None:
        """Answer the lane that takes batches of `tp`, if it is ready."""
        lane = self._open.get(tp)
        if lane is None or lane.state is not LaneState.READY:
            return None
        return lane if lane.generation == generation else None

    def stateful(self) -> list[StatefulLane]:
        """Answer the open lanes that have a table."""
        return [ln for ln in self._open.values() if isinstance(ln, StatefulLane)]

    def all(self) -> list[Lane]:
        """Answer all open lanes."""
        return list(self._open.values())

    def position(self, tp: TP) -> int | None:
        """Answer where reading of a stateful lane's partition continues."""
        lane = self._open.get(tp)
        return None if lane is None else lane.position

    async def open(self, assigned: Iterable[TP], generation: int) -> None:
        """Serve the assigned partitions: keep, close and open lanes."""
        wanted = {tp for tp in assigned if tp.topic in self._sources}
        self._keep(wanted, generation)
        new = [
            self._make(tp, generation) for tp in sorted(wanted) if tp not in self._open
        ]
        for forwarder in self._forwarders.values():
            await forwarder.start()
        if not await self._fill([ln for ln in new if isinstance(ln, StatefulLane)]):
            return
        for lane in new:
            if isinstance(lane, ForwardingLane):
                lane.state = LaneState.READY
            self._open[lane.tp] = lane
        self.opened_for = generation
        self._report_open()
        note(Event.LANES_OPEN, generation=generation, new=len(new), all=len(wanted))

    async def quiesce(self) -> None:
        """Finish what was accepted; drop the lanes that cannot within the limit."""
        lanes = self.all()
        for lane in lanes:
            lane.finish()
        end = time.monotonic() + self._services.config.quiesce_limit
        while time.monotonic() < end and not all(  # noqa: ASYNC110 - of many lanes
            lane.clean for lane in lanes if lane.state is LaneState.READY
        ):
            await asyncio.sleep(0.005)
        for lane in lanes:
            if lane.state is not LaneState.READY or not lane.clean:
                note(
                    Event.LANE_DROPPED,
                    logging.WARNING,
                    stage=lane.spec.name,
                    partition=lane.tp.partition,
                )
                self._close(lane)

    async def stop(self) -> None:
        """Close every lane and connection."""
        for lane in self.all():
            self._close(lane)
        for forwarder in self._forwarders.values():
            await forwarder.stop()

    async def abort(self) -> None:
        """End every open transaction, so that readers go on at once."""
        await asyncio.gather(
            *(lane.abort() for lane in self.stateful()), return_exceptions=True
        )

    def _keep(self, wanted: set[TP], generation: int) -> None:
        """Keep the lanes that nobody else can have owned in between.

        Those are the ones of the very next generation: in between the group had
        no other assignment. And only clean ones, because memory ahead of the log
        is never kept.
        """
        successive = self._last_generation == generation - 1
        for lane in self.all():
            ready = lane.state is LaneState.READY and lane.clean
            if successive and ready and lane.tp in wanted:
                lane.keep(generation)
            else:
                self._close(lane)
        self._last_generation = generation

    def _make(self, tp: TP, generation: int) -> Lane:
        source = self._sources[tp.topic]
        if not source.spec.stateful:
            forwarder = self._forwarders[source.spec.name]
            return ForwardingLane(self._services, source, tp, generation, forwarder)
        log = TP(self._services.config.changelog(source.spec.table or ""), tp.partition)
        table = self._make_table(source.spec.stage.due_at, log)
        lane = StatefulLane(self._services, source, tp, generation, table)
        lane.on_lost = self._lost
        return lane

    async def _fill(self, lanes: list[StatefulLane]) -> bool:
        """Initialise, recover and open; False when a newer assignment came."""
        if not lanes:
            return True
        generation = lanes[0].generation
        try:
            async with asyncio.timeout(self._services.config.recovery_deadline):
                await asyncio.gather(*(self._initialise(lane) for lane in lanes))
                found = await self._recover(lanes)
        except RecoveryAbandoned:
            found = {}
        if self.generation() != generation or not found:
            for lane in lanes:
                lane.close()
            return False
        for lane in lanes:
            lane.open(found[TopicPartition(*lane.changelog)].position)
        return True

    async def _initialise(self, lane: StatefulLane) -> None:
        await lane.initialise()
        self.progress += 1

    async def _recover(
        self, lanes: list[StatefulLane]
    ) -> dict[TopicPartition, Recovered]:
        by_log = {TopicPartition(*lane.changelog): lane for lane in lanes}
        generation = lanes[0].generation
        observer = self._services.observer

        def progress(tp: TopicPartition, applied: int, left: int) -> None:
            self.progress += 1
            lane = by_log[tp]
            observer.recovery_progressed(
                lane.spec.name, lane.tp.partition, applied=applied, left=left
            )

        began = time.monotonic()
        found = await recover(
            self._services.config,
            {tp: lane.table for tp, lane in by_log.items()},
            wanted=lambda: self.generation() == generation,
            progress=progress,
        )
        note(
            Event.TABLES_RECOVERED,
            tables=len(lanes),
            records=sum(one.records for one in found.values()),
            seconds=round(time.monotonic() - began, 3),
        )
        return found

    def _close(self, lane: Lane) -> None:
        self._open.pop(lane.tp, None)
        lane.close()
        self._services.observer.lag_unknown(
            lane.spec.name, lane.topic, lane.tp.partition
        )
        self._report_open()

    def _report_open(self) -> None:
        names = {source.spec.name for source in self._sources.values()}
        for name in names:
            count = sum(lane.spec.name == name for lane in self._open.values())
            self._services.observer.lanes_open(name, count)

    def _lost(self, lane: StatefulLane, reason: AbortReason) -> None:
        """Wait for the rebalance that explains a fencing, or recover from doubt."""
        facts = {"stage": lane.spec.name, "partition": lane.tp.partition}
        note(Event.LANE_FENCED, logging.WARNING, cause=reason.value, **facts)
        fenced = reason is AbortReason.FENCED
        work = self._await_rebalance(lane) if fenced else self._reopen(lane)
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _await_rebalance(self, lane: StatefulLane) -> None:
        await asyncio.sleep(self._services.config.fence_grace)
        if self._open.get(lane.tp) is lane:
            self._services.ending.fail(
                ExitCode.FENCED, f"stage {lane.spec.name} fenced without a rebalance"
            )

    async def _reopen(self, lane: StatefulLane) -> None:
        """Take the partition over from ourselves: a new epoch, the log's state."""
        now = time.monotonic()
        doubts = self._doubts.setdefault(lane.tp, deque(maxlen=MOST_DOUBTS))
        if len(doubts) == MOST_DOUBTS and now - doubts[0] < DOUBT_WINDOW:
            reason = f"stage {lane.spec.name} is in doubt again and again"
            self._services.ending.fail(ExitCode.UNAVAILABLE, reason)
            return
        doubts.append(now)
        lane.close()
        fresh = self._make(lane.tp, lane.generation)
        assert isinstance(fresh, StatefulLane)  # noqa: S101 - as the old one
        try:
            reopened = await self._fill([fresh]) and await self._go_on_with(fresh, lane)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends here
            # A rebalance may have begun: then the lane is dropped in this time.
            await asyncio.sleep(self._services.config.quiesce_limit)
            if self._open.get(lane.tp) is lane:
                code = opening_code_of(error)
                self._services.ending.fail(code, "reopening failed", error)
            reopened = False
        if reopened:
            note(Event.LANE_REOPENED, stage=lane.spec.name, partition=lane.tp.partition)
        else:
            fresh.close()

    async def _go_on_with(self, fresh: StatefulLane, lost: Lane) -> bool:
        """Put a recovered lane in the place of a lost one, if that is still ours."""
        fresh.state = LaneState.OPENING  # until reading is where it must be

        def wanted() -> bool:
            return self._open.get(fresh.tp) is lost and (
                self.generation() == fresh.generation
            )

        moved = await self.reposition({fresh.tp: fresh.position}, wanted)
        if not moved or not wanted():
            return False
        self._open[fresh.tp] = fresh
        fresh.state = LaneState.READY
        return True
