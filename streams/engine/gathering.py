"""Records on their way into a lane, held until a batch is worth its transaction.

What waits here has been claimed, but nothing has been made of it: whoever drops
it loses nothing, because its partition is read again from the committed offset.
"""

import asyncio
from collections.abc import Callable, Sequence

from streams.engine.source import Pace, Turns
from streams.engine.stage import Record

Process = Callable[[Sequence[Record], int], None]
"""Takes a batch's records and the offset that follows them."""


class Gathering:
    """Makes fewer, larger batches of a trickle, and leaves a flood alone.

    The first records after a pause go through at once; those that come within
    `seconds` of the last batch wait for each other. A trickle in small batches
    costs a transaction for each of them, which is ten times what the records cost.
    While a transaction is under way they wait for its end, too: sooner than in the
    next one nothing of them would be seen, so the slower the brokers, the larger
    the batches. And they wait for their turn among all partitions of the topic, so
    that many partitions do not mean many transactions.
    """

    def __init__(
        self, process: Process, pace: Pace, turns: Turns, seconds: float
    ) -> None:
        """Hand batches to `process`, at most as many records as `pace` says."""
        self._process = process
        self._pace = pace
        self._turns = turns
        self._seconds = seconds
        self._records: Sequence[Record] = ()
        self._next_offset = 0
        self._open_at = 0.0
        """Time of the loop from which on nothing waits, unless it is held."""
        self._held = False
        self._alarm: asyncio.TimerHandle | None = None

    def take(self, records: Sequence[Record], next_offset: int) -> None:
        """Take records that continue where the last ones ended."""
        most = self._pace.records
        if self._records and len(self._records) + len(records) > most:
            self.flush()
        waited = bool(self._records)
        self._records = [*self._records, *records] if waited else records
        self._next_offset = next_offset
        if len(self._records) >= most or not self._seconds:
            self.flush()
            return
        if not waited:
            turn = self._turns.take(asyncio.get_running_loop().time())
            self._open_at = max(self._open_at, turn)
        self._look()

    def hold(self) -> None:
        """Let records wait until `release`, unless they are enough for a batch."""
        self._held = True

    def release(self) -> None:
        """Let records go through again."""
        self._held = False
        self._look()

    def _look(self) -> None:
        """Hand over what waits if it is time, or look again when it is."""
        self._silence()
        if self._held or not self._records:
            return
        loop = asyncio.get_running_loop()
        rest = self._open_at - loop.time()
        if rest > 0:
            self._alarm = loop.call_later(rest, self._look)
        else:
            self.flush()

    def flush(self) -> None:
        """Hand over what waits."""
        records, next_offset = self._records, self._next_offset
        self.drop()
        if records:
            self._open_at = asyncio.get_running_loop().time() + self._seconds
            self._process(records, next_offset)

    def drop(self) -> None:
        """Forget what waits: it is read again."""
        self._records = ()
        self._silence()

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
