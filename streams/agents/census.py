"""How many flags stand in the tables of this worker, at any moment.

A count must survive restarts, so it is not derived from what was announced: a
table is counted once when it is first met and kept up to date from then on. A
table that is given up is counted no more.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from weakref import WeakKeyDictionary

from streams.engine.stage import PartitionTable
from streams.wire.address_state import Standing, standing

STRETCH = 100_000
"""Pairs that are counted at a time, in some hundredths of a second: nothing else
happens meanwhile, and a table on disk may have ten million."""


class _Count:
    """What stands in one table, as far as it has been counted.

    A scan is a snapshot, so what is noted while it goes on is simply added.
    """

    def __init__(self, pairs: Iterator[tuple[bytes, bytes]]) -> None:
        self.standing: Counter[Standing] = Counter()
        self.left: Iterator[tuple[bytes, bytes]] | None = pairs

    def go_on(self) -> None:
        """Count the next pairs, if any are left."""
        if self.left is None:
            return
        values = [value for _, value in islice(self.left, STRETCH)]
        found = map(standing, values)
        self.standing.update(one for one in found if one is not None)
        if len(values) < STRETCH:
            self.left = None


class Census:
    """Counts what stands, by side and recommendation, over all tables."""

    def __init__(self) -> None:
        """Start without tables."""
        self._tables: WeakKeyDictionary[PartitionTable, _Count] = WeakKeyDictionary()

    def meet(self, table: PartitionTable) -> None:
        """Count a table that was not seen before, or go on with it."""
        count = self._tables.get(table)
        if count is None:
            count = self._tables[table] = _Count(table.scan())
        count.go_on()

    def note(self, table: PartitionTable, before: bytes | None, after: bytes) -> None:
        """Note that the value of a key was replaced."""
        stood = None if before is None else standing(before)
        stands = standing(after)
        if stood == stands:
            return
        count = self._tables[table].standing
        if stood is not None:
            count[stood] -= 1
        if stands is not None:
            count[stands] += 1

    def total(self) -> Mapping[Standing, int]:
        """Answer the counts of all tables that are counted and not given up."""
        total: Counter[Standing] = Counter()
        for table, count in self._tables.items():
            if count.left is None and len(table):
                total.update(count.standing)
        return total
