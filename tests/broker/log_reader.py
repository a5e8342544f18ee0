"""What stands in Kafka, read by a client that has nothing to do with the engine."""

import time
import uuid
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PARTITION_EOF = -191
COMPACTED = {
    "cleanup.policy": "compact",
    "segment.ms": "10000",
    "min.cleanable.dirty.ratio": "0.05",
    "delete.retention.ms": "60000",
}
"""A changelog that is compacted while a test looks on."""


class Row(NamedTuple):
    """One record."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def make_topic(kafka: str, name: str, partitions: int, **config: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    topic = NewTopic(name, partitions, 1, config=config)
    for made in admin.create_topics([topic]).values():
        made.result(30)
    # The controller has made it; the broker may not have heard of it yet.
    end = time.monotonic() + 30
    while name not in admin.list_topics(timeout=10).topics:
        assert time.monotonic() < end, f"the broker does not know {name}"
        time.sleep(0.02)


def remove_topics(kafka: str, names: list[str]) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    for removed in admin.delete_topics(names).values():
        removed.result(30)


def ends(
    kafka: str, topic: str, isolation: str = "read_committed"
) -> dict[int, tuple[int, int]]:
    """Answer first and next offset of each partition; wait for a broker's return."""
    end = time.monotonic() + 60
    while True:
        try:
            return _ends(kafka, topic, isolation)
        except KafkaException:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _ends(kafka: str, topic: str, isolation: str) -> dict[int, tuple[int, int]]:
    consumer = Consumer(
        {"bootstrap.servers": kafka, "group.id": "x", "isolation.level": isolation}
    )
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        return {
            number: consumer.get_watermark_offsets(
                TopicPartition(topic, number), timeout=10
            )
            for number in partitions
        }
    finally:
        consumer.close()


def read(kafka: str, topic: str, isolation: str = "read_committed") -> list[Row]:
    """Answer everything that a reader sees now, to the last stable offset."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": f"read-{uuid.uuid4().hex[:8]}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": isolation,
            "fetch.wait.max.ms": 20,
        }
    )
    rows: list[Row] = []
    try:
        left = {
            p for p, (low, high) in ends(kafka, topic, isolation).items() if high > low
        }
        consumer.assign([TopicPartition(topic, number, 0) for number in left])
        while left:
            for message in consumer.consume(1000, 0.3):
                if message.error() is None:
                    rows.append(
                        Row(
                            message.partition(),
                            message.offset(),
                            message.key(),
                            message.value(),
                            message.headers() or [],
                        )
                    )
                elif message.error().code() == PARTITION_EOF:
                    left.discard(message.partition())
    finally:
        consumer.close()
    return sorted(rows)


def committed(kafka: str, group: str, topic: str) -> dict[int, int]:
    """Answer a group's committed offsets."""
    consumer = Consumer(
        {"bootstrap.servers": kafka, "group.id": group, "enable.auto.commit": False}
    )
    try:
        asked = [TopicPartition(topic, number) for number in ends(kafka, topic)]
        return {tp.partition: tp.offset for tp in consumer.committed(asked, timeout=10)}
    finally:
        consumer.close()


def compacted(rows: list[Row]) -> dict[bytes, bytes]:
    """Answer the newest value of each key, as compaction leaves it."""
    newest: dict[bytes, bytes] = {}
    for row in rows:
        if row.value is None:
            newest.pop(row.key, None)
        else:
            newest[row.key] = row.value
    return newest
