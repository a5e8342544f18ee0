"""Reading topics to their present end, once and without a group."""

import pytest

from streams.adapters.kafka_client import Cluster
from streams.adapters.kafka_reader import KafkaReader, Span, record
from streams.errors import ConfigurationError, Unavailable
from streams.settings import Settings

TOPIC = "mail.alerts.v1"


@pytest.fixture
def reader(kafka):
    kafka.make(TOPIC)
    with KafkaReader(Cluster(Settings(bootstrap_servers=kafka.address))) as reader:
        yield reader


def values(chunks):
    return [message.value() for chunk in chunks for message in chunk]


def test_every_record_is_read_once_and_in_order_by_partition(kafka, reader):
    for number in range(5_000):
        kafka.write(TOPIC, b"k", b"%d" % number, partition=number % 4)
    kafka.settle()
    read = [
        (message.partition(), int(message.value()))
        for chunk in reader.read(reader.spans(TOPIC))
        for message in chunk
    ]
    assert sorted(number for _, number in read) == list(range(5_000))
    for partition in range(4):
        numbers = [number for p, number in read if p == partition]
        assert numbers == sorted(numbers)


def test_what_is_written_while_reading_is_not_waited_for(kafka, reader):
    kafka.write(TOPIC, b"k", b"before", partition=0)
    kafka.settle()
    spans = reader.spans(TOPIC)
    for _ in range(5_000):
        kafka.write(TOPIC, b"k", b"after", partition=0)
    kafka.write(TOPIC, b"k", b"elsewhere", partition=1)
    kafka.settle()
    told = []
    read = values(reader.read(spans, lambda *done: told.append(done)))
    assert read == [b"before"]
    assert told == [(1, 1)]


def test_an_empty_topic_has_nothing_and_ends(reader):
    assert values(reader.read(reader.spans(TOPIC))) == []


def test_a_reader_can_be_asked_again(kafka, reader):
    kafka.write(TOPIC, b"k", b"1")
    kafka.settle()
    spans = reader.spans(TOPIC)
    assert values(reader.read(spans)) == values(reader.read(spans)) == [b"1"]


def test_only_the_partitions_that_were_asked_for_are_read(kafka, reader):
    for partition in range(4):
        kafka.write(TOPIC, b"k", b"%d" % partition, partition=partition)
    kafka.settle()
    spans = reader.spans(TOPIC, {2})
    assert spans == [Span(TOPIC, 2, 0, 1)]
    assert values(reader.read(spans)) == [b"2"]


def test_reading_starts_where_it_is_told_to(kafka, reader):
    for number in range(10):
        kafka.write(TOPIC, b"k", b"%d" % number, partition=0)
    kafka.settle()
    assert values(reader.read([Span(TOPIC, 0, 7, 9)])) == [b"7", b"8"]


def test_records_that_retention_has_taken_are_passed_over(kafka, reader):
    for number in range(200):
        kafka.write(TOPIC, b"k", b"%d" % number + bytes(100_000), partition=0)
    kafka.settle()
    (span,) = reader.spans(TOPIC, {0})
    assert span.first > 0
    assert len(values(reader.read([span._replace(first=0)]))) == span.extent


def test_progress_ends_at_what_there_was_to_do(kafka, reader):
    for number in range(1_000):
        kafka.write(TOPIC, b"k", b"", partition=number % 4)
    kafka.settle()
    told = []
    spans = reader.spans(TOPIC)
    values(reader.read(spans, lambda *done: told.append(done)))
    assert told[-1] == (1_000, 1_000)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_record_is_what_was_written_null_header_included(kafka, reader):
    headers = [("a", b"1"), ("none", None), ("a", b"2")]
    kafka.write(TOPIC, None, None, headers, partition=3)
    kafka.settle()
    (chunk,) = reader.read(reader.spans(TOPIC))
    read = record(chunk[0])
    assert (read.topic, read.partition, read.offset) == (TOPIC, 3, 0)
    assert (read.key, read.value, read.headers) == (None, None, tuple(headers))
    assert read.timestamp > 0


def test_a_topic_that_is_not_there_is_named_with_the_way_out(reader):
    with pytest.raises(ConfigurationError, match="has no topic nowhere; `mailflag top"):
        reader.spans("nowhere")


def test_a_broker_that_is_not_there_is_unavailable():
    cluster = Cluster(Settings(bootstrap_servers="127.0.0.1:1"), patience=0.3)
    with (
        KafkaReader(cluster) as reader,
        pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"),
    ):
        reader.spans(TOPIC)


def test_a_broker_that_goes_away_while_reading_is_unavailable():
    from mock_kafka import MockKafka  # noqa: PLC0415  # it must end inside the test

    kafka = MockKafka(TOPIC)
    settings = Settings(bootstrap_servers=kafka.address)
    with KafkaReader(Cluster(settings, patience=0.5)) as reader:
        kafka.write(TOPIC, b"k", b"1", partition=0)
        kafka.settle()
        spans = reader.spans(TOPIC)
        del kafka
        with pytest.raises(Unavailable):
            values(reader.read(spans))


def test_clusters_have_an_id(reader):
    assert reader.cluster_id()
