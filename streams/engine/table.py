"""The table behind a lane, in memory: bytes to bytes, and a heap of what is due.

There is no overlay of uncommitted values: a lane whose transaction fails drops
the whole table and recovers it from the changelog, so memory ahead of the log is
never kept.
"""

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Protocol

from streams.core.instant import Instant
from streams.engine.stage import PartitionTable, Record

DueAt = Callable[[bytes, bytes], Instant | None]
"""`Stage.due_at` of the stage that owns the table."""


class Store(PartitionTable, Protocol):
    """A table as its lane sees it: what a memory or disk table must offer.

    A table on disk follows its changelog: it knows the last record that it took
    in, and goes on from there when the partition comes back.
    """

    @property
    def position(self) -> int | None:
        """The input position that goes with what `resume` found; None: none."""

    def resume(self, first: int, end: int) -> int:
        """Answer where reading of the changelog, which holds first to end, begins.

        Asked before anything is applied. The record that stands there is shown to
        `recognise` if the answer is not `first`.
        """

    def recognise(self, record: Record | None) -> bool:
        """Say whether the log goes on from what the table holds.

        Given the first record that was read, or None when the log holds none any
        more. If it does not, the table is empty from now on.
        """

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the changelog; None removes the key."""

    def recovered(self) -> None:
        """Note that the changelog was read to its end: schedule what is due."""

    def take_changes(self) -> dict[bytes, bytes | None]:
        """Answer what was put (or, as None, deleted) since the last call."""

    def settle(self, last: Record | None, position: int | None) -> None:
        """Note that what was applied, or taken and committed, stands in the log.

        Up to the record `last`, where that is known; `position` is the newest
        input position that was committed, None when there was none.
        """

    @property
    def changed(self) -> int:
        """Number of keys that `take_changes` would answer."""

    def clear(self) -> None:
        """Forget what is in memory, and give the table up to be recovered anew."""


class MemoryTable:
    """A `Store` in a dict."""

    position: int | None = None

    def __init__(self, due_at: DueAt) -> None:
        """Start empty."""
        self._due_at = due_at
        self._pairs: dict[bytes, bytes] = {}
        self._changes: dict[bytes, bytes | None] = {}
        self._due: list[tuple[Instant, bytes]] = []
        self._scheduled: dict[bytes, Instant] = {}
        self._round: list[bytes] = []

    def get(self, key: bytes) -> bytes | None:
        """Answer the newest value, uncommitted ones of this batch included."""
        return self._pairs.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Set a value; it is committed with the batch.

        The value is copied, because what `orjson.dumps` answers (3.13.0) is a
        short bytes object in a block of 4 kB: kept as it is, a table of a million
        keys takes four gigabytes, and most of the time goes into page faults.
        """
        value = memoryview(value).tobytes()
        self._pairs[key] = value
        self._changes[key] = value
        self._schedule(key, value)

    def delete(self, key: bytes) -> None:
        """Remove a key; nothing happens when it is not there."""
        if self._pairs.pop(key, None) is not None:
            self._changes[key] = None
            self._scheduled.pop(key, None)

    def due(self, now: Instant) -> list[bytes]:
        """Take the keys whose `due_at` is not after `now`, soonest first."""
        keys = []
        while self._due and self._due[0][0] <= now:
            instant, key = heappop(self._due)
            if self._scheduled.get(key) == instant:  # else put or deleted since
                del self._scheduled[key]
                keys.append(key)
        return keys

    def next_due(self) -> Instant | None:
        """Answer when the next key becomes due; None when none ever does."""
        while self._due:
            instant, key = self._due[0]
            if self._scheduled.get(key) == instant:
                return instant
            heappop(self._due)
        return None

    def hand(self, limit: int) -> list[tuple[bytes, bytes]]:
        """Answer the next `limit` pairs of an endless round over the table.

        Each round goes over the keys that were there when it began, which costs
        one copy of the keys a round, and nothing that grows with the table a call.
        """
        pairs: list[tuple[bytes, bytes]] = []
        if not self._round:
            self._round = list(self._pairs)
        while self._round and len(pairs) < limit:
            key = self._round.pop()
            value = self._pairs.get(key)
            if value is not None:
                pairs.append((key, value))
        return pairs

    def scan(self) -> Iterator[tuple[bytes, bytes]]:
        """Go through a snapshot of all pairs, in no order."""
        return iter(list(self._pairs.items()))

    def __len__(self) -> int:
        """Answer the number of keys."""
        return len(self._pairs)

    def resume(self, first: int, end: int) -> int:  # noqa: ARG002 - the protocol's
        """Answer that all of the changelog must be read."""
        return first

    def recognise(self, record: Record | None) -> bool:  # noqa: ARG002
        """Answer that any log will do: the table holds nothing yet."""
        return True

    def settle(self, last: Record | None, position: int | None) -> None:
        """Do nothing: what is in memory is gone with the process."""

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the changelog; None removes the key."""
        if value is None:
            self._pairs.pop(key, None)
        else:
            self._pairs[key] = value

    def recovered(self) -> None:
        """Schedule what is due, once for each key and not for each record."""
        for key, value in self._pairs.items():
            instant = self._due_at(key, value)
            if instant is not None:
                self._scheduled[key] = instant
        self._rebuild()

    def take_changes(self) -> dict[bytes, bytes | None]:
        """Answer what was put (or, as None, deleted) since the last call."""
        changes = self._changes
        self._changes = {}
        return changes

    @property
    def changed(self) -> int:
        """Number of keys that `take_changes` would answer."""
        return len(self._changes)

    def clear(self) -> None:
        """Forget what is in memory, and give the table up to be recovered anew."""
        for part in (self._pairs, self._changes, self._due, self._scheduled):
            part.clear()
        self._round.clear()

    def _schedule(self, key: bytes, value: bytes) -> None:
        instant = self._due_at(key, value)
        if instant is None:
            self._scheduled.pop(key, None)
        elif self._scheduled.get(key) != instant:
            self._scheduled[key] = instant
            heappush(self._due, (instant, key))
            # Entries of values since replaced stay until they come up; a key that
            # is put often would fill the heap with them.
            if len(self._due) > 64 + 4 * len(self._scheduled):
                self._rebuild()

    def _rebuild(self) -> None:
        self._due = [(instant, key) for key, instant in self._scheduled.items()]
        heapify(self._due)


class NoTable:
    """What a stage without state is handed: nothing in it, and nothing goes in."""

    def get(self, key: bytes) -> bytes | None:  # noqa: ARG002 - the protocol's
        """Answer that there is nothing."""
        return None

    def put(self, key: bytes, value: bytes) -> None:  # noqa: ARG002
        """Refuse: the lane would not keep it.

        Raises:
            TypeError: always; the stage needs a table in its `LaneSpec`.
        """
        message = "this stage keeps no state: its lane has no table"
        raise TypeError(message)

    def delete(self, key: bytes) -> None:
        """Do nothing: no key is there."""

    def due(self, now: Instant) -> list[bytes]:  # noqa: ARG002 - the protocol's
        """Answer that nothing is due."""
        return []

    def hand(self, limit: int) -> list[tuple[bytes, bytes]]:  # noqa: ARG002
        """Answer an empty round."""
        return []

    def scan(self) -> Iterator[tuple[bytes, bytes]]:
        """Go through nothing."""
        return iter(())

    def __len__(self) -> int:
        """Answer that no key is there."""
        return 0
