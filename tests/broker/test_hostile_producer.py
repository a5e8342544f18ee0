"""Batches that Kafka takes from any producer, and that must not end a worker."""

import struct

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c
from mail_deployment import wait_for

from streams.engine.fetched import INFLATED_LIMIT
from streams.wire import dead_letter
from streams.wire.reject import RejectReason
from streams.wire.topic import Topic

pytestmark = pytest.mark.broker

ATTEMPT = {
    "id": "a-1",
    "time": "2026-03-02T08:14:07Z",
    "tenant_id": "t-42",
    "address": "karl@example.org",
    "message_id": "m-1",
    "outcome": "accepted",
}


async def produce(kafka, topic, value, header=b"name", packing=None):
    """Produce one record, with any bytes as the name of its header."""
    async with AIOKafkaProducer(
        bootstrap_servers=kafka,
        compression_type=packing,
        max_batch_size=INFLATED_LIMIT * 2,
    ) as producer:
        name = "n" * len(header)
        batch = producer.create_batch()
        batch.append(key=b"k", value=value, timestamp=None, headers=[(name, b"x")])
        raw = bytearray(batch._build())  # noqa: SLF001 - no client would send it
        raw[:] = raw.replace(name.encode(), header)
        struct.pack_into(">I", raw, 17, calc_crc32c(bytes(raw[21:])))
        batch._buffer = raw  # noqa: SLF001 - the same
        await (await producer.send_batch(batch, topic, partition=0))


async def test_a_worker_lives_on_after_a_bomb_and_a_header_that_is_no_text(deploy):
    deployment = deploy()
    topic = deployment.prefix + Topic.SEND_ATTEMPTS
    await produce(deployment.kafka, topic, bytes(INFLATED_LIMIT + 1), packing="zstd")
    await produce(deployment.kafka, topic, orjson.dumps(ATTEMPT), b"\xff\xfe\xc3\x28")
    await produce(deployment.kafka, topic, orjson.dumps(ATTEMPT | {"id": "a-2"}))
    worker = deployment.start().wait_ready()
    letters = deployment.tails[Topic.SEND_ATTEMPTS.dead_letters]
    evidence = deployment.tails[Topic.EVIDENCE]
    assert wait_for(lambda: len(evidence.read()) == 2), worker.text[-3000:]
    (letter,) = letters.read()
    read = dead_letter.read(letter)
    assert read.reject.reason is RejectReason.TOO_LARGE
    assert (read.partition, read.offset, read.value) == (0, 0, None)
    assert worker.stop() == 0, worker.text[-3000:]
