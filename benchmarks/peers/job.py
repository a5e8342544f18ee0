"""The stages that contenders run: mailflag's own, or a job small enough for any.

The small job is what a stream library's introduction would show: the newest outcome
of an address sets or clears its flag. It leaves out everything that makes a flag
right (order, duplicates, reports, causes), so that engines can be compared that
cannot call our functions.
"""

import orjson
from told import Told

from streams.app import Stages, build_stages
from streams.core.instant import Instant
from streams.engine.stage import Batch, Message, Output, PartitionTable
from streams.settings import load
from streams.wire.topic import Topic

SET = b"set"
"""State of a flagged address; others have none."""


class SetClear:
    """A failed attempt sets the flag, an accepted one clears it."""

    def process(self, batch: Batch, table: PartitionTable, now: Instant) -> Output:
        """Fold a batch of attempts, keyed by address, into the table."""
        del now
        output = Output()
        for record in batch.records:
            key, value = record.key or b"", record.value or b""
            failed = orjson.loads(value)["outcome"] == "failed"
            if failed == (table.get(key) is not None):
                continue
            if failed:
                table.put(key, SET)
            else:
                table.delete(key)
            change = b'{"type":"set"}' if failed else b'{"type":"cleared"}'
            output.messages.append(Message(Topic.FLAG_CHANGES, key, change))
        return output

    def due_at(self, key: bytes, value: bytes) -> Instant | None:
        """Answer that nothing ever becomes due."""
        del key, value
        return None  # the protocol's answer

    def due(self, table: PartitionTable, now: Instant) -> Output:
        """Do nothing."""
        del table, now
        return Output()


class Latest(SetClear):
    """Every event writes its address's state: the newest event itself."""

    def process(self, batch: Batch, table: PartitionTable, now: Instant) -> Output:
        """Keep the newest event of each address, and tell of failures."""
        del now
        output = Output()
        for record in batch.records:
            key, value = record.key or b"", record.value or b""
            event = orjson.loads(value)
            table.put(key, event["id"].encode())
            if event["outcome"] == "failed":
                change = b'{"type":"set"}'
                output.messages.append(Message(Topic.FLAG_CHANGES, key, change))
        return output


JOBS = {"set-clear": SetClear, "latest": Latest}


def stages(told: Told) -> Stages:
    """Answer mailflag's stages."""
    return build_stages(load({"success_memory_days": told.success_memory_days}))
