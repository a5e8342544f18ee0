"""The engine on librdkafka's mock broker, where there is no Java and no Docker.

The mock knows groups and transactions but no admin requests and no compaction; a
topic exists after somebody has asked for it. The demo runs like this.
"""

import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from worker_process import WorkerProcess, wait_for

from streams.engine.exits import ExitCode

PARTITIONS = 4
"""What the mock gives every topic."""


class MockKafka:
    """A mock cluster of one broker inside this process."""

    def __init__(self):
        self.owner = Producer({"bootstrap.servers": "x", "test.mock.num.brokers": 1})
        (broker,) = self.owner.list_topics(timeout=10).brokers.values()
        self.address = f"{broker.host}:{broker.port}"
        self.producer = Producer({"bootstrap.servers": self.address, "linger.ms": 0})

    def touch(self, *topics):
        for topic in topics:
            self.producer.list_topics(topic, timeout=10)

    def send(self, topic, key, value, partition):
        self.producer.produce(topic, value, key, partition)
        self.producer.flush(10)

    def read(self, topic):
        reader = Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": uuid.uuid4().hex,
                "auto.offset.reset": "earliest",
            }
        )
        reader.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        rows = []
        while found := reader.consume(500, 0.5):
            rows += [(m.key(), m.value()) for m in found if m.error() is None]
        reader.close()
        return rows


@pytest.fixture
def kafka():
    return MockKafka()


@pytest.fixture
def worker(kafka):
    """Make workers of one application on the mock."""
    app = f"t{uuid.uuid4().hex[:6]}"
    told = {"evidence": f"{app}.evidence", "out": f"{app}.out"}
    kafka.touch(*told.values(), f"{app}-flags-changelog", f"{app}.attempts")
    made = []

    def start(**more):
        config = {"check_crcs": False}  # the mock's transaction markers have none
        one = WorkerProcess(kafka.address, app, config=config, **told, **more)
        made.append(one)
        return one

    start.app = app
    yield start
    for one in made:
        one.clean_up()


def test_both_kinds_of_lane_work_and_the_state_outlives_the_worker(kafka, worker):
    topic = f"{worker.app}.attempts"
    first = worker(forward=[topic]).wait_ready()
    for number in range(100):
        kafka.send(topic, b"t/user%d@mail.example" % number, b"set x", number % 4)
    wait_for(lambda: first.state["tallies"] == {"forwarded": 100, "set": 100})
    assert len(kafka.read(f"{worker.app}.out")) == 100
    assert first.stop() == ExitCode.OK
    second = worker(forward=[topic]).wait_ready()
    for number in range(100):
        kafka.send(topic, b"t/user%d@mail.example" % number, b"clear", number % 4)
    wait_for(lambda: second.state["tallies"] == {"forwarded": 100, "clear": 100})
    assert len(kafka.read(f"{worker.app}.out")) == 200


def test_a_stage_that_raises_ends_the_worker(kafka, worker):
    one = worker().wait_ready()
    kafka.send(f"{worker.app}.evidence", b"t/a@mail.example", b"die", 0)
    assert one.wait() == ExitCode.STAGE_FAILED
    assert kafka.read(f"{worker.app}.out") == []
