"""A plain aiokafka loop: what an experienced developer writes instead of an engine.

The same functions with the same guarantee: ingest sends, waits for every
acknowledgement and commits; flags writes changes, outputs and offsets in one
transaction for each partition, and reads its changelog at start. Packed by hand
(`send_batch`), which is several times cheaper than `send`. What it does not have:
rebalances, fencing of a second process, timers, bounds on memory, metrics.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord
from job import JOBS, stages
from told import Told, now, ready, told

from streams.core.instant import Instant
from streams.engine.partitioner import partition_of
from streams.engine.stage import Batch, Message, Stage
from streams.engine.table import MemoryTable, NoTable
from streams.wire.topic import Topic

RECORDS = 5_000
"""Most records taken out of the fetched ones at a time."""
FETCH = 4 << 20
BATCH = 900_000
Records = Mapping[TopicPartition, list[ConsumerRecord]]
Rows = dict[tuple[str, int], list[tuple[bytes | None, bytes | None, list[Any]]]]


class Loop:
    """Reads, processes, writes."""

    def __init__(self, given: Told) -> None:
        self.given = given
        self.tables: dict[int, MemoryTable] = {}
        self.producers: dict[int, AIOKafkaProducer] = {}

    def consumer(self, topic: str) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            self.given.prefix + topic,
            bootstrap_servers=self.given.kafka,
            group_id=self.given.app,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=FETCH,
        )

    def producer(self, partition: int | None = None) -> AIOKafkaProducer:
        told: dict[str, Any] = {"enable_idempotence": True}
        if partition is not None:
            told = {"transactional_id": f"{self.given.app}-{partition}"}
        return AIOKafkaProducer(
            bootstrap_servers=self.given.kafka,
            max_batch_size=BATCH,
            max_request_size=1_000_000,
            **told,
        )

    def rows(self, messages: Iterable[Message]) -> Rows:
        rows: Rows = defaultdict(list)
        for topic, key, value, headers, _ in messages:
            place = partition_of(key or b"", self.given.partitions)
            rows[self.given.prefix + topic, place].append((key, value, list(headers)))
        return rows

    async def ingest(self, stage: Stage, topic: str) -> None:
        """Forward: acknowledged first, committed then."""
        producer, consumer = self.producer(), self.consumer(topic)
        await producer.start()
        await consumer.start()
        while True:
            fetched: Records = await consumer.getmany(
                timeout_ms=200, max_records=RECORDS
            )
            messages: list[Message] = []
            for tp, records in fetched.items():
                batch = Batch(topic, tp.partition, records)
                messages += stage.process(batch, NoTable(), Instant(now())).messages
            if messages:
                await asyncio.gather(*await send(producer, self.rows(messages)))
                await consumer.commit()

    async def flags(self, stage: Stage, topic: str) -> None:
        """One transaction for each partition's batch."""
        for partition in range(self.given.partitions):
            producer = self.producers[partition] = self.producer(partition)
            self.tables[partition] = MemoryTable(stage.due_at)
            await producer.start()
        await self.recover()
        consumer = self.consumer(topic)
        await consumer.start()
        while True:
            fetched: Records = await consumer.getmany(
                timeout_ms=200, max_records=RECORDS
            )
            await asyncio.gather(
                *(
                    self.transact(stage, topic, tp, records)
                    for tp, records in fetched.items()
                )
            )

    async def transact(
        self, stage: Stage, topic: str, tp: TopicPartition, records: list[Any]
    ) -> None:
        """Process a batch and write what comes of it at once."""
        table, producer = self.tables[tp.partition], self.producers[tp.partition]
        batch = Batch(topic, tp.partition, records)
        output = stage.process(batch, table, Instant(now()))
        rows = self.rows(output.messages)
        if changes := table.take_changes():
            place = (self.given.changelog, tp.partition)
            rows[place] = [(k, v, []) for k, v in changes.items()]
        async with producer.transaction():
            await asyncio.gather(*await send(producer, rows))
            offset = {tp: records[-1].offset + 1}
            await producer.send_offsets_to_transaction(offset, self.given.app)

    async def recover(self) -> None:
        """Read the changelog to its end."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.given.kafka, isolation_level="read_committed"
        )
        await consumer.start()
        places = [TopicPartition(self.given.changelog, p) for p in self.tables]
        consumer.assign(places)
        await consumer.seek_to_beginning()
        for place, end in (await consumer.end_offsets(places)).items():
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(place, timeout_ms=200)).values():
                    for record in records:
                        self.tables[place.partition].apply(record.key, record.value)
        await consumer.stop()


async def send(producer: AIOKafkaProducer, rows: Rows) -> list[asyncio.Future[Any]]:
    """Pack rows into batches; answer the futures of their acknowledgements."""
    sent = []
    for (topic, partition), records in rows.items():
        builder = producer.create_batch()
        for key, value, headers in records:
            told = {"key": key, "value": value, "headers": headers, "timestamp": None}
            if builder.append(**told) is None:
                sent.append(
                    await producer.send_batch(builder, topic, partition=partition)
                )
                builder = producer.create_batch()
                builder.append(**told)
        sent.append(await producer.send_batch(builder, topic, partition=partition))
    return sent


async def main() -> None:
    """Work until a signal."""
    given = told()
    loop = Loop(given)
    if given.job in JOBS:
        work = [loop.flags(JOBS[given.job](), given.input)]
    else:
        ours = stages(given)
        work = [
            loop.ingest(ours.ingest, given.input),
            loop.flags(ours.flags, Topic.EVIDENCE),
        ]
    running = [asyncio.create_task(one) for one in work]
    ready()
    await asyncio.gather(*running)


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.install()
    except ImportError:
        pass
    asyncio.run(main())
