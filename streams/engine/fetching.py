"""The thread that talks to the group and fetches, with what Faust leaves out."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP
from mode import Service

from streams.engine.assignment import StickyAssignor
from streams.engine.config import EngineConfig
from streams.engine.ending import Ending
from streams.engine.event import FAUST_LOGGER, Event, note
from streams.engine.exits import ExitCode
from streams.engine.upstream import Untyped

T = TypeVar("T")


class FetchingThread(AIOKafkaConsumerThread):
    """Faust's consumer thread: read_committed, bounded, and never parked.

    The group's coordinator stops working after an error until somebody calls
    `check_errors` (aiokafka group_coordinator.py:321). Faust fetches below the
    method that does (transport/drivers/aiokafka.py:1088), so without the task here
    an expired session leaves a member that is silent for ever.
    """

    abstract = False
    logger = FAUST_LOGGER
    config: EngineConfig
    ending: Ending

    def _create_worker_consumer(self, transport: Untyped) -> Untyped:
        """Faust knows read_committed only together with its own transactions.

        The attributes are read when the consumer starts (aiokafka
        consumer/consumer.py:390); Faust's call has no place for them
        (transport/drivers/aiokafka.py:568).
        """
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        wait = int(self.config.fetch_max_wait * 1000)
        consumer._fetch_max_wait_ms = wait  # noqa: SLF001
        consumer._partition_assignment_strategy = [StickyAssignor()]  # noqa: SLF001
        return consumer

    @Service.task
    async def _coordinator_errors(self) -> None:
        while not self.should_stop:
            await self.sleep(1.0)
            consumer = self._consumer
            coordinator = getattr(consumer, "_coordinator", None)
            if coordinator is None:
                continue
            try:
                coordinator.check_errors()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - of many kinds, told apart below
                note(
                    Event.COORDINATOR_ERROR, logging.WARNING, error=type(error).__name__
                )
                over = coordinator._coordination_task.done()  # noqa: SLF001
                if over or not getattr(error, "retriable", False):
                    self._fail(error)

    def _fail(self, error: Exception) -> None:
        fail = self.ending.fail
        code = ExitCode.COORDINATION_FAILED
        self.parent_loop.call_soon_threadsafe(fail, code, "group coordination", error)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the thread's loop and answer what it answers.

        Not Faust's `call_thread`: its queue has two workers (mode/threads.py:350),
        and a commit that waits for a broker would take one from fetching.
        """
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(work, self.thread_loop)
        )

    async def commit_offsets(self, offsets: Mapping[TP, int]) -> None:
        """Commit offsets of owned partitions in the present generation."""
        consumer = self._ensure_consumer()
        await self.run(
            consumer.commit(
                {
                    TopicPartition(*tp): OffsetAndMetadata(offset, "")
                    for tp, offset in offsets.items()
                    if tp in self.assignment()
                }
            )
        )

    async def committed_offsets(self, tps: list[TP]) -> dict[TP, int | None]:
        """Answer the group's committed offsets, None where there is none."""
        return dict(zip(tps, await self.run(self._committed(tps)), strict=True))

    async def _committed(self, tps: list[TP]) -> list[int | None]:
        consumer = self._ensure_consumer()
        asked = (consumer.committed(TopicPartition(*tp)) for tp in tps)
        offsets: list[int | None] = await asyncio.gather(*asked)  # one request
        return offsets

    async def seek_to(self, positions: Mapping[TP, int]) -> None:
        """Continue reading at the given positions."""
        await self.run(self._seek_to(positions))

    async def _seek_to(self, positions: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        for tp, offset in positions.items():
            consumer.seek(TopicPartition(*tp), offset)

    def fetch_state(self, tp: TP) -> tuple[int, int] | None:
        """Answer where fetching is and the log's last stable offset, if known."""
        subscription = self._ensure_consumer()._subscription.subscription  # noqa: SLF001
        assignment = subscription.assignment if subscription else None
        if assignment is None:
            return None
        with contextlib.suppress(KeyError, AssertionError):
            state = assignment.state_value(TopicPartition(*tp))
            if state is not None and state.has_valid_position:
                end = state.lso if state.lso not in (None, -1) else state.highwater
                return None if end is None else (state.position, end)
        return None

    @property
    def connected(self) -> bool:
        """Say whether the group's coordinator is known and answers."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        return getattr(coordinator, "coordinator_id", None) is not None

    async def leave_group(self) -> None:
        """Tell the group, so that others take over without waiting."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        if coordinator is not None:
            await self.run(coordinator.close())
