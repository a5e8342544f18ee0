"""A slow stage gets small batches, a fast one large ones."""

import pytest

from streams.engine.source import FEWEST_RECORDS, Pace


@pytest.fixture
def pace():
    return Pace(most=1000, seconds=0.02)


def learn(pace, records, seconds, times=40):
    for _ in range(times):
        pace.note(records, seconds)


def test_a_stage_of_which_nothing_is_known_gets_full_batches(pace):
    assert pace.records == 1000


def test_a_fast_stage_gets_full_batches(pace):
    learn(pace, 1000, 0.003)
    assert pace.records == 1000


def test_a_slow_stage_gets_what_it_does_in_time(pace):
    learn(pace, 1000, 0.1)  # 0.1 ms a record
    assert 190 <= pace.records <= 210


def test_a_very_slow_stage_still_gets_a_batch(pace):
    learn(pace, 10, 1.0)
    assert pace.records == FEWEST_RECORDS


def test_one_slow_batch_does_not_settle_it(pace):
    learn(pace, 1000, 0.003)
    pace.note(1000, 0.5)
    learn(pace, 200, 0.0006)
    assert pace.records == 1000
