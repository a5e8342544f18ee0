"""How dead letters look to people and to programs."""

import json

import orjson
import pytest
from rich.console import Console

from streams.adapters.dead_letters import Found
from streams.cli import dead_letter_view as view
from streams.cli.dead_letter_view import Counts
from streams.wire.dead_letter import LIMIT
from streams.wire.reject import RejectReason

SECRET = b"ada@example.com"


def drawn(renderable, width=200):
    console = Console(width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def loaded(found, *, whole=False):
    return json.loads(orjson.dumps(view.document(found, whole=whole)))


@pytest.fixture
def private(dead):
    """A dead letter that holds an address wherever a producer can put one."""
    headers = (("ce_id", b"e-1"), ("x-customer", SECRET), ("none", None))
    return dead(b'{"address": "%s"}' % SECRET, key=SECRET, headers=headers)


@pytest.fixture
def stranger(dead):
    """A record that somebody else wrote to a dead-letter topic."""
    found = dead()
    record = found.record._replace(headers=(("dlq-reason", None),))
    return Found(record, None, found.place)


def test_a_program_is_told_the_reason_and_where_the_record_lies(dead):
    assert loaded(dead()) == {
        "reason": "schema_violation",
        "detail": "/address: type",
        "rejected_at": "2025-11-25T11:59:00.000Z",
        "dead_letter": {
            "topic": "mail.send-attempts.v1.dlq",
            "partition": 0,
            "offset": 5,
        },
        "topic": "mail.send-attempts.v1",
        "partition": 3,
        "offset": 11,
        "version": loaded(dead())["version"],
        "value_bytes": 14,
        "left_out": False,
        "headers": [],
    }


def test_nothing_that_may_hold_an_address_is_shown_unless_asked_for(private, seen):
    assert SECRET.decode() not in json.dumps(loaded(private))
    assert SECRET.decode() not in drawn(view.listing([private], seen, whole=False))
    names = [header["name"] for header in loaded(private)["headers"]]
    assert names == ["ce_id", "x-customer", "none"]
    assert loaded(private)["headers"][0] == {"name": "ce_id", "value": "e-1"}


def test_value_key_and_all_headers_are_shown_when_asked_for(private, seen):
    told = loaded(private, whole=True)
    assert told["value"] == '{"address": "ada@example.com"}'
    assert told["key"] == "ada@example.com"
    assert told["headers"][1] == {"name": "x-customer", "value": "ada@example.com"}
    assert told["headers"][2] == {"name": "none", "value": None}
    shown = drawn(view.listing([private], seen, whole=True))
    assert 'value: {"address": "ada@example.com"}' in shown
    assert "key: ada@example.com" in shown
    assert "x-customer: ada@example.com" in shown
    assert "none: null" in shown


def test_bytes_that_are_no_text_are_base64_for_programs(dead):
    told = loaded(dead(b"\xff\x00", key=b"\xfe", headers=(("h", b"\xfd"),)), whole=True)
    assert (told["value_base64"], told["key_base64"]) == ("/wA=", "/g==")
    assert told["headers"] == [{"name": "h", "value_base64": "/Q=="}]
    assert "value" not in told


def test_bytes_that_would_steer_a_terminal_are_written_out(dead, seen):
    found = dead(b"\x1b[2J\xff", key=b"\x07", headers=(("\x1b[1m", b"\x1b[8m"),))
    shown = drawn(view.listing([found], seen, whole=True))
    assert shown.replace("\n", "").isprintable()
    assert r"value: \x1b[2J\xff" in shown


def test_a_long_value_is_cut_on_a_terminal_only(dead, seen):
    found = dead(b"x" * 5_000)
    shown = drawn(view.listing([found], seen, whole=True))
    assert shown.count("x") < 2_100
    assert "..." in shown
    assert len(loaded(found, whole=True)["value"]) == 5_000


def test_a_value_that_was_left_out_is_said_with_its_size(dead, seen):
    found = dead(b"x" * (LIMIT + 1), reason=RejectReason.TOO_LARGE)
    told = loaded(found, whole=True)
    assert (told["left_out"], told["value_bytes"]) == (True, LIMIT + 1)
    assert told["value"] is None
    assert "left out" in drawn(view.listing([found], seen, whole=False))


def test_a_record_without_a_value_has_no_size(dead, seen):
    found = dead(None, reason=RejectReason.EMPTY_VALUE)
    assert (loaded(found)["value_bytes"], loaded(found)["left_out"]) == (None, False)
    assert "no value" in drawn(view.listing([found], seen, whole=False))


def test_what_mailflag_did_not_write_is_said_not_to_be_ours(stranger, seen):
    assert view.reason(stranger) == "not_ours"
    assert view.at(stranger) == stranger.record.timestamp
    assert "not_ours" in drawn(view.listing([stranger], seen, whole=False))
    assert "detail" not in loaded(stranger)


def test_counts_are_by_topic_and_reason_with_oldest_and_newest(dead, seen):
    counts = Counts()
    for age in (60_000, 7_200_000, 1_000):
        counts.add(dead(at=seen - age))
    counts.add(dead(topic="mail.dsn-events.v1", reason=RejectReason.NOT_JSON))
    assert counts.total() == 4
    assert counts.line() == "4 dead letters (schema_violation 3, not_json 1)"
    attempts = list(counts.documents())[1]
    assert attempts == {
        "topic": "mail.send-attempts.v1.dlq",
        "reason": "schema_violation",
        "records": 3,
        "first": "2025-11-25T10:00:00.000Z",
        "last": "2025-11-25T11:59:59.000Z",
    }
    shown = drawn(counts.table(seen), width=80)
    assert "2 h ago" in shown
    assert "mail.send-attempts.v1 " in shown


def test_counts_of_one_and_of_none_are_good_english(dead):
    counts = Counts()
    assert counts.line() == "no dead letter"
    counts.add(dead())
    assert counts.line() == "1 dead letter (schema_violation 1)"
