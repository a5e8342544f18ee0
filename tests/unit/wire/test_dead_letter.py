"""A dead letter is the record as it was, and says why it is dead."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import __version__
from streams.core.instant import Instant
from streams.engine.config import EngineConfig
from streams.wire import contract, dead_letter
from streams.wire.dead_letter import LIMIT, DeadLetter
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import INPUTS, Topic


class Source(NamedTuple):
    topic: str
    partition: int


class Record(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    offset: int = 0


SOURCE = Source(Topic.SEND_ATTEMPTS, 3)
NOW = Instant(1772439248001)
WHY = Reject(RejectReason.SCHEMA_VIOLATION, "/tenant_id: required")
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "dlq-reason", "dlq-version", "dlq-value-bytes", ""]),
        st.binary(max_size=8),
    ),
    max_size=12,
).map(tuple)


def build(record, source=SOURCE, why=WHY):
    return dead_letter.build(source, record, why, NOW)


def reread(letter):
    return dead_letter.read(Record(letter.key, letter.value, letter.headers))


RECORDS = st.builds(
    Record,
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=50),
    headers=HEADERS,
    offset=st.integers(0, 2**63 - 1),
)


@given(
    record=RECORDS,
    topic=st.sampled_from([*INPUTS, Topic.EVIDENCE]),
    reason=st.sampled_from(RejectReason),
)
def test_key_value_and_headers_stay_the_records_own(record, topic, reason):
    why = Reject(reason, "/x")
    letter = build(record, Source(topic, 7), why)
    assert letter.topic == topic.dead_letters
    assert (letter.key, letter.value) == (record.key, record.value)
    assert letter.headers[: len(record.headers)] == record.headers
    assert reread(letter) == DeadLetter(
        key=record.key,
        value=record.value,
        headers=record.headers,
        reject=why,
        topic=topic,
        partition=7,
        offset=record.offset,
        at=NOW,
        version=__version__,
        value_bytes=None,
    )


def test_the_headers_keep_their_schema():
    letter = build(Record(b"k", b"v", (("ce_id", b"1"),), 1048576))
    added = {name: text.decode() for name, text in letter.headers[1:]}
    contract.validator("dead-letter.v1").validate(added)
    assert added == {
        "dlq-reason": "schema_violation",
        "dlq-detail": "/tenant_id: required",
        "dlq-topic": "mail.send-attempts.v1",
        "dlq-partition": "3",
        "dlq-offset": "1048576",
        "dlq-time": "2026-03-02T08:14:08.001Z",
        "dlq-version": __version__,
    }


def test_a_value_that_fits_no_dead_letter_is_left_out_and_its_size_told():
    own = (("ce_id", b"1"),)
    whole = Record(b"k", b"x" * (LIMIT - 100), own)
    assert build(whole).value == whole.value
    large = Record(b"k", b"x" * LIMIT, own)
    letter = build(large)
    assert letter.value is None
    assert letter.headers[-1] == ("dlq-value-bytes", str(LIMIT).encode())
    read = reread(letter)
    assert (read.key, read.headers, read.value_bytes) == (b"k", own, LIMIT)


@pytest.mark.parametrize(
    "record",
    [
        Record(b"k" * LIMIT, b"value", (("ce_id", b"1"),)),
        Record(b"k", b"value", (("ce_id", b"1" * LIMIT),)),
        Record(b"k", b"value", (("h" * LIMIT, b"1"),)),
        Record(b"k", b"value", (("h", b""),) * LIMIT),
    ],
)
def test_key_and_headers_that_fit_no_dead_letter_are_left_out_too(record):
    read = reread(build(record))
    assert (read.key, read.value, read.headers) == (None, None, ())
    assert read.value_bytes == len(b"value")
    assert read.reject == WHY


def test_a_dead_letter_fits_a_batch_of_the_worker_and_of_its_topic():
    headers = (("h" * 50, b"x" * 50),) * 100
    room = LIMIT - sum(len(n) * 4 + len(v) + 10 for n, v in headers)
    letter = build(Record(None, b"x" * room, headers))
    assert letter.value is not None
    size = len(letter.value) + sum(len(n) + len(v) for n, v in letter.headers)
    assert size < EngineConfig(bootstrap_servers="b:1", app_id="a").max_request_bytes
    for topic in (*INPUTS, Topic.EVIDENCE):
        manifest = contract.manifest(topic.dead_letters)
        assert manifest.value_max_bytes == LIMIT
        assert size < int(manifest.settings["max.message.bytes"])


def test_headers_without_a_value_are_kept_and_read():
    record = Record(b"k", b"v", (("dlq-reason", None),))
    assert reread(build(record)).headers == record.headers
    assert isinstance(dead_letter.read(record), Reject)


def test_a_long_detail_is_cut():
    letter = build(Record(None, b"", ()), why=Reject(RejectReason.NOT_JSON, "x" * 900))
    assert len(reread(letter).reject.detail) == 500


def spoiled(name, text):
    letter = build(Record(b"k", b"v", ()))
    return tuple((n, text if n == name else t) for n, t in letter.headers)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("dlq-reason", b"not_json"),),
        spoiled("dlq-reason", b"bad_luck"),
        spoiled("dlq-topic", b"other.topic"),
        spoiled("dlq-partition", b"three"),
        spoiled("dlq-time", b"never"),
        spoiled("dlq-detail", b"\xff"),
        (*build(Record(b"k", b"v", ())).headers, ("dlq-value-bytes", b"many")),
    ],
)
def test_what_is_no_dead_letter_of_ours_is_a_reject(headers):
    assert isinstance(dead_letter.read(Record(b"k", b"v", headers)), Reject)
