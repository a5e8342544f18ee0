"""A batch is processed once, in order, and only after the last seek."""

import pytest
from faust.types import TP

from streams.engine.positions import Discontinuity, Positions

A, B = TP("a", 0), TP("b", 0)


@pytest.fixture
def positions():
    one = Positions()
    one.begin_seek([A, B])
    one.end_seek({A: 100, B: 0})
    return one


def test_batches_that_follow_each_other_are_processed(positions):
    first = positions.deliver(A, 110)
    second = positions.deliver(A, 115)
    assert positions.process(A, first, 100, 110)
    assert positions.process(A, second, 110, 115)


def test_partitions_do_not_disturb_each_other(positions):
    first = positions.deliver(A, 110)
    other = positions.deliver(B, 7)
    assert positions.process(B, other, 0, 7)
    assert positions.process(A, first, 100, 110)


def test_a_batch_that_skips_another_is_a_discontinuity(positions):
    positions.deliver(A, 110)
    second = positions.deliver(A, 115)
    with pytest.raises(Discontinuity, match=r"processed to 100.* continues 110"):
        positions.process(A, second, 110, 115)


def test_a_batch_processed_twice_is_a_discontinuity(positions):
    first = positions.deliver(A, 110)
    positions.process(A, first, 100, 110)
    with pytest.raises(Discontinuity):
        positions.process(A, first, 100, 110)


def test_a_batch_may_begin_later_but_not_earlier_than_the_last_one_ended(positions):
    later = positions.deliver(A, 110)
    assert positions.process(A, later, 104, 110)
    earlier = positions.deliver(A, 120)
    with pytest.raises(Discontinuity, match="continues 110 from 109"):
        positions.process(A, earlier, 109, 120)


def test_a_seek_that_was_abandoned_leaves_batches_as_they_were(positions):
    first = positions.deliver(A, 110)
    positions.begin_seek([A])
    positions.abandon_seek([A])
    assert positions.process(A, first, 100, 110)


def test_a_batch_delivered_before_a_seek_is_stale(positions):
    first = positions.deliver(A, 110)
    positions.begin_seek([A])
    assert not positions.process(A, first, 100, 110)
    positions.end_seek({A: 100})
    assert not positions.process(A, first, 100, 110)
    again = positions.deliver(A, 110)
    assert positions.process(A, again, 100, 110)


def test_records_fetched_before_or_during_a_seek_are_not_current(positions):
    before = positions.epoch
    assert positions.is_current(A, before)
    positions.begin_seek([A])
    during = positions.epoch
    assert not positions.is_current(A, during)
    positions.end_seek({A: 100})
    assert not positions.is_current(A, before)
    assert not positions.is_current(A, during)
    assert positions.is_current(A, positions.epoch)
    assert positions.is_current(B, before), "another partition's seek"


def test_a_partition_that_was_given_up_takes_no_batch(positions):
    first = positions.deliver(A, 110)
    positions.forget()
    assert not positions.process(A, first, 100, 110)


def test_a_partition_that_was_never_sought_takes_no_batch():
    positions = Positions()
    stamp = positions.deliver(A, 5)
    assert not positions.process(A, stamp, 0, 5)


def test_with_nothing_under_way_a_partition_is_where_fetching_is(positions):
    assert positions.reached(A, 103) == 103
    stamp = positions.deliver(A, 110)
    assert positions.reached(A, 110) == 100
    positions.process(A, stamp, 100, 110)
    assert positions.reached(A, 112) == 112
