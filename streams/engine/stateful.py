"""Stateful lanes: a batch's changes, outputs and offset are one transaction.

Invariants. Initialise the producer, then recover, then seek: in this order at
every new ownership. Nothing but the lane's transaction writes its changelog
partition. No commit before every produce was acknowledged. Requests of one
transactional id never overlap. Memory ahead of the log is never kept.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced
from faust.types import TP

from streams.engine.client import started, transactional_producer
from streams.engine.failure import exit_code_of, puts_in_doubt
from streams.engine.gathering import Gathering
from streams.engine.lane import Lane, LaneState, stage_failed
from streams.engine.observer import AbortReason
from streams.engine.outbox import Outbox, per_topic
from streams.engine.recovery import OFFSET_KEY
from streams.engine.services import Services
from streams.engine.source import Source
from streams.engine.stage import Message, Output, Record, Tally
from streams.engine.table import Store
from streams.engine.upstream import end_was_unanswered


class InDoubt(Exception):
    """The producer may not be used again, whatever became of its transaction."""


@dataclass(frozen=True, slots=True)
class _Transaction:
    """What is committed together."""

    changes: dict[bytes, bytes | None]
    messages: list[Message]
    tallies: Counter[Tally]
    offset: int | None
    writes: int


class StatefulLane(Lane):
    """A lane with a table, and with the only producer that may write it.

    `accept` merges into the pending transaction, the last write of a key wins. A
    task takes all that is pending, commits it, and takes again: transactions are
    small when there is little to do and large under load.
    """

    def __init__(
        self,
        services: Services,
        source: Source,
        tp: TP,
        generation: int,
        table: Store,
    ) -> None:
        """Prepare a lane with an empty table."""
        super().__init__(services, source, tp, generation)
        self._table = table
        self._gathering = Gathering(
            self.process, source.pace, source.turns, source.spec.gather
        )
        self.on_lost: Callable[[StatefulLane, AbortReason], None]
        """Told when the memory was dropped; set by the owner."""
        self._messages: list[Message] = []
        self._tallies: Counter[Tally] = Counter()
        self._offset: int | None = None
        self._pending = 0
        self._busy = False
        self._finishing = False
        self._wake = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._producer: AIOKafkaProducer | None = None
        self._outbox: Outbox | None = None

    @property
    def table(self) -> Store:
        """The lane's table."""
        return self._table

    @property
    def changelog(self) -> TP:
        """The table's changelog partition."""
        name = self._services.config.changelog(self.spec.table or "")
        return TP(name, self.tp.partition)

    async def initialise(self) -> None:
        """Fence every older owner of the partition and end its transaction."""
        config = self._services.config

        def make() -> AIOKafkaProducer:
            producer = transactional_producer(config, self.spec.name, self.tp.partition)
            self._producer = producer  # whoever closes the lane stops it
            return producer

        self._outbox = Outbox(config, await started(make, config), self.clock)

    def open(self, position: int | None) -> None:
        """Take batches from now on; the table has been recovered."""
        self.position = position
        self.state = LaneState.READY
        self._task = asyncio.create_task(self._run())

    @property
    def clean(self) -> bool:
        """Say whether everything accepted was committed."""
        return not self._busy and not self._pending and self._offset is None

    def take(self, records: Sequence[Record], next_offset: int) -> None:
        """Process a batch, or let it wait for the next ones."""
        self._gathering.take(records, next_offset)

    def accept(self, next_offset: int | None, output: Output) -> None:
        """Merge a batch's or a timer's output into the pending transaction."""
        if next_offset is not None:
            self._offset = next_offset
        self._messages += output.messages
        self._tallies.update(output.tallies)
        writes = self._table.changed + len(self._messages)
        self._services.budget.take(writes - self._pending)
        self._pending = writes
        if writes or self._finishing:
            self._wake.set()
        elif self._alarm is None:  # an offset alone is in no hurry
            interval = self._services.config.commit_interval
            self._alarm = asyncio.get_running_loop().call_later(
                interval, self._wake.set
            )

    def sweep(self, *, behind: bool = False) -> None:
        """Let the stage do what has become due by time.

        A lane that is `behind` its input does not know the present: it goes by the
        newest record that it has read, so that after an outage nothing becomes due
        before the records that would have prevented it.
        """
        self._gathering.flush()  # a timer may not overtake what has been read
        if self.state is not LaneState.READY or self._finishing:
            return
        now = self.clock()
        if behind:
            if self.clock.reached is None:
                return
            now = min(now, self.clock.reached)
        try:
            output = self.spec.stage.due(self._table, now)
            if output.messages or output.tallies or self._table.changed:
                self.accept(None, output)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends here
            self.spoil()
            stage_failed(self._services.ending, self.spec, error)

    def finish(self) -> None:
        """Commit what is pending without waiting for more."""
        self._gathering.drop()
        self._finishing = True
        self._wake.set()

    def keep(self, generation: int) -> None:
        """Go on in the next generation of the group."""
        super().keep(generation)
        self._finishing = False

    def spoil(self) -> None:
        """Drop the memory at once, before the lane's task could commit half a batch."""
        self.state = LaneState.LOST
        self._drop()

    def close(self) -> None:
        """Give the lane up; its transaction ends with its successor's start."""
        if self.state in (LaneState.READY, LaneState.OPENING):
            self.state = LaneState.CLOSED
        self._drop()
        if self._task is not None:
            self._task.cancel()
        if self._producer is not None:
            _stopping(self._producer)

    async def abort(self) -> None:
        """End the open transaction, if any, so that readers go on at once."""
        if self._task is not None:
            self._task.cancel()
        if self._producer is not None and self._busy:
            await self._producer.abort_transaction()

    def _drop(self) -> None:
        self._gathering.drop()
        self._table.clear()
        self._messages = []
        self._tallies = Counter()
        self._offset = None
        self._services.budget.give_back(self._pending)
        self._pending = 0
        if self._alarm is not None:
            self._alarm.cancel()

    async def _run(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                if not self.clean:
                    await self._commit(self._take())
        except asyncio.CancelledError:
            raise
        except ProducerFenced:
            self._lose(AbortReason.FENCED)
        except InDoubt:
            self._lose(AbortReason.UNKNOWN_OUTCOME)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends here
            if puts_in_doubt(error):
                self._lose(AbortReason.UNKNOWN_OUTCOME)
                return
            reason = f"stage {self.spec.name} could not commit"
            self._services.ending.fail(exit_code_of(error), reason, error)

    def _take(self) -> _Transaction:
        taken = _Transaction(
            self._table.take_changes(),
            self._messages,
            self._tallies,
            self._offset,
            self._pending,
        )
        self._messages = []
        self._tallies = Counter()
        self._offset = None
        self._pending = 0
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._busy = True
        self._gathering.hold()
        return taken

    async def _commit(self, taken: _Transaction) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._services.config.commit_deadline):
                await self._transact(taken)
        finally:
            self._services.budget.give_back(taken.writes)
        self._busy = False
        if taken.offset is not None:
            self.position = taken.offset
            self._services.offsets.advance(self.tp, taken.offset)
        observer, name = self._services.observer, self.spec.name
        observer.committed(
            name, messages=per_topic(taken.messages), tallies=taken.tallies
        )
        seconds = time.monotonic() - began
        observer.transaction_finished(
            name, self.tp.partition, seconds=seconds, records=taken.writes
        )
        if end_was_unanswered(self._producer):
            raise InDoubt
        self._gathering.release()

    async def _transact(self, taken: _Transaction) -> None:
        """Do one transaction in an order that never overlaps requests.

        Begin; hand over every batch; await every acknowledgement; commit. Two
        requests of one transactional id at the same time make the broker's
        verification (KIP-890) answer CONCURRENT_TRANSACTIONS, which costs a
        back-off of 100 ms. The input offset is a record of the changelog and not
        a TxnOffsetCommit: that saves two round trips and the queueing of all
        lanes on one partition of the offsets topic.
        """
        assert self._producer is not None  # noqa: S101 - `open` comes after
        assert self._outbox is not None  # noqa: S101 - the same
        changes = taken.changes
        if taken.offset is not None:
            changes[OFFSET_KEY] = b"%d" % taken.offset
        await self._producer.begin_transaction()
        log = self.changelog
        written = (log, changes) if changes else None
        offsets = []
        for acknowledged in await self._outbox.send(taken.messages, written):
            batch = await acknowledged
            if batch is not None and batch.topic_partition == log:
                offsets.append(batch.offset)
        await self._producer.commit_transaction()
        if changes:
            last = _last(changes, min(offsets, default=-1), self._outbox.stamped)
            self._table.settle(last, taken.offset)

    def _lose(self, reason: AbortReason) -> None:
        self.state = LaneState.LOST
        self._busy = False
        self._drop()
        self._services.observer.transaction_aborted(
            self.spec.name, self.tp.partition, reason
        )
        self.on_lost(self, reason)


class _Written(NamedTuple):
    """A record of the changelog that this lane wrote."""

    key: bytes
    value: bytes | None
    offset: int
    timestamp: int
    headers: Sequence[tuple[str, bytes]] = ()


def _last(
    changes: dict[bytes, bytes | None], first: int, timestamp: int
) -> _Written | None:
    """Answer the last record of a transaction whose first stands at `first`.

    They stand one after the other, since nobody else writes there. None when the
    broker did not say where, as for a batch that it was sent twice.
    """
    if first < 0:
        return None
    key, value = next(reversed(changes.items()))
    return _Written(key, value, first + len(changes) - 1, timestamp)


_stops: set[asyncio.Task[None]] = set()


def _stopping(producer: AIOKafkaProducer) -> None:
    """Stop a producer in the background: nobody waits for a dead one."""
    task = asyncio.ensure_future(_stop(producer))
    _stops.add(task)
    task.add_done_callback(_stops.discard)


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(10):
            await producer.stop()
    except Exception:  # noqa: BLE001, S110 - it was given up, and stopping it
        pass  # flushes, which fails for a fenced producer
