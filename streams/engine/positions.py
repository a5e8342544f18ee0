"""Where each owned partition is: what was sought, delivered and processed.

Continuity is kept here: a batch is processed only if it was fetched after the last
seek of its partition and continues where the last processed one ended.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from faust.types import TP


class Discontinuity(Exception):
    """A batch does not continue where the last one of its partition ended."""


class Stamp(NamedTuple):
    """What a batch knows of its place when it is delivered."""

    previous: int
    """Where the batch delivered before it ended; -1 when nothing was sought."""
    epoch: int
    """Number of the partition's last seek."""


class Positions:
    """Positions of the owned partitions; every seek begins a new epoch."""

    def __init__(self) -> None:
        """Start with nothing owned."""
        self.epoch = 0
        self._seeking: set[TP] = set()
        self._sought: dict[TP, int] = {}
        self._delivered: dict[TP, int] = {}
        self._processed: dict[TP, int] = {}

    def begin_seek(self, tps: Iterable[TP]) -> None:
        """Make everything stale that was fetched of these partitions so far."""
        self.epoch += 1
        self._seeking.update(tps)

    def abandon_seek(self, tps: Iterable[TP]) -> None:
        """Note that reading goes on where it was."""
        self._seeking.difference_update(tps)

    def end_seek(self, positions: Mapping[TP, int]) -> None:
        """Note that reading continues at the given positions."""
        self.epoch += 1
        for tp, position in positions.items():
            self._sought[tp] = self.epoch
            self._delivered[tp] = self._processed[tp] = position
            self._seeking.discard(tp)

    def is_current(self, tp: TP, epoch: int) -> bool:
        """Say whether records of `tp` fetched at `epoch` follow its last seek."""
        return tp not in self._seeking and self._sought.get(tp, 0) <= epoch

    def deliver(self, tp: TP, next_offset: int) -> Stamp:
        """Note that a batch goes to its agent; `next_offset` follows it."""
        stamp = Stamp(self._delivered.get(tp, -1), self._sought.get(tp, 0))
        self._delivered[tp] = next_offset
        return stamp

    def process(
        self, tp: TP, stamp: Stamp, first_offset: int, next_offset: int
    ) -> bool:
        """Note that a batch is being processed; False when it is stale.

        Its first offset may be later than where the last batch ended (control
        records, compaction), but never earlier.

        Raises:
            Discontinuity: the batch is current, but not the next one.
        """
        if tp in self._seeking or stamp.epoch != self._sought.get(tp, 0):
            return False
        if tp not in self._processed:
            return False
        if not self._processed[tp] == stamp.previous <= first_offset:
            message = (
                f"{tp.topic}-{tp.partition} was processed to {self._processed[tp]},"
                f" the next batch continues {stamp.previous} from {first_offset}"
            )
            raise Discontinuity(message)
        self._processed[tp] = next_offset
        return True

    def forget(self) -> None:
        """Drop everything: the partitions may belong to others now."""
        self._delivered.clear()
        self._processed.clear()

    def reached(self, tp: TP, fetched: int) -> int | None:
        """Answer up to where a partition is done, when fetching is at `fetched`.

        With nothing under way that is the fetcher's position, which goes over
        control records and what compaction left out. None: not positioned.
        """
        processed = self._processed.get(tp)
        if processed is None or processed == self._delivered[tp]:
            return None if processed is None else fetched
        return processed
