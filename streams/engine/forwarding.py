"""Forwarding lanes: outputs are acknowledged before the offset is committed.

At least once: after a crash the last half second is read again. That is enough
where the next stage merges what it gets twice.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from faust.types import TP

from streams.engine.client import forwarding_producer, started
from streams.engine.clock import Clock
from streams.engine.failure import exit_code_of
from streams.engine.lane import Lane, LaneState
from streams.engine.outbox import Outbox, per_topic
from streams.engine.services import Services
from streams.engine.source import Source
from streams.engine.spec import LaneSpec
from streams.engine.stage import Message, Output, PartitionTable, Record, Tally
from streams.engine.table import NoTable


@dataclass(slots=True)
class _Round:
    """What is sent together, of all lanes of the stage."""

    messages: list[Message] = field(default_factory=list)
    tallies: Counter[Tally] = field(default_factory=Counter)
    reached: dict["ForwardingLane", int] = field(default_factory=dict)


class Forwarder:
    """Sends what the lanes of one stage make, a round at a time.

    One producer and one round for all lanes of a stage, not one each: records of
    many inputs for one output partition become one batch. Rounds follow each
    other, so acknowledgements, and with them offsets, come in order.
    """

    def __init__(self, services: Services, spec: LaneSpec) -> None:
        """Prepare; nothing is connected before `start`."""
        self._services = services
        self._spec = spec
        self._clock = Clock(follows=services.config.follow_records)
        self._next = _Round()
        self._wake = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect the producer once; later calls do nothing."""
        if self._producer is not None:
            return
        config = self._services.config
        self._producer = await started(
            lambda: forwarding_producer(config, self._spec.name), config
        )
        outbox = Outbox(config, self._producer, self._clock)
        self._task = asyncio.create_task(self._run(outbox))

    async def stop(self) -> None:
        """Disconnect; what was not acknowledged is done again elsewhere."""
        if self._task is not None:
            self._task.cancel()
        if self._producer is not None:
            await self._producer.stop()

    def submit(self, lane: "ForwardingLane", next_offset: int, output: Output) -> None:
        """Take a lane's output for the next round."""
        self._clock.read(lane.clock())
        self._next.messages += output.messages
        self._next.tallies.update(output.tallies)
        self._next.reached[lane] = next_offset
        self._services.budget.take(len(output.messages))
        self._wake.set()

    async def _run(self, outbox: Outbox) -> None:
        time_of_loop = asyncio.get_running_loop().time
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                taken, self._next = self._next, _Round()
                next_at = time_of_loop() + self._spec.gather
                await self._send(outbox, taken)
                await asyncio.sleep(next_at - time_of_loop())
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends here
            code = exit_code_of(error)
            reason = f"stage {self._spec.name} could not forward"
            self._services.ending.fail(code, reason, error)

    async def _send(self, outbox: Outbox, taken: _Round) -> None:
        began = time.monotonic()
        budget = self._services.budget
        try:
            async with asyncio.timeout(self._services.config.commit_deadline):
                for acknowledged in await outbox.send(taken.messages):
                    await acknowledged
        finally:
            budget.give_back(len(taken.messages))
        for lane, offset in taken.reached.items():
            lane.acknowledged(offset)
        observer, name = self._services.observer, self._spec.name
        observer.committed(
            name, messages=per_topic(taken.messages), tallies=taken.tallies
        )
        observer.forwarded(
            name, seconds=time.monotonic() - began, records=len(taken.messages)
        )


class ForwardingLane(Lane):
    """A lane of a stage without state."""

    def __init__(
        self,
        services: Services,
        source: Source,
        tp: TP,
        generation: int,
        forwarder: Forwarder,
    ) -> None:
        """Prepare a lane that sends through its stage's forwarder."""
        super().__init__(services, source, tp, generation)
        self._forwarder = forwarder
        self._accepted: int | None = None
        self._acknowledged: int | None = None
        self._nothing = NoTable()

    @property
    def table(self) -> PartitionTable:
        """A table that holds nothing and takes nothing."""
        return self._nothing

    @property
    def clean(self) -> bool:
        """Say whether everything accepted was acknowledged."""
        return self._accepted == self._acknowledged

    def accept(self, next_offset: int, output: Output) -> None:
        """Give a batch's output to the forwarder."""
        self._accepted = next_offset
        self._forwarder.submit(self, next_offset, output)

    def take(self, records: Sequence[Record], next_offset: int) -> None:
        """Process a batch at once: the forwarder gathers, for all lanes."""
        self.process(records, next_offset)

    def acknowledged(self, offset: int) -> None:
        """Note that the brokers have everything made before `offset`."""
        self._acknowledged = offset
        if self.state is LaneState.READY:
            self._services.offsets.advance(self.tp, offset)

    def finish(self) -> None:
        """Do nothing: the forwarder never waits for more."""

    def spoil(self) -> None:
        """Take no more; there is no memory that could be wrong."""
        self.state = LaneState.LOST

    def close(self) -> None:
        """Commit nothing any more; what is on its way may arrive twice."""
        self.state = LaneState.CLOSED
