"""`mailflag get` and `mailflag dlq` on a real Kafka: what a mock cannot show."""

import json
import signal
import subprocess
import sys
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from log_reader import make_topic, read
from mail_deployment import wait_for

from streams.adapters.kafka_client import Cluster
from streams.adapters.kafka_reader import KafkaReader
from streams.cli.main import cli
from streams.core.flag import ChangeType, FlagChange
from streams.core.instant import from_datetime
from streams.engine.partitioner import partition_of
from streams.errors import Unavailable
from streams.settings import Settings
from streams.wire import contract, dead_letter
from streams.wire.flag import change_record, decode_flag, state_record
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import Topic

pytestmark = pytest.mark.broker

PARTITIONS = 8
IN_FLIGHT = 10_000
"""Records that a replay sends ahead of their acknowledgement."""
ATTEMPTS = Topic.SEND_ATTEMPTS
EXAMPLES = contract.folder() / "examples"
FLAG = decode_flag((EXAMPLES / "flag/v1/unknown-mailbox.json").read_bytes())


class Namespace:
    """Topics of one test, and the commands that look at them."""

    def __init__(self, kafka):
        self.kafka = kafka
        self.prefix = f"l{uuid.uuid4().hex[:8]}."
        self.options = ("--bootstrap-servers", kafka, "--topic-prefix", self.prefix)

    def make(self, *topics, partitions=PARTITIONS, **config):
        for topic in topics:
            make_topic(self.kafka, self.prefix + topic, partitions, **config)

    def producer(self, **more):
        return Producer(
            {
                "bootstrap.servers": self.kafka,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "message.max.bytes": 4_000_000,
                "log_level": 0,
                **more,
            }
        )

    def write(self, producer, record, **more):
        producer.produce(
            self.prefix + record.topic,
            key=record.key,
            value=record.value,
            headers=list(record.headers),
            **more,
        )

    def run(self, *words):
        """Run a command in this process, where a test can reach into it."""
        call = [*map(str, words), *self.options]
        return CliRunner().invoke(cli, call, prog_name="mailflag")

    def start(self, *words):
        """Start a command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "streams.cli.main", *map(str, words), *self.options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def read(self, topic):
        return read(self.kafka, self.prefix + topic)


@pytest.fixture
def kafka(broker):
    return Namespace(broker.address)


@pytest.fixture
def flags(kafka):
    """The two topics of flags."""
    kafka.make(Topic.FLAGS, Topic.FLAG_CHANGES)
    return kafka


@pytest.fixture
def letters(kafka):
    """The input of send attempts and all dead-letter topics."""
    kafka.make(ATTEMPTS)
    for name, manifest in contract.manifests().items():
        if manifest.role is contract.Role.DEAD_LETTER:
            kafka.make(name, partitions=3)
    return kafka


class Read:
    """A record that ingest could not use."""

    key = b"k"
    headers = (("ce_id", b"e-1"), ("none", None))
    offset = 11

    def __init__(self, value):
        self.value = value


class Source:
    """The partition that it was read from."""

    topic = ATTEMPTS
    partition = 3


def rejected(value):
    now = from_datetime(datetime.now(UTC))
    reject = Reject(RejectReason.BAD_TIME, "/time")
    return dead_letter.build(Source, Read(value), reject, now)


def flag_of(address):
    return FLAG._replace(tenant_id="t-42", address=address)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_only_committed_flags_are_told(flags):
    producer = flags.producer(**{"transactional.id": flags.prefix + "flags"})
    producer.init_transactions(30)
    for address, committed in (("ada@example.com", True), ("bob@example.com", False)):
        producer.begin_transaction()
        flags.write(producer, state_record(flag_of(address)))
        (producer.commit_transaction if committed else producer.abort_transaction)(30)
    producer.begin_transaction()
    flags.write(producer, state_record(flag_of("eve@example.com")))
    producer.flush(30)
    addresses = [f"{name}@example.com" for name in ("ada", "bob", "eve")]

    def told():
        done = flags.run("get", "t-42", *addresses)
        return [one["flagged"] for one in lines(done.stdout)]

    assert told() == [True, False, False]
    assert len(lines(flags.run("get", "t-42").stdout)) == 1
    producer.commit_transaction(30)
    # The brokers write the marker a moment after they have promised it.
    assert wait_for(lambda: told() == [True, False, True])


def test_reading_ends_at_the_present_end_even_behind_a_transactions_marker(flags):
    producer = flags.producer(**{"transactional.id": flags.prefix + "flags"})
    producer.init_transactions(30)

    def write(address):
        producer.begin_transaction()
        flags.write(producer, state_record(flag_of(address)), partition=0)
        producer.commit_transaction(30)

    topic = flags.prefix + Topic.FLAGS
    cluster = Cluster(Settings(bootstrap_servers=flags.kafka))
    with KafkaReader(cluster) as reader:
        write("ada@example.com")
        assert wait_for(lambda: reader.spans(topic, {0})[0].end == 2)
        spans = reader.spans(topic, {0})
        for number in range(50):
            write(f"user{number}@example.com")
        read = [message.key() for chunk in reader.read(spans) for message in chunk]
    assert read == [b"t-42/ada@example.com"]


def test_a_key_is_looked_for_where_javas_partitioner_puts_it(flags):
    producer = flags.producer()
    addresses = [f"user{number}@example.com" for number in range(50)]
    for address in addresses:
        flags.write(producer, state_record(flag_of(address)))
    producer.flush(30)
    done = flags.run("get", "t-42", *addresses)
    assert all(one["flagged"] for one in lines(done.stdout))


def test_a_look_up_reads_no_other_partition_than_the_keys(flags):
    producer = flags.producer()
    record = state_record(flag_of("ada@example.com"))
    for partition in range(PARTITIONS):
        if partition != partition_of(record.key, PARTITIONS):
            flags.write(producer, record, partition=partition)
    producer.flush(30)
    (told,) = lines(flags.run("get", "t-42", "ada@example.com").stdout)
    assert told["flagged"] is False


def test_history_begins_at_a_time(flags):
    producer = flags.producer()
    nobody = (None,) * 5
    change = FlagChange(ChangeType.SET, flag_of("ada@example.com"), 1, 0, *nobody)
    now = from_datetime(datetime.now(UTC))
    for revision, age in enumerate((7_200_000, 600_000, 0), start=1):
        record = change_record(change._replace(revision=revision))
        flags.write(producer, record, timestamp=now - age)
    producer.flush(30)

    def revisions(*since):
        call = ("get", "t-42", "ada@example.com", "--history", *since)
        (told,) = lines(flags.run(*call).stdout)
        return [change["revision"] for change in told["history"]]

    assert revisions() == [1, 2, 3]
    assert revisions("--since", "1h") == [2, 3]
    assert revisions("--since", "2100-01-01T00:00:00Z") == []


def test_topics_that_are_not_there_are_named(kafka):
    process = kafka.start("get", "t-42", "ada@example.com")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert f"no topic {kafka.prefix}mail.address-flags.v1; `mailflag topics" in said


def test_tls_where_there_is_none_is_said_to_be_so(flags):
    process = flags.start("get", "t", "ada@example.com", "--security-protocol", "SSL")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 69
    assert said.count("\n") == 1
    assert "SSL" in said


def test_a_refused_login_names_the_settings(flags, monkeypatch):
    monkeypatch.setenv("MAILFLAG_SASL_PASSWORD", "secret")
    login = ("--security-protocol", "SASL_PLAINTEXT", "--sasl-username", "me")
    process = flags.start("get", "t", "ada@example.com", *login)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert "refuses the login" in said
    assert "MAILFLAG_SASL_MECHANISM" in said
    assert "secret" not in said


def test_a_record_is_put_back_as_it_was(letters):
    producer = letters.producer()
    letters.write(producer, rejected(b"\xff\x00"))
    producer.flush(30)
    done = letters.run("dlq", "replay", "--yes")
    assert done.exit_code == 0, done.output
    (row,) = letters.read(ATTEMPTS)
    assert (row.partition, row.key, row.value) == (3, b"k", b"\xff\x00")
    (lying,) = letters.read(ATTEMPTS.dead_letters)
    place = f"{ATTEMPTS.dead_letters}/{lying.partition}/{lying.offset}"
    assert row.headers == [*Read.headers, ("replayed-from", place.encode())]


def test_only_committed_dead_letters_are_put_back(letters):
    producer = letters.producer(**{"transactional.id": letters.prefix + "ingest"})
    producer.init_transactions(30)
    for value, committed in ((b"1", False), (b"2", True)):
        producer.begin_transaction()
        letters.write(producer, rejected(value))
        (producer.commit_transaction if committed else producer.abort_transaction)(30)
    assert wait_for(lambda: lines(letters.run("dlq", "show").stdout))
    assert letters.run("dlq", "replay", "--yes").exit_code == 0
    assert [row.value for row in letters.read(ATTEMPTS)] == [b"2"]


def test_an_interrupted_and_a_killed_replay_can_be_run_again(letters, tmp_path):
    count = 60_000
    producer = letters.producer()
    for number in range(count):
        letters.write(producer, rejected(b"%d" % number))
        if number % 1_000 == 0:
            producer.flush(60)
    producer.flush(60)
    checkpoint = tmp_path / "replayed.jsonl"
    call = ("dlq", "replay", "--yes", "--checkpoint", checkpoint)

    def begun(lines=3):
        return checkpoint.exists() and checkpoint.read_text().count("\n") > lines

    interrupted = letters.start(*call)
    assert wait_for(begun)
    interrupted.send_signal(signal.SIGINT)
    _, said = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130, said
    there = len(letters.read(ATTEMPTS))
    assert there < count
    assert f"interrupted: {there:,} records put back and acknowledged" in said

    known = checkpoint.read_text().count("\n")
    killed = letters.start(*call)
    assert wait_for(lambda: begun(known + 1))
    killed.kill()
    killed.wait()

    last = letters.run(*call)
    told = json.loads(last.stdout)
    assert told["put_back"] + told["already"] == count
    values = Counter(int(row.value) for row in letters.read(ATTEMPTS))
    assert values.keys() == set(range(count))
    # Twice at most what was on its way, or not yet noted, when the kill came.
    assert sum(values.values()) - count <= 2 * IN_FLIGHT
    assert max(values.values()) <= 2


def test_a_broker_that_does_not_answer_ends_a_replay_without_losing_count(
    letters, fragile, tmp_path, monkeypatch
):
    producer = letters.producer()
    for number in range(500):
        letters.write(producer, rejected(b"%d" % number))
    producer.flush(30)
    monkeypatch.setattr("streams.adapters.dead_letters._DELIVERY", 12.0)
    monkeypatch.setattr("streams.adapters.dead_letters._IN_FLIGHT", 50)
    add = "streams.adapters.checkpoint.Checkpoint.add"
    put = []

    def add_and_freeze(self, places):
        put.extend(places)
        fragile.freeze()

    monkeypatch.setattr(add, add_and_freeze)
    call = ("dlq", "replay", "--yes", "--checkpoint", tmp_path / "replayed.jsonl")
    done = letters.run(*call)
    fragile.thaw()
    assert isinstance(done.exception, Unavailable)
    assert 0 < len(put) < 500
    assert f"{len(put)} records put back and acknowledged before this" in done.stderr


def test_a_deployments_records_are_looked_up_and_put_back(deploy, tmp_path):
    deployment = deploy()
    deployment.start().wait_ready()
    here = Namespace(deployment.kafka)
    here.options = (*here.options[:3], deployment.prefix)
    here.prefix = deployment.prefix
    event = EXAMPLES / "send-attempt/v1/failed-unknown-user.json"
    event = json.loads(Path(event).read_text()) | {
        "time": datetime.now(UTC).isoformat(),
        "tenant_id": "t-42",
        "address": "Ada@Example.COM",
    }
    producer = here.producer()
    for value in (event, event | {"address": "nonsense"}):
        producer.produce(here.prefix + ATTEMPTS, json.dumps(value).encode())
    producer.flush(30)

    def flagged():
        done = here.run("get", "t-42", "ada@example.com", "--history")
        # A transaction's end reaches one topic before the other.
        seen = lines(done.stdout)
        return [one for one in seen if one["flagged"] and one["history"]]

    def dead(*options):
        return lines(here.run("dlq", "show", *options).stdout)

    assert wait_for(flagged)
    (told,) = flagged()
    assert (told["flag"]["class"], told["flag"]["side"]) == ("bad_mailbox", "recipient")
    assert [change["type"] for change in told["history"]] == ["flag-set"]
    assert wait_for(dead)
    (row,) = dead("--value")
    assert (row["reason"], json.loads(row["value"])["address"]) == (
        *("bad_address", "nonsense"),
    )
    checkpoint = tmp_path / "replayed.jsonl"
    replay = ("dlq", "replay", "--yes", "--checkpoint", checkpoint)
    assert json.loads(here.run(*replay).stdout)["put_back"] == 1
    assert wait_for(lambda: len(dead()) == 2)
    came_back = {
        header["name"]: header.get("value")
        for row in dead()
        for header in row["headers"]
    }
    place = row["dead_letter"]
    assert came_back["replayed-from"] == "/".join(map(str, place.values()))
    again = json.loads(here.run(*replay).stdout)
    assert (again["put_back"], again["already"]) == (1, 1)
