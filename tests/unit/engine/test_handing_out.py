"""What one fetch brought is handed out in turns, and nobody waits for all of it."""

import asyncio
from types import SimpleNamespace

import pytest
from faust.types import TP

from streams.engine import consumer
from streams.engine.consumer import TURN, BatchConsumer
from streams.engine.positions import Positions

SLOW, OTHER = TP("reports", 0), TP("evidence", 0)
PART = 16
RECORDS = [SimpleNamespace(offset=n, timestamp=0, timestamp_type=0) for n in range(80)]


class Partitions(BatchConsumer):
    """A consumer without Faust and Kafka around it; each batch takes half a turn."""

    flow_active = True

    def __init__(self, monkeypatch):
        self._positions = Positions()
        self._positions.end_seek({SLOW: 0, OTHER: 0})
        self._fetching_or_seeking = asyncio.Lock()
        self._rests = consumer.deque()
        self.generation = 1
        self.now = 0.0
        self.log = {SLOW: [RECORDS], OTHER: [RECORDS[:2], RECORDS[2:4]]}
        self.asked = []
        pace = SimpleNamespace(records=PART)
        self.lanes = SimpleNamespace(source=lambda _: SimpleNamespace(pace=pace))
        clock = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(consumer, "time", clock)

    def _generation(self):
        return self.generation

    def _get_active_partitions(self):
        return {SLOW, OTHER}

    def _has_enough(self, tp):
        return False

    async def sleep(self, seconds):
        """Let no time pass."""

    async def _getmany(self, wanted, wait):
        self.asked.append(wanted)
        return {tp: self.log[tp].pop(0) for tp in sorted(wanted) if self.log[tp]}

    @property
    def _thread(self):
        return SimpleNamespace(fetch_state=lambda _: (len(RECORDS), len(RECORDS)))

    async def turn(self):
        """Answer what one call hands out: of whom, from where to where."""
        seen = []
        async for tp, message in self.getmany(1.0):
            self._positions.deliver(tp, message.offset + 1)
            seen.append((tp, message.first, message.offset))
            self.now += TURN / 2
        return seen


@pytest.fixture
def partitions(monkeypatch):
    return Partitions(monkeypatch)


async def test_others_are_fetched_for_before_everything_was_handed_out(partitions):
    await partitions.turn()
    await partitions.turn()
    assert partitions.asked == [{SLOW, OTHER}, {OTHER}]


async def test_every_record_is_handed_out_once_and_in_order(partitions):
    seen = [batch for _ in range(5) for batch in await partitions.turn()]
    starts = range(0, len(RECORDS), PART)
    slow = [(SLOW, at, at + PART - 1) for at in starts]
    assert [batch for batch in seen if batch[0] == SLOW] == slow
    assert [batch for batch in seen if batch[0] == OTHER] == [
        (OTHER, 0, 1),
        (OTHER, 2, 3),
    ]


async def test_a_partition_is_fetched_again_when_nothing_is_left_of_it(partitions):
    for _ in range(5):
        await partitions.turn()
    assert partitions.asked[-1] == {SLOW, OTHER}


async def test_what_is_left_at_a_seek_is_read_again_and_not_handed_out(partitions):
    await partitions.turn()
    partitions._positions.end_seek({SLOW: 0})  # noqa: SLF001 - as `reposition` does
    assert [tp for tp, *_ in await partitions.turn()] == [OTHER]


async def test_what_is_left_of_an_older_generation_is_not_handed_out(partitions):
    await partitions.turn()
    partitions.generation = 2
    assert [tp for tp, *_ in await partitions.turn()] == [OTHER]


async def test_what_is_left_is_behind_although_all_before_it_is_done(partitions):
    await partitions.turn()
    positions = partitions._positions  # noqa: SLF001 - what an agent's claim does
    stamp = consumer.Stamp(0, positions.epoch)
    assert positions.process(SLOW, stamp, 0, PART)
    assert partitions.lag(SLOW) == len(RECORDS) - PART
