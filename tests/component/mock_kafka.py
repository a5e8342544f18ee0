"""A Kafka inside the test's own process: librdkafka's mock of a broker.

It keeps the newest 5 MB of a partition, and knows neither read_committed nor offsets
by time; what depends on them is tested on a real Kafka.
"""

from confluent_kafka import Consumer, Producer, TopicPartition

from streams.engine.partitioner import partition_of

PARTITIONS = 4
"""Of every topic."""
_EOF = -191


class MockKafka:
    """One broker; topics come into being when they are named."""

    def __init__(self, *topics):
        self._producer = Producer(
            {
                "bootstrap.servers": "mock",
                "test.mock.num.brokers": 1,
                "message.max.bytes": 8 << 20,
                "log_level": 0,
            }
        )
        for topic in topics:
            self.make(topic)
        brokers = self._producer.list_topics(timeout=10).brokers.values()
        self.address = ",".join(f"{b.host}:{b.port}" for b in brokers)

    def make(self, topic):
        self._producer.list_topics(topic, timeout=10)

    def write(self, topic, key, value, headers=(), partition=None):
        """Write a record; by its key, as Java's default partitioner would."""
        if partition is None:
            partition = partition_of(key, PARTITIONS)
        self._producer.produce(
            topic, value=value, key=key, headers=list(headers), partition=partition
        )

    def settle(self):
        """Wait until everything is written."""
        assert self._producer.flush(10) == 0

    def read(self, topic):
        """Answer all records of a topic."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": "test",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 10,
                "log_level": 0,
            }
        )
        consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        records, ended = [], 0
        while ended < PARTITIONS:
            message = consumer.poll(10)
            assert message is not None, "the broker is silent"
            if message.error() is None:
                records.append(message)
            else:
                assert message.error().code() == _EOF
                ended += 1
        consumer.close()
        return records
