"""The engine's face: what a stage is given and what it gives back.

A stage is synchronous and pure apart from the table it is handed, so the
worker, `mailflag replay` and the tests run the same code.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from streams.core.instant import Instant

Headers = tuple[tuple[str, bytes], ...]


class Record(Protocol):
    """One record as it was read from a log."""

    @property
    def key(self) -> bytes | None:
        """Key as the producer wrote it."""

    @property
    def value(self) -> bytes | None:
        """Value as the producer wrote it; None is a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Headers in order; names may repeat."""

    @property
    def offset(self) -> int:
        """Position in the partition."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970 UTC; when the record reached the log."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one partition, oldest first, never empty."""

    topic: str
    """Logical topic name, without the prefix."""
    partition: int
    records: Sequence[Record]


class Message(NamedTuple):
    """One record to be written."""

    topic: str
    """Logical topic name, without the prefix."""
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    """None: chosen by the key, as Java's default partitioner does."""


Tally = tuple[str, ...]
"""A metric of the catalogue and its label values, in the catalogue's order."""


@dataclass(slots=True)
class Output:
    """What one batch, or one sweep of timers, makes.

    Changed keys are not listed here: the table itself remembers what was put
    and deleted, so a stage cannot forget to report one.
    """

    messages: list[Message] = field(default_factory=list)
    tallies: Counter[Tally] = field(default_factory=Counter)
    """Counted once the transaction is committed, so never twice."""


class PartitionTable(Protocol):
    """The keyed state of one partition; bytes to bytes.

    It remembers what was changed since the last commit, and when each value
    wants attention (`Stage.due_at`).
    """

    def get(self, key: bytes) -> bytes | None:
        """Answer the newest value, uncommitted ones of this batch included."""

    def put(self, key: bytes, value: bytes) -> None:
        """Set a value; it is committed with the batch."""

    def delete(self, key: bytes) -> None:
        """Remove a key; nothing happens when it is not there."""

    def due(self, now: Instant) -> list[bytes]:
        """Take the keys whose `due_at` is not after `now`, soonest first.

        A key is taken once: putting a value schedules it anew.
        """

    def hand(self, limit: int) -> list[tuple[bytes, bytes]]:
        """Answer the next `limit` pairs of an endless round over the table.

        For housekeeping that is never urgent: every key comes by in turn, at a
        cost that does not depend on the size of the table.
        """

    def scan(self) -> Iterator[tuple[bytes, bytes]]:
        """Go through a snapshot of all pairs, in no order."""

    def __len__(self) -> int:
        """Answer the number of keys."""


class Stage(Protocol):
    """What a stage does with one batch of one partition.

    No method may await, sleep, or touch anything but the table.
    """

    def process(self, batch: Batch, table: PartitionTable, now: Instant) -> Output:
        """Fold a batch into the table and say what is to be written."""

    def due_at(self, key: bytes, value: bytes) -> Instant | None:
        """Say when a value wants attention without an event; None for never.

        Asked at every put and for every recovered pair, so it must be cheap.
        """

    def due(self, table: PartitionTable, now: Instant) -> Output:
        """Do what has become due by time; called about once a second."""
