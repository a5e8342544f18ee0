"""`mailflag dlq` on a broker: what was rejected, and putting it back once."""

import json
import os
import signal
import subprocess
import sys
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from streams.adapters.checkpoint import Checkpoint
from streams.adapters.dead_letter_plan import decide
from streams.adapters.dead_letters import topics
from streams.cli.main import cli
from streams.core.instant import parse
from streams.errors import ConfigurationError
from streams.wire import dead_letter
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import Topic

ATTEMPTS, REPORTS = Topic.SEND_ATTEMPTS, Topic.DSN_EVENTS
NOW = parse("2025-11-25T12:00:00Z")
HEADERS = (("ce_id", b"e-1"), ("x-note", b"hello"), ("none", None), ("x-note", b"2"))


class Read(NamedTuple):
    """A record of an input topic."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    offset: int


class Source(NamedTuple):
    """The partition that it was read from."""

    topic: str
    partition: int


def letter_of(value=b"{}", *, topic=ATTEMPTS, reason=RejectReason.BAD_TIME, **more):
    """Answer a record as ingest puts it into a dead-letter topic."""
    told = {"key": b"k", "headers": HEADERS, "partition": 2, "at": NOW} | more
    read = Read(told["key"], value, told["headers"], 11)
    source = Source(topic, told["partition"])
    return dead_letter.build(source, read, Reject(reason, "/time"), told["at"])


@pytest.fixture
def reject(kafka):
    """Put a record into a dead-letter topic; there are all topics it needs."""
    for name in topics():
        kafka.make(name)
        kafka.make(name.removesuffix(".dlq"))

    def put(*value, **more):
        kafka.write(*letter_of(*value, **more), 0)

    return put


@pytest.fixture
def dlq(kafka):
    """Run the command."""

    def run(*words):
        kafka.settle()
        call = ["dlq", *map(str, words), "--bootstrap-servers", kafka.address]
        return CliRunner().invoke(cli, call, prog_name="mailflag")

    return run


def lines(done):
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(done):
    """Answer the one object that a replay ends with."""
    (last,) = lines(done)
    return last


def test_every_dead_letter_is_shown_oldest_first_with_its_reason(reject, dlq):
    reject(b"1")
    reject(b"2", reason=RejectReason.NOT_JSON)
    reject(b"3", topic=REPORTS, reason=RejectReason.UNATTRIBUTABLE)
    done = dlq("show")
    assert done.exit_code == 0
    assert [(one["topic"], one["reason"]) for one in lines(done)] == [
        ("mail.send-attempts.v1", "bad_time"),
        ("mail.send-attempts.v1", "not_json"),
        ("mail.dsn-events.v1", "unattributable"),
    ]
    assert "3 dead letters" in done.stderr


@pytest.mark.parametrize("name", ["mail.dsn-events.v1", "mail.dsn-events.v1.dlq"])
def test_a_topic_may_be_named_as_input_or_as_its_dead_letters(reject, dlq, name):
    reject()
    reject(topic=REPORTS)
    assert [one["topic"] for one in lines(dlq("show", name))] == ["mail.dsn-events.v1"]


def test_reason_and_time_choose(reject, dlq):
    reject(b"1", at=NOW - 7_200_000)
    reject(b"2", reason=RejectReason.NOT_JSON)
    reject(b"3")
    shown = dlq("show", "--until", "2025-11-25T11:00:00Z", "--value")
    assert [one["value"] for one in lines(shown)] == ["1"]
    shown = dlq("show", "--reason", "not_json", "--value")
    assert [one["value"] for one in lines(shown)] == ["2"]


def test_a_limit_shows_the_newest(reject, dlq):
    for number in range(5):
        reject(b"%d" % number, at=NOW + number)
    done = dlq("show", "--limit", "2", "--value")
    assert [one["value"] for one in lines(done)] == ["4", "3"]
    assert "5 dead letters" in done.stderr


def test_a_summary_is_counts_only(reject, dlq):
    reject()
    reject()
    (row,) = lines(dlq("show", "--summary"))
    assert (row["reason"], row["records"]) == ("bad_time", 2)
    table = dlq("show", "--summary", "--table").stdout
    assert "bad_time" in table
    assert "which record" not in table


def test_values_are_shown_only_when_asked_for(reject, dlq):
    reject(b'{"address": "ada@example.com"}', key=b"ada@example.com")
    for how in ("--json", "--table"):
        assert "ada@example.com" not in dlq("show", how).stdout
        assert "ada@example.com" in dlq("show", how, "--value").stdout


def test_what_others_wrote_there_is_shown_as_not_ours(reject, dlq, kafka):
    kafka.write(ATTEMPTS.dead_letters, b"k", b"x", [("dlq-reason", None)], 1)
    done = dlq("show")
    assert done.exit_code == 1
    assert [one["reason"] for one in lines(done)] == ["not_ours"]


def test_nothing_rejected_is_said(reject, dlq):
    done = dlq("show", "--table")
    assert (done.exit_code, done.stdout) == (0, "no dead letter\n")


def test_a_record_is_put_back_as_it_was_read(reject, dlq, kafka):
    reject(b"\xff\x00", key=b"\xfe")
    done = dlq("replay", "--yes")
    assert done.exit_code == 0
    assert told(done)["put_back"] == 1
    (record,) = kafka.read(ATTEMPTS)
    assert (record.key(), record.value()) == (b"\xfe", b"\xff\x00")
    assert record.partition() == 2
    assert record.headers() == [
        *HEADERS,
        ("replayed-from", b"mail.send-attempts.v1.dlq/0/0"),
    ]


def test_a_record_without_key_and_value_is_put_back_without_them(reject, dlq, kafka):
    reject(None, key=None, headers=(), reason=RejectReason.EMPTY_VALUE)
    dlq("replay", "--yes")
    (record,) = kafka.read(ATTEMPTS)
    assert (record.key(), record.value()) == (None, None)


def test_each_record_goes_back_to_the_topic_it_came_from(reject, dlq, kafka):
    reject(b"attempt")
    reject(b"report", topic=REPORTS)
    reject(b"evidence", topic=Topic.EVIDENCE)
    assert told(dlq("replay", "--yes"))["put_back"] == 3
    for topic, value in (
        (ATTEMPTS, b"attempt"),
        (REPORTS, b"report"),
        (Topic.EVIDENCE, b"evidence"),
    ):
        assert [record.value() for record in kafka.read(topic)] == [value]


def test_a_partition_that_is_no_more_is_chosen_by_the_key(reject, dlq, kafka):
    reject(partition=77, key=b"t/ada@example.com")
    assert told(dlq("replay", "--yes"))["put_back"] == 1
    assert len(kafka.read(ATTEMPTS)) == 1


def test_a_dry_run_writes_nothing(reject, dlq, kafka):
    reject()
    done = dlq("replay", "--dry-run")
    assert (done.exit_code, told(done)["chosen"], told(done)["put_back"]) == (0, 1, 0)
    assert "1 record to put back (bad_time 1)" in done.stderr
    assert kafka.read(ATTEMPTS) == []


def test_only_chosen_records_are_put_back(reject, dlq, kafka):
    reject(b"1")
    reject(b"2", reason=RejectReason.NOT_JSON)
    reject(b"3", topic=REPORTS, reason=RejectReason.NOT_JSON)
    dlq("replay", ATTEMPTS, "--reason", "not_json", "--yes")
    assert [record.value() for record in kafka.read(ATTEMPTS)] == [b"2"]
    assert kafka.read(REPORTS) == []


def test_a_checkpoint_lets_nothing_be_put_back_twice(reject, dlq, kafka, tmp_path):
    file = tmp_path / "replayed.jsonl"
    for number in range(10):
        reject(b"%d" % number)
    first = told(dlq("replay", "--yes", "--limit", "4", "--checkpoint", file))
    assert (first["put_back"], first["beyond_limit"]) == (4, 6)
    reject(b"10")
    second = told(dlq("replay", "--yes", "--checkpoint", file))
    assert (second["put_back"], second["already"]) == (7, 4)
    third = told(dlq("replay", "--yes", "--checkpoint", file))
    assert (third["put_back"], third["already"]) == (0, 11)
    values = sorted(int(record.value()) for record in kafka.read(ATTEMPTS))
    assert values == list(range(11))


def test_what_one_choice_has_put_back_another_one_knows(reject, dlq, kafka, tmp_path):
    file = tmp_path / "replayed.jsonl"
    reject(b"1")
    reject(b"2", reason=RejectReason.NOT_JSON)
    dlq("replay", "--yes", "--reason", "not_json", "--checkpoint", file)
    assert told(dlq("replay", "--yes", "--checkpoint", file))["put_back"] == 1
    assert [record.value() for record in kafka.read(ATTEMPTS)] == [b"2", b"1"]


def test_a_record_that_comes_back_is_not_doubled_by_every_replay(reject, dlq, kafka):
    reject(b"hopeless")
    for _ in range(3):
        assert told(dlq("replay", "--yes"))["put_back"] == 1
        newest = kafka.read(ATTEMPTS)[-1]
        reject(newest.value(), headers=tuple(newest.headers()))
    assert len(kafka.read(ATTEMPTS)) == 3
    names = [name for name, _ in kafka.read(ATTEMPTS)[-1].headers()]
    assert names.count("replayed-from") == 1


def test_a_value_that_was_left_out_is_told_and_never_put_back(reject, dlq, kafka):
    size = dead_letter.LIMIT + 1
    reject(b"x" * size, reason=RejectReason.TOO_LARGE)
    done = dlq("replay", "--yes")
    assert done.exit_code == 1
    assert told(done)["left_out"] == [
        {
            "dead_letter": {
                "topic": "mail.send-attempts.v1.dlq",
                "partition": 0,
                "offset": 0,
            },
            "topic": "mail.send-attempts.v1",
            "partition": 2,
            "offset": 11,
            "value_bytes": size,
        }
    ]
    assert f"mail.send-attempts.v1/2/11, whose {size:,} bytes" in done.stderr
    assert kafka.read(ATTEMPTS) == []


def test_many_values_that_were_left_out_do_not_flood_the_terminal(reject, dlq):
    for _ in range(15):
        reject(b"", key=b"k" * (dead_letter.LIMIT + 1))
    done = dlq("replay", "--dry-run")
    assert len(told(done)["left_out"]) == 15
    assert done.stderr.count("left alone") == 11
    assert "5 more of the same" in done.stderr


def test_what_others_wrote_there_is_told_and_never_put_back(reject, dlq, kafka):
    kafka.write(ATTEMPTS.dead_letters, b"k", b"x", [], 1)
    done = dlq("replay", "--yes")
    assert (done.exit_code, told(done)["not_ours"]) == (1, 1)
    assert kafka.read(ATTEMPTS) == []


def test_nothing_to_put_back_is_said(reject, dlq):
    done = dlq("replay", "--yes")
    assert done.exit_code == 0
    assert "0 records to put back" in done.stderr


def test_the_largest_dead_letter_fits_on_its_way_back(reject, dlq, kafka):
    size = dead_letter.LIMIT - 1_000
    reject(b"x" * size, headers=())
    assert told(dlq("replay", "--yes"))["put_back"] == 1
    assert len(kafka.read(ATTEMPTS)[0].value()) == size


def test_many_records_are_put_back_once_each(reject, dlq, kafka, tmp_path):
    for number in range(12_000):
        reject(b"%d" % number, headers=())
    file = tmp_path / "replayed.jsonl"
    assert told(dlq("replay", "--yes", "--checkpoint", file))["put_back"] == 12_000
    assert told(dlq("replay", "--yes", "--checkpoint", file))["already"] == 12_000
    values = {int(record.value()) for record in kafka.read(ATTEMPTS)}
    assert len(values) == len(kafka.read(ATTEMPTS)) == 12_000


def test_ctrl_c_keeps_what_is_acknowledged_and_puts_nothing_back_twice(
    reject, dlq, kafka, tmp_path, monkeypatch
):
    for number in range(2_000):
        reject(b"%d" % number, headers=())
    file = tmp_path / "replayed.jsonl"
    add = Checkpoint.add

    def add_and_interrupt(self, places):
        add(self, places)
        monkeypatch.setattr(Checkpoint, "add", add)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("streams.adapters.dead_letters._IN_FLIGHT", 100)
    monkeypatch.setattr(Checkpoint, "add", add_and_interrupt)
    done = dlq("replay", "--yes", "--checkpoint", file)
    assert done.exit_code == 130
    there = len(kafka.read(ATTEMPTS))
    assert 0 < there < 2_000
    assert f"interrupted: {there} records put back and acknowledged" in done.stderr
    rest = told(dlq("replay", "--yes", "--checkpoint", file))
    assert (rest["put_back"], rest["already"]) == (2_000 - there, there)
    values = [int(record.value()) for record in kafka.read(ATTEMPTS)]
    assert sorted(values) == list(range(2_000))


@pytest.mark.parametrize(("answer", "there"), [(b"n\n", 0), (b"y\n", 1)])
def test_a_person_is_asked_and_may_say_no(reject, kafka, answer, there):
    reject()
    kafka.settle()
    ours, theirs = os.openpty()
    try:
        os.write(ours, answer)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "streams.cli.main", "dlq", "replay"),
                *("--bootstrap-servers", kafka.address),
            ],
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert "Put these back? [y/N]" in done.stderr
    assert len(kafka.read(ATTEMPTS)) == there


def test_a_broker_that_refuses_one_record_takes_the_others(
    reject, dlq, kafka, monkeypatch
):
    reject(b"1")
    reject(b"x" * 5_000)
    reject(b"3")
    monkeypatch.setattr("streams.adapters.dead_letters.MAX_BYTES", 2_000)
    done = dlq("replay", "--yes")
    assert done.exit_code == 1
    assert told(done)["put_back"] == 2
    assert told(done)["refused"] == [
        {"topic": "mail.send-attempts.v1.dlq", "partition": 0, "offset": 1}
    ]
    assert "the brokers refuse mail.send-attempts.v1.dlq/0/1" in done.stderr
    assert [record.value() for record in kafka.read(ATTEMPTS)] == [b"1", b"3"]


def test_an_input_that_is_not_there_is_said_before_anything_is_put_back(dlq, kafka):
    for name in topics():
        kafka.make(name)
    kafka.make(REPORTS)
    kafka.write(*letter_of(b"1", topic=REPORTS), 0)
    kafka.write(*letter_of(b"2"), 0)
    done = dlq("replay", "--yes")
    assert isinstance(done.exception, ConfigurationError)
    assert "no topic mail.send-attempts.v1;" in str(done.exception)
    assert kafka.read(REPORTS) == []


def test_records_that_retention_took_meanwhile_are_told(
    reject, dlq, kafka, monkeypatch
):
    def decide_slowly(*told):
        plan = decide(*told)
        for _ in range(10):
            kafka.write(ATTEMPTS.dead_letters, b"k", bytes(900_000), (), 0)
        kafka.settle()
        return plan

    reject()
    monkeypatch.setattr("streams.cli.dlq.decide", decide_slowly)
    done = dlq("replay", "--yes")
    assert done.exit_code == 1
    assert (told(done)["chosen"], told(done)["put_back"], told(done)["gone"]) == (
        1,
        0,
        1,
    )
    assert "1 record gone since: retention has taken them" in done.stderr
