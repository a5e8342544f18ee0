"""Tables of either store without Kafka, committed as a lane commits them."""

import tempfile
from pathlib import Path
from typing import Self

from faust.types import TP
from rig.dry import Arrival

from streams.engine.disk import Disk
from streams.engine.rocks_table import RocksTables
from streams.engine.table import DueAt, MemoryTable, Store

STORES = ("memory", "rocksdb")


class Tables:
    """Makes tables; those on disk lie in a folder that goes with them."""

    def __init__(self, store: str, directory: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tables-", dir=directory)
        self._disk = None if store == "memory" else Disk(Path(self._folder.name), 256)
        self._made = 0
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def make(self, due_at: DueAt) -> Store:
        """Answer an empty table."""
        self._made += 1
        return self.again(due_at, 0)

    def again(self, due_at: DueAt, end: int | None = None) -> Store:
        """Answer the newest table as a worker that has just started has it."""
        if self._disk is None:
            return MemoryTable(due_at)
        table = RocksTables(self._disk)(due_at, TP("bench", self._made))
        start = table.resume(0, self._end if end is None else end)
        if start:
            table.recognise(self._last)
        table.recovered()
        return table

    def commit(self, table: Store) -> None:
        """Let what a batch changed be committed."""
        changes = table.take_changes()
        if not changes:
            return
        self._end += len(changes) + 1
        key, value = next(reversed(changes.items()))
        self._last = Arrival(key, value, (), self._end - 2, 0)
        table.settle(self._last, 0)

    def size(self) -> int:
        """Answer the bytes on disk."""
        files = Path(self._folder.name).rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())
