"""A real Kafka with a deployment's topics, filled by hand and read by position.

Topics are those of the contracts. Records get the broker's time where they are
written (`LogAppendTime`), so that the end of a run is known to the millisecond
without a reader that takes CPU from what is measured.
"""

import sys
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

_CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_CHECKOUT), str(_CHECKOUT / "tests" / "broker")]

from kafka_broker import KafkaBroker  # noqa: E402 - found through the path above

from streams.wire import contract  # noqa: E402 - found through the path above
from streams.wire.contract import Role  # noqa: E402

__all__ = ["Bed", "KafkaBroker", "Pair", "keyed"]

Pair = tuple[bytes | None, bytes]
"""Key and value of a record."""
POLL = 0.1
_BY_KEY = -1
_END_MARK = 1
"""A transaction's end takes up an offset that nobody commits."""
LIMIT = 300.0
"""Seconds in which a run must end."""


class Bed:
    """One deployment's topics on a broker, under a prefix of their own."""

    def __init__(
        self,
        kafka: str,
        partitions: int,
        extra: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Create the topics; `extra` ones by name, with their settings.

        What must be one partition, such as what the roll-up reads, is one.
        """
        self.kafka = kafka
        self.partitions = partitions
        self.app_id = f"bench{uuid.uuid4().hex[:6]}"
        self.prefix = f"{self.app_id}."
        self._groups: dict[str, Consumer] = {}
        self._admin = AdminClient({"bootstrap.servers": kafka, "log_level": 0})
        manifests = [
            *contract.manifests().values(),
            *contract.changelogs(self.app_id),
        ]
        settings = {m.topic: dict(m.settings) for m in manifests}
        for one in manifests:
            if one.role is not Role.INPUT:
                settings[one.topic]["message.timestamp.type"] = "LogAppendTime"
        settings |= {name: dict(told) for name, told in (extra or {}).items()}
        self.topics = tuple(settings)
        alone = {one.topic for one in manifests if one.partitions == 1}
        self._counts = {name: 1 if name in alone else partitions for name in settings}
        made = self._admin.create_topics(
            [
                NewTopic(self.prefix + name, self._counts[name], 1, config=told)
                for name, told in settings.items()
            ]
        )
        for one in made.values():
            one.result(60)

    def fill(self, topic: str, pairs: Iterable[Pair]) -> int:
        """Write records, those without a key to the partitions in turn."""
        producer = Producer(
            {
                "bootstrap.servers": self.kafka,
                "linger.ms": 20,
                "batch.size": 900_000,
                "queue.buffering.max.messages": 0,
                "queue.buffering.max.kbytes": 2_000_000,
                "partitioner": "murmur2",
                "log_level": 0,
            }
        )
        name, count = self.prefix + topic, 0
        for key, value in pairs:
            partition = count % self.partitions if key is None else _BY_KEY
            while True:
                try:
                    producer.produce(name, value, key, partition=partition)
                    break
                except BufferError:
                    producer.poll(0.1)
            count += 1
            if not count % 10_000:
                producer.poll(0)
        producer.flush()
        return count

    def ends(self, topic: str) -> list[int]:
        """Answer the end of each partition, of committed records or not."""
        places = self._places(topic)
        latest = OffsetSpec.latest()
        asked = self._admin.list_offsets(dict.fromkeys(places, latest))
        return [asked[place].result(30).offset for place in places]

    def committed(self, group: str, topic: str) -> list[int]:
        """Answer how far a group has come in each partition; -1: nowhere."""
        consumer = self._groups.get(group)
        if consumer is None:
            told = {"bootstrap.servers": self.kafka, "group.id": group, "log_level": 0}
            consumer = self._groups[group] = Consumer(told)
        try:
            places = consumer.committed(self._places(topic), timeout=10)
        except KafkaException:  # its coordinator is still loading
            return [-1] * self._counts[topic]
        return [max(place.offset, -1) for place in places]

    def wait(self, group: str, topics: Sequence[str], marks: int = _END_MARK) -> None:
        """Wait until a group has read each topic to its end, less so many marks.

        Raises:
            TimeoutError: it never came there.
        """
        limit = time.monotonic() + LIMIT
        for topic in topics:
            while True:
                wanted = [end - marks for end in self.ends(topic)]
                done = self.committed(group, topic)
                if all(d >= w for d, w in zip(done, wanted, strict=True) if w >= 0):
                    break
                if time.monotonic() > limit:
                    message = f"{group} stands at {done} of {wanted} in {topic}"
                    raise TimeoutError(message)
                time.sleep(POLL)

    def last_write(self, topics: Sequence[str]) -> float:
        """Answer when the newest record of the topics was written, in seconds."""
        newest = OffsetSpec.max_timestamp()
        places = [place for topic in topics for place in self._places(topic)]
        asked = self._admin.list_offsets(dict.fromkeys(places, newest))
        return max(one.result(30).timestamp for one in asked.values()) / 1000

    def delete(self) -> None:
        """Remove the topics, so that the next run finds a quiet broker."""
        for consumer in self._groups.values():
            consumer.close()
        names = [self.prefix + name for name in self.topics]
        for one in self._admin.delete_topics(names).values():
            one.result(60)

    def _places(self, topic: str) -> list[TopicPartition]:
        name = self.prefix + topic
        return [TopicPartition(name, number) for number in range(self._counts[topic])]

    def sizes(self, logs: Path) -> dict[str, int]:
        """Answer the bytes of each topic in the folder of a broker's logs."""
        return {
            topic: sum(
                file.stat().st_size
                for number in range(count)
                for file in logs.glob(f"{self.prefix}{topic}-{number}/*.log")
            )
            for topic, count in self._counts.items()
        }


def keyed(values: Iterable[bytes]) -> Iterable[Pair]:
    """Answer values without keys: as a producer that does not care sends them."""
    return ((None, value) for value in values)
