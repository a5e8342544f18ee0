"""A changelog without a broker: tables are committed to it and recovered from it."""

import itertools
from typing import NamedTuple

from faust.types import TP

from streams.engine.disk import Disk
from streams.engine.recovery import OFFSET_KEY
from streams.engine.rocks_table import RocksTable
from streams.engine.table import MemoryTable

KINDS = ("memory", "rocksdb")


class Line(NamedTuple):
    """One record of the log."""

    key: bytes
    value: bytes | None
    offset: int
    timestamp: int = 5
    headers: tuple = ()


class Disks:
    """The tables of one test."""

    def __init__(self, folder):
        self.disk = Disk(folder, 32)
        self.now = 1_000_000_000_000
        self._made = []
        self._numbers = itertools.count()

    def make(self, kind, due_at, name=None):
        if kind == "memory":
            return MemoryTable(due_at)
        log = TP(name or f"log{next(self._numbers)}", 0)
        name = f"{log.topic}-{log.partition}"
        for before in self._made:
            if before._name == name:  # noqa: SLF001 - its lane is gone
                before.clear()
        self._made.append(RocksTable(due_at, self.disk, name, lambda: self.now))
        return self._made[-1]

    def close(self):
        for table in self._made:
            table.clear()
        self.disk.close()


class Changelog:
    """What was committed, record by record; compaction leaves holes."""

    def __init__(self):
        self.lines = []
        self.end = 0
        self.read = 0

    @property
    def begin(self):
        return 0

    def commit(self, table, position=None):
        """Do what a lane does with what a batch changed."""
        changes = table.take_changes()
        if position is not None:
            changes[OFFSET_KEY] = b"%d" % position
        self.lines += [
            Line(key, value, self.end + number)
            for number, (key, value) in enumerate(changes.items())
        ]
        self.end += len(changes) + 1  # the marker
        if changes:
            table.settle(self.lines[-1], position)

    def recover(self, table):
        """Do what `recovery` does; answers the input position."""
        self.read = 0
        start = table.resume(self.begin, self.end)
        position = table.position
        lines = [line for line in self.lines if line.offset >= start]
        if start > self.begin and not table.recognise(lines[0] if lines else None):
            lines, position = self.lines, None
        for line in lines:
            self.read += 1
            if line.key == OFFSET_KEY:
                position = int(line.value)
            else:
                table.apply(line.key, line.value)
        if lines:
            table.settle(lines[-1], position)
        table.recovered()
        return position

    @property
    def pairs(self):
        """What a table of it holds."""
        newest = {line.key: line.value for line in self.lines}
        newest.pop(OFFSET_KEY, None)
        return {k: v for k, v in newest.items() if v is not None}

    def compact(self, upto):
        """Leave only the newest record of each key before an offset."""
        newest = {line.key: line.offset for line in self.lines}
        self.lines = [
            line
            for line in self.lines
            if line.offset >= upto or newest[line.key] == line.offset
        ]
