"""The table behind a lane, on disk: a RocksDB that follows the table's changelog.

On disk is only what the changelog holds, committed, up to a record that is known:
what a batch changes waits in memory until its transaction is in the log. So a table
may fall behind its log, never go ahead of it, and what it missed is read again.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any
from weakref import WeakSet

from faust.types import TP
from rocksdict import Rdict, WriteBatch

from streams.core.instant import Instant
from streams.engine.disk import Disk
from streams.engine.event import Event, note
from streams.engine.mark import Distrust, Mark, decode, digest
from streams.engine.stage import Record
from streams.engine.table import DueAt

_PAIR, _PAIRS_END, _DUE, _MARK = b"p", b"q", b"t", b"m"
"""First byte of a key on disk: a pair of the table, an entry of the index of what is
due, the mark."""
_BIAS = 1 << 63
"""Makes instants before 1970 sort before those after."""
_NEAR = 4_000
"""Values kept in memory beside those that are not written yet."""
_UNKNOWN = object()


def _wall() -> Instant:
    return Instant(time.time_ns() // 1_000_000)


class RocksTable:
    """A `Store` on disk."""

    def __init__(
        self, due_at: DueAt, disk: Disk, name: str, wall: Callable[[], Instant] = _wall
    ) -> None:
        """Touch nothing yet: another lane of this worker may still have it open."""
        self.position: int | None = None
        self._due_at = due_at
        self._disk = disk
        self._name = name
        self._wall = wall
        self._db: Rdict | None = None
        self._mark: Mark | None = None
        self._opened = self._since = Instant(0)
        self._scans: WeakSet[Generator[tuple[bytes, bytes]]] = WeakSet()
        """Those that somebody may still go on with."""
        self._forget()

    def _forget(self) -> None:
        self._near: dict[bytes, bytes | None] = {}
        """Newest values: all that wait to be written, and some that were read."""
        self._changes: dict[bytes, bytes | None] = {}
        self._sent: dict[bytes, bytes | None] = {}
        """Taken with `take_changes`, or applied: written by `settle`."""
        self._soon: dict[bytes, Instant] = {}
        """When what waits to be written is due."""
        self._taken: set[bytes] = set()
        """Keys that `due` answered, and that were not put since."""
        self._reading = False
        """Whether the log is being read."""
        self._keys: int | None = 0
        """On disk; None as long as a log that is read from its beginning leaves it
        open."""
        self._growth, self._sent_growth = 0, 0
        """Keys that the changes, and what was sent, will add."""
        self._floor = Instant(-_BIAS)
        """No entry of the index is earlier."""
        self._cursor = b""
        """Where the housekeeping round goes on."""

    # The changelog --------------------------------------------------------------

    def resume(self, first: int, end: int) -> int:
        """Answer where reading of the changelog, which holds first to end, begins.

        Raises:
            StoreFailed: the disk does not do as asked.
        """
        self._forget()
        self._db = self._disk.open(self._name)
        self._reading, self._opened = True, self._wall()
        with self._disk.watch(self._name):
            mark = decode(self._db.get(_MARK))
            empty = next(self._items(b"", b"\xff"), None) is None
        if mark is None:
            self._start_anew(None if empty else Distrust.UNFINISHED)
            return first
        doubt = mark.doubt(first, end, self._opened)
        if doubt is not None:
            self._start_anew(doubt)
            return first
        self._mark, self.position, self._keys = mark, mark.position, mark.keys
        self._since = mark.since
        return mark.offset

    def recognise(self, record: Record | None) -> bool:
        """Say whether the log goes on from what the table holds.

        Raises:
            StoreFailed: the disk does not do as asked.
        """
        assert self._mark is not None  # noqa: S101 - `resume` found one
        doubt = self._mark.refute(record)
        if doubt is not None:
            self._start_anew(doubt)
        return doubt is None

    def _start_anew(self, doubt: Distrust | None) -> None:
        if doubt is not None:
            level = logging.INFO if doubt.ordinary else logging.WARNING
            note(Event.TABLE_DISCARDED, level, table=self._name, cause=doubt.value)
            self._close()
            self._disk.remove(self._name)
            self._db = self._disk.open(self._name)
        self._mark, self.position, self._keys = None, None, None
        self._since = self._opened

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the changelog; None removes the key."""
        self._sent[key] = value

    def recovered(self) -> None:
        """Note that the table is as the log was when it was opened.

        Raises:
            StoreFailed: the disk does not do as asked.
        """
        self.settle(None, None)
        with self._disk.watch(self._name):
            if self._keys is None:
                self._keys = sum(1 for _ in self._items(_PAIR, _PAIRS_END))
        self._reading, self._since = False, self._opened
        self.settle(None, None)

    def take_changes(self) -> dict[bytes, bytes | None]:
        """Answer what was put (or, as None, deleted) since the last call."""
        changes, self._changes = self._changes, {}
        self._sent.update(changes)
        self._sent_growth += self._growth
        self._growth = 0
        # Nobody else has written to the log before now, if this is committed.
        self._since = self._wall()
        return changes

    def settle(self, last: Record | None, position: int | None) -> None:
        """Write what was applied, or taken and committed, in one piece.

        Raises:
            StoreFailed: the disk does not do as asked.
        """
        sent, self._sent = self._sent, {}
        if self._db is None:
            return
        if position is not None:
            self.position = position
        with self._disk.watch(self._name):
            if self._keys is not None:
                self._keys += (
                    self._growth_of(sent) if self._reading else self._sent_growth
                )
            self._sent_growth = 0
            batch = WriteBatch(raw_mode=True)
            self._write_pairs(batch, sent)
            if last is not None:
                self._mark = Mark(last.offset, digest(last), self._since, None, None)
            if self._mark is not None:
                self._mark = self._mark._replace(
                    since=self._since, position=self.position, keys=self._keys
                )
                batch.put(_MARK, self._mark.encode())
            self._db.write(batch)
        self._trim()

    def _growth_of(self, applied: dict[bytes, bytes | None]) -> int:
        """Answer how many keys a stretch of the log adds."""
        stands = self._db.get if self._db is not None else applied.get
        return sum(
            (value is not None) - (stands(_PAIR + key) is not None)
            for key, value in applied.items()
        )

    def _write_pairs(self, batch: WriteBatch, sent: dict[bytes, bytes | None]) -> None:
        """Put pairs and the index of what is due into a batch."""
        for key, value in sent.items():
            if key not in self._changes:
                self._soon.pop(key, None)
            if value is None:
                batch.delete(_PAIR + key)
                continue
            batch.put(_PAIR + key, value)
            instant = self._due_at(key, value)
            if instant is not None:
                batch.put(_entry(instant, key), b"")
                self._floor = min(self._floor, instant)

    def clear(self) -> None:
        """Forget what is in memory, and close what is on disk."""
        self._forget()
        self._close()

    def _close(self) -> None:
        for scan in list(self._scans):
            scan.close()  # else the database would stay open
        if self._db is not None:
            # It is whole on disk already, or cannot be written any more.
            with suppress(Exception):
                self._db.close()
            self._db = None

    # Keys and values ------------------------------------------------------------

    def get(self, key: bytes) -> bytes | None:
        """Answer the newest value, uncommitted ones of this batch included.

        Raises:
            StoreFailed: the disk does not do as asked.
        """
        value = self._near.get(key, _UNKNOWN)
        if value is not _UNKNOWN:
            return value  # type: ignore[return-value] # the one other object
        if self._db is None:
            return None
        try:
            found: bytes | None = self._db.get(_PAIR + key)
        except Exception as error:
            raise self._disk.failure(self._name, error) from error
        self._trim()
        self._near[key] = found
        return found

    def put(self, key: bytes, value: bytes) -> None:
        """Set a value; it is committed with the batch.

        Copied, for the reason that `MemoryTable.put` tells.
        """
        value = memoryview(value).tobytes()
        if self.get(key) is None:
            self._growth += 1
        self._near[key] = self._changes[key] = value
        self._taken.discard(key)
        instant = self._due_at(key, value)
        if instant is not None:
            self._soon[key] = instant
        else:
            self._soon.pop(key, None)

    def delete(self, key: bytes) -> None:
        """Remove a key; nothing happens when it is not there."""
        if self.get(key) is not None:
            self._growth -= 1
            self._near[key] = self._changes[key] = None
            self._taken.discard(key)
            self._soon.pop(key, None)

    @property
    def changed(self) -> int:
        """Number of keys that `take_changes` would answer."""
        return len(self._changes)

    def __len__(self) -> int:
        """Answer the number of keys."""
        return (self._keys or 0) + self._sent_growth + self._growth

    def _trim(self) -> None:
        """Let go of values that were only read, when there are many."""
        if len(self._near) > _NEAR + len(self._sent) + len(self._changes):
            self._near = self._waiting()

    def _waiting(self) -> dict[bytes, bytes | None]:
        return {**self._sent, **self._changes}

    # Time -----------------------------------------------------------------------

    def due(self, now: Instant) -> list[bytes]:
        """Take the keys whose `due_at` is not after `now`, soonest first.

        The index on disk is only added to, without a look at the value before. An
        entry that its key's value does not bear out any more is removed when it
        comes up.

        Raises:
            StoreFailed: the disk does not do as asked.
        """
        ready = [(at, key) for key, at in self._soon.items() if at <= now]
        old = WriteBatch(raw_mode=True)
        floor = Instant(now + 1)
        with self._disk.watch(self._name):
            for entry, _ in self._items(_entry(self._floor, b""), _entry(floor, b"")):
                at, key = Instant(int.from_bytes(entry[1:9]) - _BIAS), entry[9:]
                if key not in self._changes and key not in self._sent:
                    value = self.get(key)
                    if value is None or self._due_at(key, value) != at:
                        old.delete(entry)
                        continue
                    ready.append((at, key))
                floor = min(floor, at)
            if self._db is not None and len(old):
                self._db.write(old)
        # Entries that come later than `now` may still be earlier than this.
        self._floor = floor if self._db is not None else self._floor
        keys = [key for _, key in sorted(ready) if key not in self._taken]
        self._taken.update(keys)
        return keys

    # All pairs ------------------------------------------------------------------

    def hand(self, limit: int) -> list[tuple[bytes, bytes]]:
        """Answer the next `limit` pairs of an endless round, in order of their keys.

        Raises:
            StoreFailed: the disk does not do as asked.
        """
        begins = not self._cursor
        page = self._page(limit)
        return page if page or begins else self._page(limit)

    def _page(self, limit: int) -> list[tuple[bytes, bytes]]:
        waiting = self._waiting()
        page = [
            (key, value)
            for key, value in waiting.items()
            if value is not None and key >= self._cursor
        ]
        most = len(page) + limit
        with self._disk.watch(self._name):
            for entry, value in self._items(_PAIR + self._cursor, _PAIRS_END):
                if entry[1:] not in waiting:
                    page.append((entry[1:], value))
                    if len(page) == most:
                        break
        page.sort()
        page = page[:limit]
        self._cursor = page[-1][0] + b"\0" if len(page) == limit else b""
        return page

    def scan(self) -> Iterator[tuple[bytes, bytes]]:
        """Go through a snapshot of all pairs, in no order.

        Raises:
            StoreFailed: the disk does not do as asked.
        """
        watch = self._disk.watch(self._name)
        with self._disk.watch(self._name):
            stored = self._items(_PAIR, _PAIRS_END)
        pairs = _pairs(watch, stored, self._waiting())
        self._scans.add(pairs)
        return pairs

    def _items(self, begin: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Go through a snapshot of what is on disk, in order."""
        if self._db is None:
            return iter(())
        # rocksdict 0.3.29 forgets the bytes of an upper bound while an iterator
        # still compares with them, so the end is looked for here.
        return _before(end, self._db.items(from_key=begin))


class RocksTables:
    """Makes the tables of one worker, on one disk."""

    def __init__(self, disk: Disk) -> None:
        """Take the disk."""
        self._disk = disk

    def __call__(self, due_at: DueAt, changelog: TP) -> RocksTable:
        """Make the table of a changelog's partition; nothing is opened yet."""
        return RocksTable(
            due_at, self._disk, f"{changelog.topic}-{changelog.partition}"
        )


def _pairs(
    watch: AbstractContextManager[None],
    stored: Iterator[tuple[bytes, bytes]],
    waiting: dict[bytes, bytes | None],
) -> Generator[tuple[bytes, bytes]]:
    with watch:
        for entry, value in stored:
            if entry[1:] not in waiting:
                yield entry[1:], value
    for key, newest in waiting.items():
        if newest is not None:
            yield key, newest


def _before(
    end: bytes, items: Iterable[tuple[Any, bytes]]
) -> Iterator[tuple[bytes, bytes]]:
    for entry, value in items:
        if entry >= end:
            return
        yield entry, value


def _entry(instant: int, key: bytes) -> bytes:
    return _DUE + (instant + _BIAS).to_bytes(8) + key
