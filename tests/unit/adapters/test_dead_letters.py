"""Which records are dead letters of ours, and which of them are put back."""

from typing import NamedTuple

import pytest

from streams.adapters.dead_letter_plan import decide
from streams.adapters.dead_letters import Choice, Place, find, topics
from streams.adapters.kafka_reader import KafkaRecord
from streams.wire import contract, dead_letter
from streams.wire.dead_letter import LIMIT
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import INPUTS

TOPIC = "mail.send-attempts.v1.dlq"
NAMES = contract.schema("dead-letter.v1")["required"]
NOW = 1_764_072_000_000
EVERYTHING = Choice()


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


def lying(offset=5, *, source="mail.send-attempts.v1", on=TOPIC, headers=(), **more):
    """Answer a dead letter as it lies on a topic."""
    told = {"value": b"{}", "reason": RejectReason.BAD_TIME, "at": NOW} | more
    read = Read(b"k", told["value"], headers, 11)
    reject = Reject(told["reason"], "/time")
    letter = dead_letter.build(Source(source, 3), read, reject, told["at"])
    place = (on, 0, offset, told["at"])
    return find(
        KafkaRecord(*place, letter.key, letter.value, letter.headers), lambda name: name
    )


def foreign(offset=5, headers=()):
    """Answer a record that mailflag did not write."""
    return find(
        KafkaRecord(TOPIC, 0, offset, NOW, None, b"x", headers), lambda name: name
    )


def planned(*every, choice=EVERYTHING, already=(), limit=None):
    return decide(every, choice, already, limit)


def offsets(plan):
    return [place.offset for place in plan.chosen]


def test_every_input_has_a_dead_letter_topic():
    assert set(topics()) >= {topic.dead_letters for topic in INPUTS}


def test_a_dead_letter_knows_its_record_and_its_place():
    found = lying(offset=9)
    assert found.letter.offset == 11
    assert found.place == Place(TOPIC, 0, 9)
    assert str(found.place) == "mail.send-attempts.v1.dlq/0/9"


def test_the_records_own_headers_are_given_back_as_they_were():
    own = (("a", b"1"), ("none", None), ("a", b"2"), ("dlq-reason", b"mine"))
    assert lying(headers=own).headers == own


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("dlq-reason", None),),
        (("dlq-value-bytes", None),),
        (("dlq-reason", b"bad_time"), ("dlq-version", b"1")),
        tuple((name, None) for name in NAMES),
        tuple((name, b"\xff") for name in NAMES),
    ],
)
def test_a_record_without_our_headers_is_none_of_ours(headers):
    assert foreign(headers=headers).letter is None


def test_a_record_that_claims_to_be_from_another_topic_is_none_of_ours():
    forged = lying(source="mail.flag-commands.v1", on=TOPIC)
    assert forged.letter is None
    assert offsets(planned(forged)) == []
    assert planned(forged).not_ours == 1


def test_a_reason_chooses_and_what_has_none_is_not_meant():
    choice = Choice(frozenset({RejectReason.BAD_TIME}))
    every = (lying(1), lying(2, reason=RejectReason.NOT_JSON), foreign(3))
    plan = planned(*every, choice=choice)
    assert offsets(plan) == [1]
    assert plan.not_ours == 0


def test_since_is_included_and_until_is_not():
    choice = Choice(since=NOW, until=NOW + 10)
    every = (lying(i, at=NOW + d) for i, d in enumerate((-1, 0, 9, 10)))
    assert offsets(planned(*every, choice=choice)) == [1, 2]


def test_what_an_earlier_run_has_put_back_is_not_put_back_again():
    plan = planned(lying(1), lying(2), already={Place(TOPIC, 0, 1)})
    assert offsets(plan) == [2]
    assert plan.already == 1


def test_of_a_record_that_came_back_only_the_newest_is_put_back():
    again = lying(7, headers=(("replayed-from", b"mail.send-attempts.v1.dlq/0/1"),))
    plan = planned(lying(1), lying(2), again)
    assert offsets(plan) == [2, 7]
    assert plan.superseded == 1


def test_it_does_not_matter_which_partition_is_read_first():
    again = lying(7, headers=(("replayed-from", b"mail.send-attempts.v1.dlq/0/1"),))
    assert offsets(planned(again, lying(1))) == [7]


def test_a_record_that_came_back_with_another_reason_still_replaces_the_old_one():
    header = (("replayed-from", b"mail.send-attempts.v1.dlq/0/1"),)
    again = lying(7, headers=header, reason=RejectReason.BAD_ADDRESS)
    choice = Choice(frozenset({RejectReason.BAD_TIME}))
    assert offsets(planned(lying(1), again, choice=choice)) == []


def test_a_value_that_was_left_out_is_told_and_never_put_back():
    large = lying(4, value=b"x" * (LIMIT + 1), reason=RejectReason.TOO_LARGE)
    plan = planned(large, lying(5))
    source = Place("mail.send-attempts.v1", 3, 11)
    assert plan.left_out == {Place(TOPIC, 0, 4): (source, LIMIT + 1)}
    assert offsets(plan) == [5]


def test_a_limit_takes_the_first_and_counts_the_others():
    plan = planned(*(lying(i) for i in range(5)), limit=2)
    assert offsets(plan) == [0, 1]
    assert plan.beyond == 3


def test_a_limit_above_what_there_is_changes_nothing():
    plan = planned(lying(1), limit=9)
    assert (offsets(plan), plan.beyond) == ([1], 0)


def test_the_plan_says_why_each_record_was_rejected():
    plan = planned(lying(1), lying(2, reason=RejectReason.NOT_JSON))
    assert list(plan.chosen.values()) == [RejectReason.BAD_TIME, RejectReason.NOT_JSON]
