"""The clock of a lane: the wall's, or that of the records it has read."""

import time

from streams.engine.clock import Clock


def test_a_clock_goes_by_the_wall():
    clock = Clock()
    clock.read(1)
    before = time.time_ns() // 1_000_000
    assert before <= clock() <= time.time_ns() // 1_000_000


def test_a_clock_that_follows_stands_at_the_newest_record():
    clock = Clock(follows=True)
    clock.read(2_000)
    clock.read(1_000)
    assert clock() == 2_000


def test_a_clock_that_follows_has_not_begun_before_the_first_record():
    assert Clock(follows=True)() == 0
