"""Faust's consumer, handing whole batches of one partition to the agents.

Faust keeps subscription, membership and the fetch loop. It loses, for the
engine's topics, acks, commits and positions: a batch is only processed when it
continues where the last one of its partition ended, in the same generation, and
after the last seek.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP, ConsumerMessage
from mode import Service

from streams.engine.client import log_bounds
from streams.engine.ending import end_now
from streams.engine.event import FAUST_LOGGER, Event, note
from streams.engine.exits import ExitCode
from streams.engine.failure import opening_code_of
from streams.engine.fetching import FetchingThread
from streams.engine.lane import Lane
from streams.engine.positions import Discontinuity, Positions, Stamp
from streams.engine.stage import Record
from streams.engine.upstream import Untyped

if TYPE_CHECKING:
    from streams.engine.application import BatchApp

FETCH_WAIT = 0.2
"""Seconds that a fetch waits for records; a seek must wait for it."""
SHORT_WAIT = 0.005
"""The same while some agents have enough to do, but not for long."""
TURN = 0.5
"""Seconds for which batches are handed out before more is fetched.

An agent works on a batch before the next one gets to it, so what one fetch brings of
raw reports keeps it busy for seconds. What it makes of them would wait as long for the
next stage, and so would all others."""
ENOUGH_BATCHES = 16
"""Waiting for an agent; more is not fetched for it."""


class BatchMessage(ConsumerMessage):
    """Consecutive records of one partition, dressed as one Faust message.

    `first` is the first record's offset, `offset` the last one's.
    """

    __slots__ = ("first", "stamp")
    first: int
    stamp: Stamp


class _Rest(NamedTuple):
    """What was fetched of a partition and not handed out yet."""

    tp: TP
    records: Sequence[Record]
    start: int
    """How many of the records were handed out."""
    epoch: int
    generation: int


class BatchConsumer(Consumer):
    """The consumer; `app.lanes` and `app.services` belong to the engine."""

    logger = FAUST_LOGGER
    app: "BatchApp"
    _thread: FetchingThread

    def __init__(self, *args: Untyped, **kwargs: Untyped) -> None:
        """Set up positions before Faust's own set-up asks for the thread."""
        self._positions = Positions()
        self._revocations = 0
        self._rests: deque[_Rest] = deque()
        self._fetching_or_seeking = asyncio.Lock()
        self.positioned_for: int | None = None
        super().__init__(*args, **kwargs)
        self.lanes = self.app.lanes
        self.services = self.app.services
        self.config = self.services.config
        self.lanes.generation = self._generation
        self.lanes.reposition = self.reposition
        self.app.on_rebalance_complete.connect(self._open_lanes, weak=False)

    def _generation(self) -> int:
        return int(self.app.consumer_generation_id)

    def _new_consumer_thread(self) -> FetchingThread:
        """Make our thread (Faust's: transport/drivers/aiokafka.py:237)."""
        thread = FetchingThread(self, loop=self.loop, beacon=self.beacon)
        thread.config = self.app.services.config
        thread.ending = self.app.services.ending
        return thread

    @property
    def connected(self) -> bool:
        """Say whether the group's coordinator answers."""
        return self._thread.connected

    async def leave_group(self) -> None:
        """Tell the group, so that others take over without waiting."""
        await self._thread.leave_group()

    # Rebalances ---------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish what was accepted before the group goes on.

        Faust's part stops the flow and clears the agents' queues first
        (transport/consumer.py:642).
        """
        self._revocations += 1
        self.positioned_for = None
        self._positions.forget()
        self._rests.clear()
        await super().on_partitions_revoked(revoked)
        note(Event.PARTITIONS_REVOKED, count=len(revoked))
        await self.lanes.quiesce()
        await self._commit_for_the_last_time()

    async def on_partitions_assigned(
        self, assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Watch that the assignment ends in open lanes."""
        await super().on_partitions_assigned(assigned, generation_id)
        if assigned:
            self.add_future(self._watch(generation_id))

    async def _open_lanes(self, *_: Untyped, **__: Untyped) -> None:
        """Open lanes when Faust says that the rebalance is complete.

        The signal comes before Faust seeks and resumes (tables/recovery.py:309),
        so the seek finds recovered positions. A CancelledError that nobody asked
        for leaks out of aiokafka when a connection closes; if it got out of here,
        Faust's recovery task would end in silence and the worker would stay a
        member that never works again.
        """
        try:
            for follower in self.app.followers:
                await follower.ready()
            generation, assigned = self._generation(), self.assignment()
            await self.lanes.open(assigned, generation)
            if not assigned:  # Faust seeks only where something was assigned
                self.positioned_for = generation
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and self.app.should_stop:
                raise
            end_now(opening_code_of(error), "partitions could not be opened", error)

    async def _watch(self, generation: int) -> None:
        """End the process when an assignment does not end in open lanes."""
        seen, since = -1, time.monotonic()
        while self._generation() == generation != self.positioned_for:
            await asyncio.sleep(1.0)
            if self.app.should_stop:
                return
            if self.lanes.progress != seen:
                seen, since = self.lanes.progress, time.monotonic()
            if time.monotonic() - since > self.config.stall_limit:
                end_now(ExitCode.STALLED, "assigned partitions do not open")

    # Positions ----------------------------------------------------------------

    async def perform_seek(self) -> None:
        """Continue where the tables, or else the group's offsets, say.

        Faust waits for this with a time-out and, when that is over, resumes the
        flow WITHOUT the seek (tables/recovery.py:324); so the engine's own
        time-out is shorter, and ends the process.
        """
        generation = self._generation()
        try:
            async with asyncio.timeout(0.8 * self.app.conf.broker_request_timeout):
                sought = await self._seek_all(generation)
        except BaseException as error:
            task = asyncio.current_task()
            asked = self.app.should_stop or (task is not None and task.cancelling())
            if isinstance(error, asyncio.CancelledError) and asked:
                raise
            end_now(ExitCode.SEEK_FAILED, "positions could not be set", error)
        if sought:
            self.positioned_for = generation
        else:  # Faust would resume; it cancels this when the new assignment comes
            await asyncio.sleep(self.config.rebalance_timeout)

    async def _seek_all(self, generation: int) -> bool:
        owned = sorted(self.assignment())
        stateful = [tp for tp in owned if self.lanes.source(tp.topic).spec.stateful]
        forwarding = [tp for tp in owned if tp not in set(stateful)]
        positions = {tp: self.lanes.position(tp) for tp in stateful}
        # After every lane was initialised: nobody else commits any more.
        positions |= await self._thread.committed_offsets(forwarding)
        return await self.reposition(
            positions, lambda: self._generation() == generation
        )

    async def reposition(
        self, positions: dict[TP, int | None], wanted: Callable[[], bool]
    ) -> bool:
        """Read on from the given positions; None is the beginning.

        aiokafka does not rewind a partition without a committed offset
        (consumer/consumer.py:901), so every position is given in numbers.

        False when a rebalance has begun meanwhile, or the positions are not
        `wanted` for another reason. Then no batch may be processed from them: the
        next assignment starts each partition at the group's offset, which is behind
        the table, and Faust resumes the flow when an older seek returns.
        """
        revocations = self._revocations

        def valid() -> bool:
            return self._revocations == revocations and wanted()

        async with self._fetching_or_seeking:
            self._positions.begin_seek(positions)
            exact = await self._exact(positions)
            if valid():
                await self._thread.seek_to(exact)
            if not valid():  # it takes a moment to get to the other thread
                self._positions.abandon_seek(positions)
                return False
            self._positions.end_seek(exact)
            return True

    async def _exact(self, positions: dict[TP, int | None]) -> dict[TP, int]:
        bounds = await log_bounds(self.config, positions)
        exact = {}
        for tp, wanted in positions.items():
            first, end = bounds[tp]
            if wanted is not None and wanted > end:
                end_now(ExitCode.INPUT_TRUNCATED, f"{tp.topic} ends before {wanted}")
            exact[tp] = first if wanted is None else max(wanted, first)
        return exact

    def claim(self, message: BatchMessage) -> Lane | None:
        """Answer the lane that must process a batch now, or None to ignore it.

        What is ignored was fetched before a seek, in an older generation or before
        this one's positions were set, and is read again by whoever owns the partition.
        """
        tp, generation = message.tp, self._generation()
        lane = self.lanes.lane(tp, generation)
        if lane is None or self.services.ending.failed:
            return None
        if not message.generation_id == generation == self.positioned_for:
            return None
        try:
            goes_on = self._positions.process(
                tp, message.stamp, message.first, message.offset + 1
            )
        except Discontinuity as error:
            end_now(ExitCode.CONTINUITY_BROKEN, str(error))
        return lane if goes_on else None

    def lag(self, tp: TP) -> int | None:
        """Answer how many positions of a partition are not processed yet."""
        state = self._thread.fetch_state(tp)
        if state is None:
            return None
        fetched, end = state
        for rest in self._rests:
            if rest.tp == tp and self._is_current(rest):
                fetched = rest.records[rest.start].offset
        reached = self._positions.reached(tp, fetched)
        return None if reached is None else max(0, end - reached)

    # Fetching -----------------------------------------------------------------

    async def getmany(
        self,
        timeout: float,  # noqa: ARG002, ASYNC109 - Faust's signature
    ) -> AsyncIterator[tuple[TP, BatchMessage]]:
        """Fetch once and yield batches, a turn for each partition, for a short time.

        What is left then waits for the next call, which fetches for the others.
        Fetching and seeking take turns (one lock), so nothing fetched before a
        seek comes out after it. Instead of transport/consumer.py:693, which
        yields records.
        """
        if not self.flow_active:
            self._rests.clear()  # read again after the seek that a resume begins with
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type] # as Faust
        await self._fetch()
        end = time.monotonic() + TURN
        while self._rests and time.monotonic() < end:
            rest = self._rests.popleft()
            tp, records, start = rest.tp, rest.records, rest.start
            if not self._is_current(rest):
                continue
            size = self.lanes.source(tp.topic).pace.records
            whole = not start and len(records) <= size  # the pace changes meanwhile
            part = records if whole else records[start : start + size]
            if start + size < len(records):
                self._rests.append(rest._replace(start=start + size))
            yield tp, self._batch(tp, part)

    async def _fetch(self) -> None:
        """Fetch once, for everybody who has neither a rest nor enough to do."""
        fetched: Mapping[TP, list[Record]] = {}
        async with self._fetching_or_seeking:
            generation, epoch = self._generation(), self._positions.epoch
            active = self._get_active_partitions() if self.flow_active else set()
            held = {rest.tp for rest in self._rests}
            wanted = {tp for tp in active - held if not self._has_enough(tp)}
            if wanted:
                wait = FETCH_WAIT if len(wanted) == len(active) else SHORT_WAIT
                fetched = await self._getmany(wanted, 0.0 if held else wait) or {}
        if not wanted and not held:
            await self.sleep(SHORT_WAIT if active else FETCH_WAIT / 4)
        for tp, records in fetched.items():
            if records:
                self._rests.append(_Rest(TP(*tp), records, 0, epoch, generation))

    def _is_current(self, rest: _Rest) -> bool:
        """Say whether a rest may be handed out; what may not is read again."""
        return (
            self.flow_active
            and self._generation() == rest.generation
            and self._positions.is_current(rest.tp, rest.epoch)
        )

    def _has_enough(self, tp: TP) -> bool:
        """Say whether the agent of a partition has enough batches waiting.

        Nothing more is fetched for it then. If the fetch loop waited for a slow
        agent instead, as Faust's does, all others would wait, too.
        """
        conductor: Untyped = self.app.topics
        channels = conductor._tp_index.get(tp, ())  # noqa: SLF001 - as conductor.py:303
        return any(channel.queue.qsize() >= ENOUGH_BATCHES for channel in channels)

    def _batch(self, tp: TP, records: Sequence[Record]) -> BatchMessage:
        last: Untyped = records[-1]
        message = BatchMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            None,
            None,
            records,  # type: ignore[arg-type] # a batch where Faust has one value
            None,
            0,
            0,
            tp,
            generation_id=self._generation(),
        )
        message.first = records[0].offset
        return message

    async def _drain_messages(self, fetcher: Untyped) -> None:
        """Deliver batches until the consumer or the fetcher stops.

        Instead of transport/consumer.py:1170. A rebalance ends the wait of a batch
        whose delivery Faust holds back.
        """
        deliver = self.callback
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):  # noqa: SLF001
                await self.sleep(0)
                async for tp, message in self.getmany(FETCH_WAIT):
                    message.stamp = self._positions.deliver(tp, message.offset + 1)
                    await self.wait_first(deliver(message), self.suspend_flow.wait())
        except (asyncio.CancelledError, ConsumerStoppedError):
            if not self.app.should_stop:
                raise

    # What Faust must not do for the engine's topics -----------------------------

    async def wait_empty(self) -> None:
        """Wait for no acks: lanes know what is unfinished (consumer.py:876)."""

    def ack(self, message: Untyped) -> bool:
        """Do not turn acks into commits (transport/consumer.py:825)."""
        message.acked = True
        return True

    def _new_offset(self, tp: TP) -> int | None:  # noqa: ARG002 - Faust's signature
        """Commit nothing by Faust's bookkeeping (transport/consumer.py:1097)."""
        return None

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Raise none of Faust's alarms about its own bookkeeping."""

    def on_buffer_full(self, tp: TP) -> None:
        """Do not stop fetching for a second (transport/consumer.py:547).

        `_has_enough` does that, and only for as long as it is so.
        """

    def on_buffer_drop(self, tp: TP) -> None:
        """Do nothing, as for `on_buffer_full`."""

    # Offsets and the end --------------------------------------------------------

    @Service.task
    async def _commit_offsets_often(self) -> None:
        while not self.should_stop:
            await self.sleep(self.config.commit_interval)
            if self.positioned_for == self._generation():
                await self._commit_offsets_now()

    async def _commit_offsets_now(self) -> None:
        if self.services.ending.failed:
            return
        try:
            await self.services.offsets.commit(self._thread.commit_offsets)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a rebalance, or an absent broker
            note(Event.OFFSETS_NOT_COMMITTED, error=type(error).__name__)

    async def _commit_for_the_last_time(self) -> None:
        """Commit before others take over; what is not committed is done twice."""
        try:
            async with asyncio.timeout(self.config.quiesce_limit / 2):
                await self._commit_offsets_now()
        except TimeoutError:
            note(Event.OFFSETS_NOT_COMMITTED, error="TimeoutError")
        self.services.offsets.forget()

    async def on_stop(self) -> None:
        """Finish, commit, close; Faust then leaves the group.

        The limit is for stops that no signal began: Faust stops after a crash, too.
        """
        self.services.ending.limit_stop(self.config.stop_limit)
        for follower in self.app.followers:
            await follower.stop()
        await self.lanes.quiesce()
        await self._commit_for_the_last_time()
        await self.lanes.stop()
        await super().on_stop()


class BatchTransport(Transport):
    """Faust's Kafka transport with the engine's consumer."""

    Consumer = BatchConsumer
