"""CloudEvents' own SDK reads what we write, and we read what it writes."""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid5

import orjson
import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from streams.core.flag import ChangeType
from streams.wire import attempt, contract, envelope, flag

EXAMPLES = contract.folder() / "examples"
CHANGES = sorted((EXAMPLES / "flag-change/v1").glob("*.json"))
ATTEMPTS = sorted((EXAMPLES / "send-attempt/v1").glob("*.json"))


def changes():
    return [flag.decode_change(path.read_bytes()) for path in CHANGES]


def read_by_the_sdk(record):
    headers = dict(record.headers)
    assert len(headers) == len(record.headers)
    return kafka.from_binary_event(
        kafka.KafkaMessage(headers=headers, key=None, value=record.value)
    )


@pytest.mark.parametrize("change", changes(), ids=[p.stem for p in CHANGES])
def test_the_sdk_reads_a_change(change):
    record = flag.change_record(change)
    event = read_by_the_sdk(record)
    assert event.get_specversion() == "1.0"
    assert UUID(event.get_id()).version == 5
    assert event.get_type() == f"mailflag.{change.type}.v1"
    assert event.get_source() == "/mailflag/flags"
    assert event.get_subject() == record.key.decode()
    assert event.get_time() == datetime.fromtimestamp(change.at / 1000, UTC)
    assert event.get_dataschema() == contract.schema_id("flag-change.v1")
    assert event.get_datacontenttype() == "application/json"
    assert event.get_extension("revision") == str(change.revision)
    assert event.get_data() == json.loads(record.value)


@pytest.mark.parametrize("change", changes(), ids=[p.stem for p in CHANGES])
def test_the_sdk_writes_a_change_as_we_do(change):
    record = flag.change_record(change)
    written = kafka.to_binary_event(read_by_the_sdk(record))
    ours = dict(record.headers)
    theirs = dict(written.headers)
    # The SDK writes microseconds; the instant is the same.
    ours_at, theirs_at = ours.pop("ce_time"), theirs.pop("ce_time")
    assert datetime.fromisoformat(ours_at.decode()) == datetime.fromisoformat(
        theirs_at.decode()
    )
    assert ours == theirs
    assert json.loads(written.value) == json.loads(record.value)


def test_the_sdk_reads_the_flag_as_it_is_now():
    change = next(c for c in changes() if c.type is ChangeType.SET)
    record = flag.state_record(change.flag)
    event = read_by_the_sdk(record)
    assert event.get_type() == "mailflag.flag.v1"
    assert event.get_dataschema() == contract.schema_id("flag.v1")
    assert event.get_data() == json.loads(record.value)


def test_a_tombstone_has_no_value_and_says_which_revision_it_is():
    change = next(c for c in changes() if c.type is ChangeType.CLEARED)
    record = flag.tombstone(change)
    assert record.value is None
    headers = dict(record.headers)
    assert headers["ce_revision"] == str(change.revision).encode()
    assert headers["ce_subject"] == record.key


def test_an_event_that_is_said_again_has_its_id_and_another_one_has_not():
    ids = {
        envelope.event_id(key, event_type, revision)
        for key in (b"t-42/karl@example.org", b"t-43/karl@example.org")
        for event_type in ("mailflag.flag-set.v1", "mailflag.flag-cleared.v1")
        for revision in (1, 2)
    }
    assert len(ids) == 8
    again = envelope.event_id(b"t-42/karl@example.org", "mailflag.flag-set.v1", 1)
    assert again in ids


def test_an_id_is_the_same_in_every_version_of_mailflag():
    known = envelope.event_id(b"t-42/karl@example.org", "mailflag.flag-set.v1", 1)
    assert known == "3eb61b83-b9c1-5780-8233-47c0ba0a67c1"


@given(st.text(max_size=60), st.text(max_size=40), st.integers(1, 2**53))
def test_an_id_is_a_uuid_of_version_5(key, kind, revision):
    name = f"{key}\n{kind}\n{revision}"
    wanted = uuid5(UUID("9b0f5f0e-4f0a-5f0c-8a53-8f1f0c6b7d11"), name)
    assert envelope.event_id(key.encode(), kind, revision) == str(wanted)


def cloud_event(data, **attributes):
    stated = {
        "id": "ce-1",
        "source": "/mail",
        "type": "mail.send-attempt.v1",
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "time": datetime(2026, 3, 2, 8, 14, 7, 312000, tzinfo=UTC),
    }
    return CloudEvent(stated | attributes, data)


def without(data, *members):
    return {name: value for name, value in data.items() if name not in members}


@pytest.mark.parametrize("path", ATTEMPTS, ids=[p.stem for p in ATTEMPTS])
def test_an_attempt_in_binary_mode_is_read_as_a_plain_one(path):
    data = json.loads(path.read_bytes())
    message = kafka.to_binary_event(cloud_event(data))
    read = attempt.decode(message.value, list(message.headers.items()))
    assert read == attempt.decode(path.read_bytes())


@pytest.mark.parametrize("path", ATTEMPTS, ids=[p.stem for p in ATTEMPTS])
def test_an_attempt_in_structured_mode_is_read_as_a_plain_one(path):
    data = json.loads(path.read_bytes())
    message = kafka.to_structured(cloud_event(data), JSONFormat())
    read = attempt.decode(message.value, list(message.headers.items()))
    assert read == attempt.decode(path.read_bytes())


@pytest.mark.parametrize("write", [kafka.to_binary, kafka.to_structured])
def test_the_envelope_stands_in_for_id_and_time(write):
    data = json.loads(ATTEMPTS[0].read_bytes())
    message = write(cloud_event(without(data, "id", "time")), JSONFormat())
    read = attempt.decode(message.value, list(message.headers.items()))
    plain = without(data, "id", "time") | {
        "id": "ce-1",
        "time": "2026-03-02T08:14:07.312Z",
    }
    assert read == attempt.decode(orjson.dumps(plain))
