"""A table comes back from its changelog, whatever the log looks like."""

import asyncio
import uuid

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from log_reader import COMPACTED, ends, make_topic, read
from worker_process import wait_for

from streams.engine.config import EngineConfig
from streams.engine.disk import Disk
from streams.engine.recovery import OFFSET_KEY, RecoveryAbandoned, recover
from streams.engine.rocks_table import RocksTable
from streams.engine.table import MemoryTable

pytestmark = pytest.mark.broker


class Changelog:
    """A changelog written as a lane writes it, and as a dying lane leaves it."""

    def __init__(self, kafka, partitions=1, **config):
        self.kafka = kafka
        self.name = f"t{uuid.uuid4().hex[:8]}-changelog"
        self.config = EngineConfig(bootstrap_servers=kafka, app_id=self.name)
        make_topic(kafka, self.name, partitions, **(config or COMPACTED))

    async def producer(self):
        one = AIOKafkaProducer(
            bootstrap_servers=self.kafka,
            transactional_id=self.name,
            max_batch_size=900_000,
        )
        await one.start()
        return one

    async def taken_over(self, producer):
        """Start the next owner's producer: then the last transaction is ended."""
        await producer.stop()
        return await self.producer()

    async def write(self, producer, pairs, partition=0, *, commit=True):
        """Write pairs as one transaction."""
        await producer.begin_transaction()
        batch, sent = producer.create_batch(), []
        for key, value in pairs:
            row = {"key": key, "value": value, "timestamp": None}
            if batch.append(**row) is None:
                sent.append(
                    await producer.send_batch(batch, self.name, partition=partition)
                )
                batch = producer.create_batch()
                batch.append(**row)
        sent.append(await producer.send_batch(batch, self.name, partition=partition))
        for acknowledged in sent:
            await acknowledged
        if commit:
            await producer.commit_transaction()
        else:
            await producer.abort_transaction()

    async def recover(self, partition=0, wanted=lambda: True, table=None):
        if table is None:
            table = MemoryTable(never)
        tables = {TopicPartition(self.name, partition): table}
        progress = []
        found = await recover(
            self.config,
            tables,
            wanted=wanted,
            progress=lambda tp, applied, left: progress.append(left),
        )
        (what,) = found.values()
        return dict(table.scan()), what, progress


def never(key, value):
    return None


@pytest.fixture
def on_disk(tmp_path):
    """Make the table of a worker that has just started."""
    disk, made = Disk(tmp_path, 32), []

    def make():
        for before in made:
            before.clear()
        made.append(RocksTable(never, disk, "t-0"))
        return made[-1]

    yield make
    made[-1].clear()
    disk.close()


async def test_a_table_on_disk_reads_only_what_it_missed(broker, on_disk):
    log = Changelog(broker.address)
    producer = await log.producer()
    pairs = [(b"k%d" % number, b"1") for number in range(1000)]
    await log.write(producer, [*pairs, (OFFSET_KEY, b"1000")])
    producer = await log.taken_over(producer)
    _, found, _ = await log.recover(table=on_disk())
    assert (found.records, found.position) == (1001, 1000)
    await log.write(producer, [(b"k5", b"wrong")], commit=False)
    await log.write(producer, [(b"k5", b"2"), (b"k7", None), (OFFSET_KEY, b"1002")])
    await log.write(producer, [(b"k6", b"wrong")], commit=False)
    producer = await log.taken_over(producer)
    restored, found, progress = await log.recover(table=on_disk())
    assert (found.records, found.position) == (4, 1002)
    assert restored.pop(b"k5") == b"2"
    assert restored == {k: v for k, v in pairs if k not in {b"k5", b"k7"}}
    assert progress[-1] == 0
    await producer.stop()


async def test_a_table_of_a_topic_that_was_made_anew_is_not_believed(broker, on_disk):
    log = Changelog(broker.address)
    producer = await log.producer()
    await log.write(producer, [(b"old", b"1"), (b"k", b"1"), (OFFSET_KEY, b"3")])
    producer = await log.taken_over(producer)
    await producer.stop()
    await log.recover(table=on_disk())
    log = Changelog(broker.address)
    producer = await log.producer()
    for number in range(5):
        await log.write(producer, [(b"k", b"%d" % number), (OFFSET_KEY, b"3")])
    producer = await log.taken_over(producer)
    restored, found, _ = await log.recover(table=on_disk())
    assert restored == {b"k": b"4"}
    assert found.records == 10


async def test_an_empty_changelog_is_recovered_at_once(broker):
    pairs, found, _ = await Changelog(broker.address).recover()
    assert pairs == {}
    assert found.position is None


async def test_what_was_committed_comes_back_and_what_was_deleted_does_not(broker):
    log = Changelog(broker.address)
    producer = await log.producer()
    await log.write(producer, [(b"a", b"1"), (b"b", b"1"), (OFFSET_KEY, b"7")])
    await log.write(producer, [(b"a", b"2"), (b"b", None), (OFFSET_KEY, b"9")])
    await producer.stop()
    pairs, found, _ = await log.recover()
    assert pairs == {b"a": b"2"}
    assert found.position == 9


async def test_a_log_that_ends_in_aborted_and_control_records_is_read_to_its_end(
    broker,
):
    log = Changelog(broker.address)
    producer = await log.producer()
    await log.write(producer, [(b"a", b"1"), (OFFSET_KEY, b"3")])
    for _ in range(5):
        await log.write(producer, [(b"a", b"wrong"), (OFFSET_KEY, b"9")], commit=False)
    await producer.stop()
    pairs, found, progress = await log.recover()
    assert pairs == {b"a": b"1"}
    assert found.position == 3
    assert progress[-1] == 0


async def test_an_open_transaction_is_ended_by_the_next_owner_before_it_recovers(
    broker,
):
    log = Changelog(broker.address)
    dying = await log.producer()
    await log.write(dying, [(b"a", b"1")])
    await dying.begin_transaction()
    await (await dying.send(log.name, b"wrong", b"a", partition=0))
    successor = await log.producer()
    pairs, _, _ = await log.recover()
    assert pairs == {b"a": b"1"}
    await successor.stop()
    await dying.client.close()


async def test_a_compacted_log_gives_the_same_table(broker):
    log = Changelog(broker.address, **{**COMPACTED, "segment.ms": "500"})
    producer = await log.producer()
    for number in range(40):
        pairs = [(b"k%d" % key, b"%d" % number) for key in range(20)]
        await log.write(producer, [*pairs, (b"gone", b"x"), (b"gone", None)])
    first = ends(broker.address, log.name)[0][1]
    held = first
    for _ in range(60):  # until the cleaner has come by
        await log.write(producer, [(b"late", b"1")])
        held = len(read(broker.address, log.name))
        if held < first / 2:
            break
        await asyncio.sleep(0.5)
    await producer.stop()
    assert held < first / 2, "the broker did not compact"
    pairs, _, _ = await log.recover()
    assert pairs == {b"late": b"1", **{b"k%d" % key: b"39" for key in range(20)}}


async def test_two_hundred_thousand_keys_come_back(broker):
    log = Changelog(broker.address, partitions=2)
    producer = await log.producer()
    for partition in (0, 1):
        await log.write(
            producer,
            (
                (b"tenant/user%d@mail.example" % number, b"%d" % number)
                for number in range(partition, 200_000, 2)
            ),
            partition,
        )
    await producer.stop()
    tables = {TopicPartition(log.name, p): MemoryTable(never) for p in (0, 1)}
    found = await recover(
        log.config, tables, wanted=lambda: True, progress=lambda *_: None
    )
    assert sum(one.records for one in found.values()) == 200_000
    for tp, table in tables.items():
        assert len(table) == 100_000
        last = 199_998 + tp.partition
        assert table.get(b"tenant/user%d@mail.example" % last) == b"%d" % last


async def test_a_newer_assignment_ends_a_recovery_early(broker):
    log = Changelog(broker.address)
    producer = await log.producer()
    await log.write(producer, [(b"a", b"1")])
    await producer.stop()
    with pytest.raises(RecoveryAbandoned):
        await log.recover(wanted=lambda: False)


async def test_keys_are_due_again_after_recovery(broker):
    log = Changelog(broker.address)
    producer = await log.producer()
    await log.write(producer, [(b"a", b"5"), (b"b", b"3"), (b"c", b"9"), (b"b", b"4")])
    await producer.stop()
    table = MemoryTable(lambda key, value: int(value))
    await recover(
        log.config,
        {TopicPartition(log.name, 0): table},
        wanted=lambda: True,
        progress=lambda *_: None,
    )
    assert table.due(5) == [b"b", b"a"]
    assert table.due(9) == [b"c"]


def test_workers_follow_a_bulletin_from_before_they_open_lanes(flow, worker):
    topic = f"{flow.app}.alerts"
    make_topic(flow.kafka, topic, 1)
    flow.forward(topic, b"alert-1", b"open", 0)
    flow.flush()
    one = worker(flow, bulletins=[topic])
    one.wait_ready()
    assert one.said("bulletin_read")[0]["at"] <= one.said("lanes_open")[0]["at"]
    wait_for(lambda: one.state.get("bulletin") == ["open"])
    flow.forward(topic, b"alert-1", b"closed", 0)
    flow.forward(topic, b"alert-2", b"open", 0)
    flow.flush()
    wait_for(lambda: sorted(one.state["bulletin"]) == ["closed", "open"])
    assert sorted(one.state["bulletin"]) == ["closed", "open"]
