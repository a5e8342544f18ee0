"""A lane: everything that belongs to one partition of one input on its owner.

Work inside a lane is strictly sequential; lanes run side by side. What a batch
changes is in memory at once and durable when the lane says so; if it cannot
become durable, the lane is dropped with its memory.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum, auto

from faust.types import TP

from streams.core.instant import Instant
from streams.engine.clock import Clock
from streams.engine.ending import Ending
from streams.engine.exits import ExitCode
from streams.engine.services import Services
from streams.engine.source import Source
from streams.engine.spec import LaneSpec
from streams.engine.stage import Batch, Output, PartitionTable, Record
from streams.errors import StoreFailed


class LaneState(Enum):
    """Whether a lane takes batches."""

    OPENING = auto()
    """Its producer or its table is not ready."""
    READY = auto()
    """It takes batches."""
    LOST = auto()
    """Fenced or in doubt: its memory is not to be believed any more."""
    CLOSED = auto()
    """Given up; what it has not finished is done again elsewhere."""


class Lane(ABC):
    """What ownership and agents know of a lane of either kind."""

    def __init__(
        self, services: Services, source: Source, tp: TP, generation: int
    ) -> None:
        """Prepare a lane for a partition that is owned since `generation`."""
        self.spec = source.spec
        self.topic = source.topic
        self.tp = tp
        self._pace = source.pace
        self.generation = generation
        self.state = LaneState.OPENING
        self.position: int | None = None
        """Where reading continues after a rebalance; None: from the beginning."""
        self._services = services
        self.clock = Clock(follows=services.config.follow_records)

    @property
    @abstractmethod
    def clean(self) -> bool:
        """Say whether everything accepted is durable."""

    @abstractmethod
    def finish(self) -> None:
        """Make everything accepted durable without waiting for more."""

    def keep(self, generation: int) -> None:
        """Go on in the next generation of the group."""
        self.generation = generation

    @abstractmethod
    def close(self) -> None:
        """Give the lane up with whatever it has not finished."""

    @abstractmethod
    def spoil(self) -> None:
        """Forget what is not committed: the stage raised halfway through it."""

    @abstractmethod
    def accept(self, next_offset: int, output: Output) -> None:
        """Take what a batch made; `next_offset` follows the batch."""

    @property
    @abstractmethod
    def table(self) -> PartitionTable:
        """The table that the stage is handed."""

    @abstractmethod
    def take(self, records: Sequence[Record], next_offset: int) -> None:
        """Process a batch, or let it wait for the next ones if the lane gathers."""

    def process(self, records: Sequence[Record], next_offset: int) -> None:
        """Run the stage over a batch and accept what it makes.

        Nothing may get out of here: Faust would count a batch that raised as one
        that was processed (agents/agent.py:309), and a timer would just go on.
        """
        try:
            self._process(records, next_offset)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends here
            code = ExitCode.ENGINE_FAILED
            self._services.ending.fail(code, "a batch was not processed", error)

    def _process(self, records: Sequence[Record], next_offset: int) -> None:
        """There is no await between reading the table and accepting.

        So nobody else sees the state in between.
        """
        self.clock.read(records[-1].timestamp)
        now, began = self.clock(), time.perf_counter()
        batch = Batch(self.topic, self.tp.partition, records)
        try:
            output = self.spec.stage.process(batch, self.table, now)
            self.accept(next_offset, output)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends here
            self.spoil()
            stage_failed(self._services.ending, self.spec, error)
            return
        self._pace.note(len(records), time.perf_counter() - began)
        observer = self._services.observer
        size = sum([len(record.value or b"") for record in records])
        name, partition = self.spec.name, self.tp.partition
        observer.batch_processed(
            name, self.topic, partition, records=len(records), size=size
        )
        reached = Instant(records[-1].timestamp)
        observer.progressed(name, self.topic, partition, reached=reached, now=now)


def stage_failed(ending: Ending, spec: LaneSpec, error: Exception) -> None:
    """End the worker because a stage raised; nothing of the batch is kept."""
    failed = ExitCode.STORE_FAILED, f"stage {spec.name} has no table any more"
    raised = ExitCode.STAGE_FAILED, f"stage {spec.name} raised"
    ending.fail(*(failed if isinstance(error, StoreFailed) else raised), error)
