"""What has to be told now, from what the alerts topic says."""

import pytest
from alerts_told import MINUTE, NOON, body, opened, resolved

from streams.adapters import alert_feed
from streams.adapters.alert_feed import SETTLED, AlertFeed
from streams.core.instant import Instant


class Topic:
    """A topic and the feed that reads it."""

    def __init__(self):
        self.feed = AlertFeed()
        self.records = []

    def write(self, value, at, key=b"k"):
        self.records.append((key, value, Instant(at)))
        self.feed.apply(*self.records[-1])

    def look(self, at):
        """Answer severity, and the end if there is one, of all that is told."""
        return [
            (dict(one.labels)["severity"], one.ended_at)
            for one in self.feed.notices(Instant(at))
        ]

    def restart(self):
        self.feed = AlertFeed()
        for record in self.records:
            self.feed.apply(*record)


@pytest.fixture
def topic():
    return Topic()


CHILD = {"severity": "info", "parent": "p"}
DAY = 1440 * MINUTE


def test_an_open_alert_is_told_for_as_long_as_it_is_open(topic):
    topic.write(opened(), NOON)
    assert topic.look(NOON) == [("critical", None)]
    assert topic.look(NOON + 20 * DAY) == [("critical", None)]


def test_an_end_is_told_for_five_minutes_and_then_forgotten(topic):
    topic.write(opened(), NOON)
    over = NOON + 10 * MINUTE
    topic.write(resolved(at=over), over)
    assert topic.look(over) == [("critical", over)]
    assert topic.look(over + SETTLED - 1) == [("critical", over)]
    assert topic.look(over + SETTLED) == []


def test_what_ended_long_before_the_start_is_not_told(topic):
    for number in range(50):
        at = NOON + number * MINUTE
        topic.write(opened(f"k{number}", at=at), at, b"k%d" % number)
        topic.write(resolved(f"k{number}", at=at + 9), at + 9, b"k%d" % number)
    topic.restart()
    assert topic.look(NOON + 2 * DAY) == []


def test_an_end_just_before_the_start_is_told_until_the_same_time(topic):
    topic.write(opened(), NOON)
    over = NOON + MINUTE
    topic.write(resolved(at=over), over)
    topic.restart()
    assert topic.look(over + SETTLED - 1) == [("critical", over)]
    assert topic.look(over + SETTLED) == []


def test_an_end_that_is_read_late_is_told_from_then_on(topic):
    """Until then this notifier has said that the alert is firing."""
    topic.write(opened(), NOON)
    topic.look(NOON)
    over, read = NOON + MINUTE, NOON + 60 * MINUTE
    topic.look(read - 1)
    topic.write(resolved(at=over), over)
    assert topic.look(read) == [("critical", over)]
    assert topic.look(read + SETTLED - 1) == [("critical", over)]
    assert topic.look(read + SETTLED) == []


def test_an_alert_that_gets_a_parent_ends_as_a_page_and_goes_on_covered(topic):
    topic.write(opened(), NOON)
    topic.look(NOON)
    covered = NOON + MINUTE
    topic.write(opened(revision=covered, **CHILD), covered)
    assert topic.look(covered) == [("critical", covered), ("info", None)]
    assert topic.look(covered + SETTLED) == [("info", None)]


def test_the_page_of_a_covered_alert_is_ended_by_a_new_process_too(topic):
    topic.write(opened(), NOON)
    covered = NOON + 180 * MINUTE
    topic.write(opened(revision=covered, **CHILD), covered)
    topic.restart()
    assert topic.look(covered + 2) == [("critical", covered), ("info", None)]
    topic.restart()
    assert topic.look(covered + SETTLED) == [("info", None)]


def test_an_alert_that_loses_its_parent_and_gets_it_back_is_told_as_it_is(topic):
    for minute, changes in enumerate((CHILD, {}, CHILD)):
        at = NOON + minute * MINUTE
        topic.write(opened(revision=at, **changes), at)
    assert topic.look(at) == [("critical", at), ("info", None)]


def test_the_starts_of_all_that_an_alert_was_are_the_same(topic):
    topic.write(opened(), NOON)
    topic.write(opened(revision=NOON + 1, **CHILD), NOON + 1)
    assert {one.starts_at for one in topic.feed.notices(NOON)} == {NOON}


def test_an_older_revision_changes_nothing(topic):
    topic.write(resolved(at=NOON + 5), NOON + 5)
    topic.write(opened(), NOON + 6)
    assert topic.look(NOON + 6) == [("critical", NOON + 5)]


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", body(kind="of-a-later-version"), None]
)
def test_what_cannot_be_read_is_left_alone(topic, value):
    topic.write(opened(), NOON)
    topic.write(value, NOON + 1)
    topic.write(value, NOON + 1, None)
    assert topic.look(NOON + 2) == [("critical", None)]


def test_what_covers_others_comes_before_them_and_ends_come_first(topic):
    topic.write(opened("c", severity="info", parent="p"), NOON, b"c")
    topic.write(opened("p", at=NOON + 1), NOON + 1, b"p")
    topic.write(opened("e"), NOON, b"e")
    topic.write(resolved("e", at=NOON + 2), NOON + 2, b"e")
    keys = [dict(one.labels)["key"] for one in topic.feed.notices(Instant(NOON + 3))]
    assert keys == ["e", "p", "c"]


def test_a_topic_that_is_read_again_is_told_the_same(topic):
    topic.write(opened(), NOON)
    before = topic.feed.notices(NOON)
    topic.feed.clear()
    assert topic.feed.notices(NOON) == []
    for record in topic.records:
        topic.feed.apply(*record)
    assert topic.feed.notices(NOON) == before


def test_of_a_month_of_restatements_only_the_last_ones_are_read(topic, monkeypatch):
    read = []
    real = alert_feed.read
    monkeypatch.setattr(
        alert_feed, "read", lambda key, value: read.append(value) or real(key, value)
    )
    for quarter in range(2_880):  # thirty days
        at = NOON + quarter * 15 * MINUTE
        topic.write(opened(revision=at), at)
    assert topic.look(at) == [("critical", None)]
    assert len(read) == 2


def test_what_cannot_be_read_is_counted_until_its_key_can_be_read_again(topic):
    topic.write(opened(), NOON)
    topic.write(b"nonsense", NOON + 1)
    topic.write(body(kind="of-a-newer-version"), NOON + 1, key=b"other")
    topic.write(opened("another"), NOON + 1, key=b"not-its-key")
    assert topic.look(NOON + 2) == [("critical", None)]  # as it was last understood
    assert topic.feed.unreadable() == 3
    topic.write(opened(at=NOON + 3), NOON + 3)
    topic.look(NOON + 3)
    assert topic.feed.unreadable() == 2
    topic.feed.clear()
    assert topic.feed.unreadable() == 0
