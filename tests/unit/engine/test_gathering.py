"""Records of a trickle are gathered into batches; a flood does not wait."""

import asyncio

import pytest

from streams.engine.gathering import Gathering
from streams.engine.source import Pace, Turns

NEVER = 3600.0
"""Seconds that no test waits for."""


@pytest.fixture
def made():
    """Answer the batches that were handed over, each with its next offset."""
    return []


def gathering(made, seconds, most=10, turns=None):
    pace = Pace(most, 0.02)
    return Gathering(lambda *batch: made.append(batch), pace, turns or Turns(), seconds)


async def until(what):
    """Let the event loop go on until something is so."""
    for _ in range(2000):
        if what():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it never happened")


async def test_the_first_records_after_a_pause_do_not_wait(made):
    gathering(made, NEVER).take(["a", "b"], 2)
    assert made == [(["a", "b"], 2)]


async def test_what_comes_soon_after_a_batch_waits_and_is_one_batch(made):
    waiting = gathering(made, 0.02)
    waiting.take(["a"], 1)
    waiting.take(["b"], 2)
    waiting.take(["c", "d"], 4)
    assert made == [(["a"], 1)]
    await until(lambda: len(made) == 2)
    assert made[1] == (["b", "c", "d"], 4)


def test_turns_are_apart_and_not_saved_up():
    turns = Turns(5.0)
    assert [turns.take(100.0) for _ in range(3)] == [100.0, 105.0, 110.0]
    assert turns.take(200.0) == 200.0


async def test_partitions_with_a_trickle_each_take_turns(made):
    turns = Turns(NEVER)
    first, second = (gathering(made, 1e-9, turns=turns) for _ in range(2))
    first.take(["a"], 1)
    second.take(["b"], 1)
    assert made == [(["a"], 1)]
    second.flush()
    assert made == [(["a"], 1), (["b"], 1)]


async def test_a_full_batch_takes_no_turn(made):
    turns = Turns(NEVER)
    for number in range(2):
        gathering(made, 1e-9, most=1, turns=turns).take([number], 1)
    gathering(made, 1e-9, turns=turns).take([2], 1)
    assert [records for records, _ in made] == [[0], [1], [2]]


async def test_nothing_waits_where_nothing_is_gathered(made):
    at_once = gathering(made, 0.0)
    at_once.take(["a"], 1)
    at_once.take(["b"], 2)
    assert made == [(["a"], 1), (["b"], 2)]


async def test_a_full_batch_does_not_wait(made):
    waiting = gathering(made, NEVER, most=3)
    waiting.take(["a"], 1)
    waiting.take(["b"], 2)
    waiting.take(["c", "d"], 4)
    assert made == [(["a"], 1), (["b", "c", "d"], 4)]


async def test_what_waits_goes_first_when_both_are_too_much_for_one_batch(made):
    waiting = gathering(made, NEVER, most=3)
    waiting.take(["a"], 1)
    waiting.take(["b", "c"], 3)
    waiting.take(["d", "e"], 5)
    assert made == [(["a"], 1), (["b", "c"], 3)]
    waiting.flush()
    assert made[2:] == [(["d", "e"], 5)]


async def test_what_was_handed_over_or_dropped_does_not_come_again(made):
    waiting = gathering(made, 0.01)
    waiting.take(["a"], 1)
    waiting.take(["b"], 2)
    waiting.flush()
    waiting.take(["c"], 3)
    waiting.drop()
    waiting.flush()
    assert made == [(["a"], 1), (["b"], 2)]
    waiting.take(["d"], 4)
    await until(lambda: made[-1] == (["d"], 4))
    assert len(made) == 3


async def test_what_comes_while_it_is_held_is_one_batch_when_it_is_released(made):
    waiting = gathering(made, 0.000_001)
    waiting.hold()
    waiting.take(["a"], 1)
    waiting.take(["b"], 2)
    await asyncio.sleep(0.005)
    assert not made
    waiting.release()
    assert made == [(["a", "b"], 2)]


async def test_a_release_does_not_shorten_the_wait(made):
    waiting = gathering(made, NEVER)
    waiting.take(["a"], 1)
    waiting.hold()
    waiting.take(["b"], 2)
    waiting.release()
    assert made == [(["a"], 1)]


async def test_a_full_batch_is_not_held(made):
    waiting = gathering(made, NEVER, most=2)
    waiting.hold()
    waiting.take(["a"], 1)
    waiting.take(["b"], 2)
    assert made == [(["a", "b"], 2)]


async def test_nothing_is_held_where_nothing_is_gathered(made):
    at_once = gathering(made, 0.0)
    at_once.hold()
    at_once.take(["a"], 1)
    assert made == [(["a"], 1)]
