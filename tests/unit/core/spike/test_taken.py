"""Batches that come again count once, and a topic made anew is heard."""

from streams.core.activity import MINUTE, Activity, Hop
from streams.core.instant import Instant
from streams.core.spike.taken import PARTITIONS, Taken, newest

NOW = Instant(1_790_000_040_000)


def mail(minute=0):
    activity = Activity()
    at = Instant(NOW + minute * MINUTE)
    activity.accept(at, at, "google", Hop.MX)
    return newest(activity)


def test_each_batch_is_taken_once():
    taken = Taken()
    assert [taken.take(0, offset, mail()) for offset in (1, 5, 9)] == [True] * 3
    assert [taken.take(0, offset, mail()) for offset in (1, 5, 9, 4)] == [False] * 4


def test_partitions_count_apart():
    taken = Taken()
    assert taken.take(0, 9, mail())
    assert taken.take(1, 3, mail())
    assert not taken.take(0, 9, mail())


def test_batches_without_mail_are_told_by_offset_alone():
    taken = Taken()
    nothing = newest(Activity())
    assert taken.take(0, 1, nothing)
    assert not taken.take(0, 1, nothing)
    assert taken.take(0, 2, nothing)


def test_younger_mail_at_a_lower_offset_is_a_topic_made_anew():
    taken = Taken()
    taken.take(0, 1_000_000, mail())
    assert not taken.take(0, 0, mail(-5))
    assert taken.take(0, 1, mail(1))
    assert taken.take(0, 2, mail(1))
    assert not taken.take(0, 1, mail(1))


def test_late_mail_at_a_higher_offset_is_new():
    taken = Taken()
    taken.take(0, 1, mail(60))
    assert taken.take(0, 2, mail(-600))
    assert not taken.take(0, 1, mail(60))


def test_only_so_many_partitions_are_remembered_those_heard_last():
    taken = Taken()
    for partition in range(PARTITIONS + 10):
        taken.take(0, partition, mail())
        taken.take(1 + partition, 0, mail())
    assert len(taken.by_partition) == PARTITIONS
    assert not taken.take(0, 5, mail())
