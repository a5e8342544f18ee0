"""A batch's changes, outputs and offset are committed together, or not at all."""

import asyncio
from collections import Counter
from typing import NamedTuple

import pytest
from aiokafka import errors
from faust.types import TP

from streams.engine import outbox, stateful
from streams.engine.budget import Budget
from streams.engine.config import EngineConfig
from streams.engine.ending import Ending
from streams.engine.exits import ExitCode
from streams.engine.gathering import Gathering
from streams.engine.group_offsets import GroupOffsets
from streams.engine.lane import LaneState
from streams.engine.observer import AbortReason, NullObserver
from streams.engine.recovery import OFFSET_KEY
from streams.engine.services import Services
from streams.engine.source import Pace, Source, Turns
from streams.engine.spec import LaneSpec
from streams.engine.stage import Message, Output
from streams.engine.stateful import StatefulLane
from streams.engine.table import MemoryTable
from streams.errors import StoreFailed


class Batch:
    """A record batch that takes three records."""

    def __init__(self):
        self.rows = []

    def append(self, key, value, timestamp, headers):
        if len(self.rows) == 3:
            return None
        self.rows.append((key, value, headers))
        return True


class Place(NamedTuple):
    """What an acknowledgement says."""

    topic_partition: tuple[str, int]
    offset: int


class Producer:
    """Remembers what was asked of it, in order; answers when it is let."""

    def __init__(self):
        self.calls = []
        self.acknowledged = True
        self.refusal = None
        self.waiting = []
        self.unknown = 0
        """Times that no topic is known, from now on."""
        self.offset = None
        self.lengths = Counter()
        self._sender = None

    async def start(self):
        self.calls.append("start")

    async def stop(self):
        self.calls.append("stop")

    async def partitions_for(self, topic):
        self._look_up()
        return {0, 1, 2}

    def _look_up(self):
        if self.unknown:
            self.unknown -= 1
            raise errors.UnknownTopicOrPartitionError

    def create_batch(self):
        return Batch()

    async def begin_transaction(self):
        self.calls.append("begin")

    async def send_batch(self, batch, topic, *, partition):
        self._look_up()
        self.calls.append((topic, partition, batch.rows))
        future = asyncio.get_running_loop().create_future()
        if self.refusal is not None:
            future.set_exception(self.refusal)
        elif self.acknowledged:
            future.set_result(self._place(topic, partition, len(batch.rows)))
        else:
            self.waiting.append(future)
        return future

    def _place(self, topic, partition, rows):
        """Answer where a batch came to stand, if the broker says it."""
        if self.offset is None:
            return None
        place = topic, partition
        self.lengths[place] += rows
        return Place(place, self.offset + self.lengths[place] - rows)

    async def commit_transaction(self):
        self.calls.append("commit")

    def acknowledge(self):
        for future in self.waiting:
            future.set_result(None)
        self.waiting = []


class Remembering(Ending):
    """Remembers the failure instead of ending the process."""

    def __init__(self):
        super().__init__()
        self.codes = []

    def fail(self, code, reason, error=None):
        self.codes.append(code)


class Watching(NullObserver):
    def __init__(self):
        self.tallies = Counter()
        self.messages = Counter()

    def committed(self, stage, *, messages, tallies):
        self.messages.update(messages)
        self.tallies.update(tallies)


class Note:
    """One record of the log."""

    key, headers, timestamp = b"a", (), 5

    def __init__(self, value):
        self.value = value


class Keeping:
    """Keeps every value and announces it; raises in the middle when told to."""

    def process(self, batch, table, now):
        output = Output()
        for record in batch.records:
            if record.value == b"die":
                raise KeyError(record.key)
            table.put(record.key + record.value, record.value)
            output.messages.append(Message("out", record.key, record.value, (), 1))
            output.tallies["kept",] += 1
        return output

    def due_at(self, key, value):
        return None

    def due(self, table, now):
        self.asked.append(now)
        return Output()

    def __init__(self):
        self.asked = []


@pytest.fixture
def producer(monkeypatch):
    one = Producer()
    monkeypatch.setattr(stateful, "transactional_producer", lambda *_: one)
    return one


@pytest.fixture
async def lane(producer):
    config = EngineConfig(
        bootstrap_servers="x:1", app_id="app", commit_interval=0.01, topic_prefix="p."
    )
    services = Services(config, Watching(), Budget(100), Remembering(), GroupOffsets())
    spec = LaneSpec("flags", ("in",), Keeping(), "flags")
    source = Source(spec, "in", "p.in", Pace(1000, 0.02))
    one = StatefulLane(services, source, TP("p.in", 2), 1, MemoryTable(lambda *_: None))
    one.services = services
    one.losses = []
    one.on_lost = lambda lost, reason: one.losses.append(reason)
    await one.initialise()
    one.open(None)
    yield one
    one.close()


async def until(what):
    """Let the event loop go on until something is so."""
    for _ in range(400):
        if what():
            return
        await asyncio.sleep(0.002)


async def settled(lane):
    """Wait until everything is committed, or the lane gave up."""
    await until(lambda: lane.clean or lane.services.ending.codes or lane.losses)


def take(lane, *values, offset=10):
    lane.process([Note(value) for value in values], offset)


async def test_changes_outputs_and_offset_are_one_transaction(lane, producer):
    take(lane, b"1", b"2")
    await settled(lane)
    log = [(b"a1", b"1", []), (b"a2", b"2", []), (OFFSET_KEY, b"10", [])]
    assert producer.calls == [
        "start",
        "begin",
        ("p.out", 1, [(b"a", b"1", []), (b"a", b"2", [])]),
        ("p.app-flags-changelog", 2, log),
        "commit",
    ]
    assert lane.position == 10
    assert lane.services.offsets.uncommitted == {TP("p.in", 2): 10}


async def test_what_does_not_fit_one_record_batch_goes_into_the_next(lane, producer):
    take(lane, b"1", b"2", b"3", b"4")
    await settled(lane)
    sizes = [len(call[2]) for call in producer.calls if isinstance(call, tuple)]
    assert sizes == [3, 3, 1, 2]
    assert producer.calls.count("commit") == 1


async def test_nothing_is_committed_before_every_batch_was_acknowledged(lane, producer):
    producer.acknowledged = False
    take(lane, b"1")
    await until(lambda: len(producer.waiting) == 2)
    producer.waiting.pop().set_result(None)
    for _ in range(20):
        await asyncio.sleep(0)
    assert "commit" not in producer.calls
    producer.acknowledge()
    await settled(lane)
    assert producer.calls[-1] == "commit"


async def test_what_comes_during_a_transaction_is_in_the_next_one(lane, producer):
    producer.acknowledged = False
    take(lane, b"1")
    await until(lambda: producer.waiting)
    take(lane, b"2", offset=11)
    take(lane, b"3", offset=12)
    producer.acknowledged = True
    while producer.waiting:
        producer.acknowledge()
        await asyncio.sleep(0)
    await settled(lane)
    assert producer.calls.count("begin") == producer.calls.count("commit") == 2
    assert lane.position == 12


async def test_a_topic_that_a_broker_does_not_know_yet_is_waited_for(
    lane, producer, monkeypatch
):
    monkeypatch.setattr(outbox, "_PAUSE", 0.0)
    begin = producer.begin_transaction

    async def forget():
        await begin()
        producer.unknown = 3

    producer.begin_transaction = forget
    take(lane, b"1")
    await settled(lane)
    written = [call[:2] for call in producer.calls if isinstance(call, tuple)]
    assert written == [("p.out", 1), ("p.app-flags-changelog", 2)]
    assert lane.services.ending.codes == []
    assert producer.unknown == 0


async def test_a_batch_whose_topic_is_forgotten_in_between_is_sent_once(
    lane, producer, monkeypatch
):
    monkeypatch.setattr(outbox, "_PAUSE", 0.0)
    create = producer.create_batch

    def forget():
        producer.unknown = 1
        return create()

    producer.create_batch = forget
    take(lane, b"1")
    await settled(lane)
    written = [call[:2] for call in producer.calls if isinstance(call, tuple)]
    assert written == [("p.out", 1), ("p.app-flags-changelog", 2)]


async def test_tallies_are_counted_when_they_are_committed(lane, producer):
    producer.acknowledged = False
    take(lane, b"1", b"2")
    await until(lambda: producer.waiting)
    assert not lane.services.observer.tallies
    producer.acknowledge()
    await settled(lane)
    assert lane.services.observer.tallies == {("kept",): 2}
    assert lane.services.observer.messages == {"out": 2}


async def test_a_batch_without_changes_commits_its_offset_a_little_later(
    lane, producer
):
    lane.accept(33, Output())
    await settled(lane)
    written = [call for call in producer.calls if isinstance(call, tuple)]
    assert written == [("p.app-flags-changelog", 2, [(OFFSET_KEY, b"33", [])])]


async def test_a_stage_that_raises_leaves_nothing_to_commit(lane, producer):
    lane.process([Note(b"1"), Note(b"die")], 10)
    assert lane.state is LaneState.LOST
    assert len(lane.table) == 0
    assert lane.clean
    assert lane.services.ending.codes == [ExitCode.STAGE_FAILED]
    assert lane.services.budget.pending == 0
    for _ in range(20):
        await asyncio.sleep(0)
    assert producer.calls == ["start"]


async def test_a_stage_that_answers_nonsense_is_taken_for_one_that_raised(lane):
    lane.spec.stage.process = lambda *_: None
    take(lane, b"1")
    assert lane.services.ending.codes == [ExitCode.STAGE_FAILED]
    assert lane.clean


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.MessageSizeTooLargeError(), ExitCode.OUTPUT_REFUSED),
        (errors.InvalidTimestampError(), ExitCode.OUTPUT_REFUSED),
        (errors.TopicAuthorizationFailedError(), ExitCode.OUTPUT_REFUSED),
        (errors.KafkaTimeoutError(), ExitCode.UNAVAILABLE),
        (ValueError("what"), ExitCode.ENGINE_FAILED),
    ],
)
async def test_a_refused_batch_ends_the_worker_without_a_commit(
    lane, producer, error, code
):
    producer.refusal = error
    take(lane, b"1")
    await settled(lane)
    assert lane.services.ending.codes == [code]
    assert "commit" not in producer.calls


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.ProducerFenced(), AbortReason.FENCED),
        (errors.InvalidTxnState(), AbortReason.UNKNOWN_OUTCOME),
        (errors.InvalidProducerIdMapping(), AbortReason.UNKNOWN_OUTCOME),
        (errors.KafkaError("its sender died"), AbortReason.UNKNOWN_OUTCOME),
    ],
)
async def test_a_lane_that_lost_its_partition_forgets_its_table(
    lane, producer, error, reason
):
    producer.refusal = error
    take(lane, b"1")
    await settled(lane)
    assert lane.losses == [reason]
    assert lane.state is LaneState.LOST
    assert len(lane.table) == 0
    assert lane.services.budget.pending == 0


@pytest.fixture
def settled_with(lane, monkeypatch):
    """What the table was told of its log."""
    told = []
    monkeypatch.setattr(lane.table, "settle", lambda *what: told.append(what))
    return told


async def test_a_table_hears_which_record_of_the_log_it_ends_with(
    lane, producer, settled_with
):
    producer.offset = 40
    take(lane, b"1", b"2", b"3", b"4")
    await settled(lane)
    ((last, position),) = settled_with
    # Four keys and the offset, in two batches.
    assert (last.key, last.value, last.offset) == (OFFSET_KEY, b"10", 44)
    assert last.timestamp == lane._outbox.stamped  # noqa: SLF001 - what the log has
    assert position == 10


@pytest.mark.parametrize("offset", [None, -50])
async def test_a_table_hears_of_a_commit_whose_place_is_not_known(
    lane, producer, settled_with, offset
):
    producer.offset = offset
    take(lane, b"1")
    await settled(lane)
    assert settled_with == [(None, 10)]


async def test_a_table_hears_nothing_of_what_was_not_committed(
    lane, producer, settled_with
):
    producer.refusal = errors.InvalidTxnState()
    take(lane, b"1")
    await settled(lane)
    assert settled_with == []


async def test_a_full_disk_ends_the_worker_with_a_code_of_its_own(lane, monkeypatch):
    def full(*_):
        message = "table flags-2 on disk: the disk is full"
        raise StoreFailed(message)

    monkeypatch.setattr(lane.table, "settle", full)
    take(lane, b"1")
    await until(lambda: lane.services.ending.codes)
    assert lane.services.ending.codes == [ExitCode.STORE_FAILED]


async def test_a_table_that_cannot_be_read_is_no_fault_of_the_stage(lane):
    def broken(*_):
        message = "table flags-2 on disk: a file is damaged"
        raise StoreFailed(message)

    lane.spec.stage.process = broken
    take(lane, b"1")
    assert lane.services.ending.codes == [ExitCode.STORE_FAILED]


async def test_the_budget_counts_a_key_once_however_often_it_changes(lane, producer):
    producer.acknowledged = False
    take(lane, b"1")
    await until(lambda: producer.waiting)
    assert lane.services.budget.pending == 2, "one key and one message"
    take(lane, b"2", b"2", b"2", offset=11)
    assert lane.services.budget.pending == 2 + 4
    lane.close()
    assert lane.services.budget.pending == 2, "the transaction under way"


NEVER = 3600.0
"""Seconds that no test waits for."""


@pytest.fixture
async def gathering(lane):
    """Answer a lane that has read a record and lets the next one wait."""
    lane._gathering = Gathering(lane.process, Pace(1000, 0.02), Turns(), NEVER)  # noqa: SLF001
    lane.take([Note(b"1")], 10)
    lane.take([Note(b"2")], 11)
    return lane


async def test_what_a_lane_gathers_is_not_in_its_table_yet(gathering):
    assert len(gathering.table) == 1


async def test_a_timer_does_not_overtake_what_has_been_read(gathering):
    gathering.sweep()
    assert len(gathering.table) == 2
    assert gathering.spec.stage.asked


async def test_no_timer_runs_after_a_stage_raised_over_what_was_gathered(gathering):
    gathering.take([Note(b"die")], 12)
    gathering.sweep()
    assert gathering.spec.stage.asked == []
    assert gathering.services.ending.codes == [ExitCode.STAGE_FAILED]


async def test_a_lane_that_gathers_reads_on_when_its_transaction_is_over(
    lane, producer
):
    lane._gathering = Gathering(lane.process, Pace(1000, 0.02), Turns(), 1e-9)  # noqa: SLF001
    producer.acknowledged = False
    lane.take([Note(b"1")], 10)
    await until(lambda: producer.waiting)
    lane.take([Note(b"2")], 11)
    lane.take([Note(b"3")], 12)
    assert len(lane.table) == 1
    producer.acknowledged = True
    producer.acknowledge()
    await until(lambda: lane.position == 12)
    assert len(lane.table) == 3
    assert producer.calls.count("commit") == 2


@pytest.mark.parametrize("give_up", ["finish", "spoil", "close"])
async def test_what_was_gathered_is_read_again_after_the_lane_gave_up(
    gathering, give_up
):
    await settled(gathering)
    getattr(gathering, give_up)()
    gathering.sweep()
    assert gathering.position == 10
    assert gathering.clean
    assert gathering.table.get(b"a2") is None


async def test_a_lane_that_is_behind_goes_by_what_it_has_read(lane):
    stage = lane.spec.stage
    lane.sweep(behind=True)
    assert stage.asked == []
    take(lane, b"x")
    lane.sweep(behind=True)
    assert stage.asked == [Note.timestamp]
    lane.sweep()
    assert stage.asked[1] > 1_700_000_000_000
    await settled(lane)
