"""Reading moves to a position only while that position is the newest one."""

import asyncio

import pytest
from faust.types import TP

from streams.engine import consumer
from streams.engine.consumer import BatchConsumer
from streams.engine.exits import ExitCode
from streams.engine.positions import Positions

A = TP("a", 0)


class Thread:
    """Remembers where it was sent."""

    def __init__(self):
        self.sought = []
        self.meanwhile = None

    async def seek_to(self, positions):
        self.sought.append(positions)
        if self.meanwhile is not None:
            self.meanwhile()


class Ended(BaseException):
    """The process would have ended."""


@pytest.fixture
def reading(monkeypatch):
    """A consumer without Faust around it, on a log from 5 to 90."""

    async def bounds(config, tps):
        await asyncio.sleep(0)
        return {tuple(tp): (5, 90) for tp in tps}

    def end(code, reason):
        raise Ended(code)

    monkeypatch.setattr(consumer, "log_bounds", bounds)
    monkeypatch.setattr(consumer, "end_now", end)
    one = BatchConsumer.__new__(BatchConsumer)
    one._positions = Positions()  # noqa: SLF001 - what Faust's set-up would do
    one._revocations = 0  # noqa: SLF001 - the same
    one._fetching_or_seeking = asyncio.Lock()  # noqa: SLF001 - the same
    one._thread = Thread()  # noqa: SLF001 - the same
    one.config = None
    one.sought = one._thread.sought  # noqa: SLF001 - the same
    return one


async def test_reading_goes_on_at_the_position(reading):
    assert await reading.reposition({A: 40}, lambda: True)
    assert reading.sought == [{A: 40}]


async def test_no_position_is_the_beginning_of_the_log(reading):
    await reading.reposition({A: None}, lambda: True)
    assert reading.sought == [{A: 5}]


async def test_a_position_before_the_log_is_the_beginning_of_the_log(reading):
    await reading.reposition({A: 2}, lambda: True)
    assert reading.sought == [{A: 5}]


async def test_a_position_after_the_log_ends_the_process(reading):
    with pytest.raises(Ended) as ended:
        await reading.reposition({A: 91}, lambda: True)
    assert ended.value.args == (ExitCode.INPUT_TRUNCATED,)


async def test_the_very_end_of_the_log_is_a_position(reading):
    await reading.reposition({A: 90}, lambda: True)
    assert reading.sought == [{A: 90}]


async def test_no_batch_is_taken_from_where_a_seek_ended_after_a_revocation(reading):
    def revoke():
        reading._revocations += 1  # noqa: SLF001 - as a rebalance does
        reading._positions.forget()  # noqa: SLF001 - the same

    reading._thread.meanwhile = revoke  # noqa: SLF001 - while the seek is under way
    assert not await reading.reposition({A: 40}, lambda: True)
    stamp = reading._positions.deliver(A, 45)  # noqa: SLF001 - flow was resumed
    assert not reading._positions.process(A, stamp, 30, 45)  # noqa: SLF001 - the same


async def test_an_old_position_does_not_move_back_what_a_newer_one_has_moved(reading):
    owner = ["old"]
    async with reading._fetching_or_seeking:  # noqa: SLF001 - a fetch is under way
        old = asyncio.ensure_future(
            reading.reposition({A: 10}, lambda: owner == ["old"])
        )
        new = asyncio.ensure_future(
            reading.reposition({A: 50}, lambda: owner == ["new"])
        )
        await asyncio.sleep(0)
        owner[:] = ["new"]
    assert await asyncio.gather(old, new) == [False, True]
    assert reading.sought == [{A: 50}]
