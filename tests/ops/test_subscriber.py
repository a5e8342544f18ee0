"""The sample subscriber of the documentation, on a real Kafka, killed and restarted."""

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from mail_deployment import Deployment, Tail, wait_for
from mail_traffic import Traffic

PROGRAM = Path(__file__).parents[2] / "docs" / "examples" / "flag_subscriber.py"
FLAGS = "mail.address-flags.v1"

pytestmark = [pytest.mark.ops, pytest.mark.broker]


class Subscriber:
    """One store, and the runs of the program over it."""

    def __init__(self, kafka, topic, store):
        self.store = store
        self._command = [
            *(sys.executable, str(PROGRAM), "--topic", topic),
            *("--bootstrap-servers", kafka, "--store", str(store)),
        ]

    def start(self):
        return subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)

    def once(self):
        """Read to the present end; answer the lines that were printed."""
        ran = subprocess.run(
            [*self._command, "--once"],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return ran.stdout.splitlines()

    def flags(self):
        """Answer the flags that stand, by key."""
        return {
            key: json.loads(value)
            for key, value in self.ask("SELECT key, value FROM flag")
            if value is not None
        }

    def ask(self, query):
        with sqlite3.connect(self.store) as db:
            return db.execute(query).fetchall()

    def change(self, statement):
        with sqlite3.connect(self.store) as db:
            db.execute(statement)


@pytest.fixture(scope="module")
def deployment(broker):
    one = Deployment(broker.address)
    worker = one.start().wait_ready()
    traffic = Traffic(23, now=int(time.time() * 1000), people=100)
    one.send(traffic.take(1500))
    one.settle()
    worker.stop()
    yield one
    one.close()


@pytest.fixture
def subscriber(deployment, tmp_path):
    topic = deployment.prefix + FLAGS
    return Subscriber(deployment.kafka, topic, tmp_path / "flags.sqlite")


@pytest.fixture
def topic(broker):
    """A compacted topic of one partition, and how to write records of flags to it."""
    name = f"flags-{time.time_ns()}"
    admin = AdminClient({"bootstrap.servers": broker.address})
    settings = {"cleanup.policy": "compact"}
    admin.create_topics([NewTopic(name, 1, 1, config=settings)])[name].result(30)
    return name


def newest(tail):
    """Answer the newest value of every key in a topic."""
    return {row.key.decode(): row.value for row in tail.read()}


def record(key, revision, *, suppress=None):
    """Answer a record of a flag; without `suppress` one that says: not flagged."""
    value = None
    if suppress is not None:
        value = json.dumps({"suppress_recommended": suppress, "revision": revision})
    headers = [("ce_revision", str(revision).encode())]
    return {"key": key, "value": value, "headers": headers}


def write(broker, topic, *records):
    producer = Producer({"bootstrap.servers": broker.address})
    for one in records:
        producer.produce(topic, **one)
    assert producer.flush(30) == 0


def test_the_store_holds_what_the_topic_says(deployment, subscriber):
    subscriber.once()
    stands = {k: v for k, v in newest(deployment.tails[FLAGS]).items() if v is not None}
    assert subscriber.flags() == {k: json.loads(v) for k, v in stands.items()}
    assert len(stands) > 20


def test_what_was_read_is_not_told_again(subscriber):
    assert subscriber.once()
    assert subscriber.once() == []


def test_a_killed_subscriber_goes_on_where_its_store_ends(deployment, subscriber):
    running = subscriber.start()

    def begun():
        return (
            subscriber.store.exists()
            and subscriber.ask("SELECT 1 FROM sqlite_master WHERE name = 'flag'")
            and subscriber.ask("SELECT 1 FROM flag")
        )

    assert wait_for(begun, 30)
    running.kill()
    running.communicate()
    subscriber.once()
    stands = {k for k, v in newest(deployment.tails[FLAGS]).items() if v is not None}
    assert set(subscriber.flags()) == stands


def test_it_stops_when_it_is_asked_to(subscriber):
    running = subscriber.start()
    assert running.stdout.readline()
    running.terminate()
    running.communicate(timeout=30)
    assert running.returncode == 0


def test_it_tells_when_to_stop_writing_and_when_to_begin_again(broker, topic, tmp_path):
    reader = Subscriber(broker.address, topic, tmp_path / "store")
    write(
        broker, topic, record("t/a", 1, suppress=True), record("t/b", 1, suppress=False)
    )
    assert reader.once() == ["stop writing to t/a"]
    write(broker, topic, record("t/b", 2, suppress=True), record("t/a", 2))
    assert sorted(reader.once()) == ["stop writing to t/b", "write again to t/a"]


def test_a_transaction_that_was_given_up_is_never_seen(broker, topic, tmp_path):
    reader = Subscriber(broker.address, topic, tmp_path / "store")
    producer = Producer(
        {"bootstrap.servers": broker.address, "transactional.id": f"id-{topic}"}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, **record("t/ghost", 1, suppress=True))
    producer.flush(30)
    producer.abort_transaction(30)
    write(broker, topic, record("t/a", 1, suppress=True))
    assert reader.once() == ["stop writing to t/a"]


def test_after_a_long_absence_a_clear_that_was_compacted_away_is_noticed(
    broker, topic, tmp_path
):
    """What the topic does not hold any more when it is read anew is not flagged."""
    reader = Subscriber(broker.address, topic, tmp_path / "store")
    write(
        broker, topic, record("t/a", 1, suppress=True), record("t/b", 1, suppress=True)
    )
    reader.once()
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.delete_topics([topic])[topic].result(30)
    (tail,) = [Tail(broker.address, topic, 1)]
    assert wait_for(lambda: topic not in admin.list_topics(timeout=10).topics, 30)
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    write(broker, topic, record("t/b", 1, suppress=True))
    assert len(tail.read()) == 1
    reader.change("UPDATE position SET read_at = read_at - 7 * 24 * 3600")
    assert reader.once() == ["write again to t/a"]
    assert set(reader.flags()) == {"t/b"}
