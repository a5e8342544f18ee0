"""Batches of Kafka as any producer may send them: read whole, or stood in for."""

# ruff: noqa: PLR2004 - chances are numbers

import struct
from random import Random

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from benchmarks.fuzz.mutation import BYTES
from benchmarks.fuzz.target import Target, hold
from streams.engine.fetched import INFLATED_LIMIT, SHOWN
from streams.engine.upstream import apply_corrections, hand_out_raw_records

_TOPIC = "fuzz.input"
_CODECS = (0, 1, 2, 3, 4)
_NAME = "\ue000" * 3
"""Nine bytes that no value holds."""


def _batch(chance: Random) -> bytes:
    codec = chance.choice(_CODECS)
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
    count = chance.choice((1, 2, 30))
    for number in range(count):
        value = chance.choice((None, b"", b"v" * 50, chance.randbytes(20)))
        if chance.random() < 0.0005:
            value = bytes(INFLATED_LIMIT + 1)
        key = chance.choice((None, b"", chance.randbytes(8)))
        headers = [(_NAME, b"x")] * chance.choice((0, 1, 3, 100))
        builder.append(number, timestamp=7, key=key, value=value, headers=headers)
    raw = bytearray(builder.build())
    if codec == 0:
        wrong = (chance.choice(BYTES) + chance.randbytes(9))[:9]
        raw = raw.replace(_NAME.encode(), wrong)
        struct.pack_into(">I", raw, 17, calc_crc32c(bytes(raw[21:])))
    return bytes(raw)


def _read(raw: bytes) -> bool:
    records = fetcher.PartitionRecords(
        TopicPartition(_TOPIC, 0),
        fetcher.MemoryRecords(raw),
        [],
        0,
        None,
        None,
        check_crcs=True,
        isolation_level=fetcher.READ_COMMITTED,
    )
    (last,) = struct.unpack_from(">i", raw, 23)
    found = list(records)
    hold(records.next_fetch_offset == last + 1, "reading goes on elsewhere")
    if len(found) == 1 and len(found[0].value or b"") == SHOWN:
        return False
    hold([r.offset for r in found] == list(range(last + 1)), "a record is missing")
    for record in found:
        for name, _ in record.headers:
            hold(name.encode(), "a name that cannot be written again")
    return True


def targets() -> list[Target]:
    """Answer the reader of fetches, as a worker sets it up."""
    apply_corrections()
    hand_out_raw_records({_TOPIC}, set())
    return [Target("Kafka batch", _batch, _read, share=3, megabytes=300)]
