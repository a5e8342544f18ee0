"""Back-pressure: who finds no room waits until others have committed."""

import asyncio

from streams.engine.budget import Budget


async def test_there_is_room_up_to_the_limit():
    budget = Budget(10)
    budget.take(10)
    assert not budget.exhausted
    budget.take(1)
    assert budget.exhausted
    assert budget.pending == 11


async def test_who_waits_goes_on_when_enough_was_given_back():
    budget = Budget(10)
    budget.take(25)
    waiting = asyncio.create_task(budget.room())
    budget.give_back(5)
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.give_back(10)
    await asyncio.wait_for(waiting, 1)
    assert budget.pending == 10


async def test_a_negative_difference_gives_back():
    budget = Budget(10)
    budget.take(12)
    budget.take(-4)
    assert not budget.exhausted
