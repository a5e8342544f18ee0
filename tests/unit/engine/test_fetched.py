"""What producers may send: batches that inflate, and headers with any name."""

import gzip
import struct

import cramjam
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from streams.engine import fetched
from streams.engine.fetched import INFLATED_LIMIT, SHOWN, Inflated
from streams.engine.upstream import (
    HANDED_OUT,
    apply_corrections,
    hand_out_raw_records,
)
from streams.wire import contract

apply_corrections()
hand_out_raw_records({"input"}, {"log"})
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
SMALL = 1 << 20

packed = pytest.mark.parametrize("codec", [c for c in CODECS if c != "none"])


@pytest.fixture
def small(monkeypatch):
    """Let a megabyte be too much, and a kilobyte of it be shown."""
    monkeypatch.setattr(fetched, "INFLATED_LIMIT", SMALL)
    monkeypatch.setattr(fetched, "SHOWN", 1024)


def batch(codec, *values, first=0, header="name"):
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], 0, -1, -1, -1, 1 << 28)
    for number, value in enumerate(values):
        builder.append(
            number, timestamp=7, key=b"k", value=value, headers=[(header, b"x")]
        )
    raw = bytearray(builder.build())
    struct.pack_into(">q", raw, 0, first)
    return bytes(raw)


def signed(raw):
    """Answer a batch with the checksum of what it holds now."""
    raw = bytearray(raw)
    struct.pack_into(">I", raw, 17, calc_crc32c(bytes(raw[21:])))
    return bytes(raw)


def fetch(data, topic="input", at=0):
    inside = fetcher.MemoryRecords(data)
    options = {"check_crcs": True, "isolation_level": fetcher.READ_COMMITTED}
    return fetcher.PartitionRecords(
        TopicPartition(topic, 0), inside, [], at, None, None, **options
    )


def read(data, topic="input", at=0):
    records = fetch(data, topic, at)
    return list(records), records.next_fetch_offset


@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_is_read_as_before(codec):
    values = [b"%d" % n * n for n in range(500)]
    records, following = read(batch(codec, *values) + batch(codec, b"z", first=500))
    assert [record.value for record in records] == [*values, b"z"]
    assert [record.offset for record in records] == list(range(501))
    assert list(records[0].headers) == [("name", b"x")]
    assert following == 501


@packed
def test_a_batch_at_the_limit_is_read(codec, small):
    value = bytes(SMALL - 100)
    (record,), _ = read(batch(codec, value))
    assert record.value == value


@packed
def test_for_a_batch_that_inflates_one_record_stands_in(codec, small):
    data = batch(codec, *[bytes(SMALL)] * 3, first=5) + batch(codec, b"next", first=8)
    (stand_in, following), at = read(data, at=5)
    assert (stand_in.offset, stand_in.timestamp, stand_in.key) == (5, 7, None)
    assert len(stand_in.value) == 1024
    assert (following.offset, following.value) == (8, b"next")
    assert at == 9


@packed
def test_in_a_log_of_ours_a_batch_that_inflates_is_an_error(codec, small):
    with pytest.raises(Inflated, match="unpacks to more than 1048576 bytes"):
        read(batch(codec, bytes(2 * SMALL)), topic="log")


def test_a_batch_that_was_stood_in_for_is_not_told_again(small):
    data = batch("zstd", *[bytes(SMALL)] * 3, first=5)
    assert read(data, at=6) == ([], 8)


def test_members_of_gzip_count_together(small):
    inside = gzip.compress(bytes(SMALL // 2))
    assert len(fetched.gunzip(inside * 2)) == SMALL
    with pytest.raises(Inflated):
        fetched.gunzip(inside * 3)
    with pytest.raises(EOFError):
        fetched.gunzip(inside[:-9])


def test_what_is_shown_is_more_than_any_value_may_have():
    largest = max(m.value_max_bytes for m in contract.manifests().values())
    assert largest < SHOWN < INFLATED_LIMIT


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_a_header_may_have_any_name(codec):
    wrong = bytearray(batch("none", b"first", b"second", header="wrong"))
    at = wrong.rindex(b"wrong")
    wrong[at : at + 5] = b"\xff\x00\xc3\x28\x80"
    if codec == "zstd":
        head, rest = wrong[:61], bytes(wrong[61:])
        struct.pack_into(">h", head, 21, CODECS["zstd"])
        wrong = head + bytes(cramjam.zstd.compress(rest))
        struct.pack_into(">i", wrong, 8, len(wrong) - 12)
    records, following = read(signed(wrong) + batch("none", b"third", first=2))
    assert [record.value for record in records] == [b"first", b"second", b"third"]
    names = [record.headers[0][0] for record in records]
    assert names == ["wrong", "\\xff\x00\\xc3(\\x80", "name"]
    assert names[1].encode()
    assert following == 3


class Assignment:
    """A partition that is read from the start, and nothing else."""

    active, paused, position = True, False, 0

    def state_value(self, tp):
        return self

    def consumed_to(self, position):
        self.position = position


def handed_out(data, most):
    """Answer the records as they are handed out, `most` at a time."""
    result = fetcher.FetchResult(
        TopicPartition("input", 0),
        assignment=Assignment(),
        partition_records=fetch(data),
        backoff=0,
    )
    while result.has_more():
        yield result.getall(most)


def test_records_are_handed_out_by_their_number():
    data = batch("zstd", *[b"v"] * 5) + batch("zstd", *[b"w"] * 2, first=5)
    sizes = [len(records) for records in handed_out(data, 3)]
    assert sizes == [3, 3, 1]
    assert [len(records) for records in handed_out(data, None)] == [7]


@pytest.mark.parametrize("part", ["value", "key", "headers"])
def test_records_are_handed_out_by_their_size(part):
    large = b"x" * (HANDED_OUT // 2)
    builder = DefaultRecordBatchBuilder(2, CODECS["zstd"], 0, -1, -1, -1, 1 << 28)
    record = {"key": b"k", "value": b"v", "headers": []}
    large = [("name", large)] if part == "headers" else large
    for number in range(5):
        builder.append(number, timestamp=7, **{**record, part: large})
    taken = list(handed_out(bytes(builder.build()), 1000))
    assert [len(records) for records in taken] == [2, 2, 1]
    assert [r.offset for records in taken for r in records] == list(range(5))


def test_one_record_is_handed_out_however_large():
    data = batch("zstd", b"x" * (2 * HANDED_OUT), b"y")
    assert [len(records) for records in handed_out(data, 1000)] == [1, 1]
