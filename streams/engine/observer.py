"""What the engine tells those who watch it.

Calls come from the event loop between two awaits, a few per batch and none per
record, so an observer must be quick and must never raise.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from streams.core.instant import Instant
from streams.engine.stage import Tally


class AbortReason(StrEnum):
    """Why a transaction, and with it the lane's state, was given up."""

    FENCED = "fenced"
    """A newer owner of the partition has started its producer."""
    UNKNOWN_OUTCOME = "unknown_outcome"
    """The connection was lost in the commit: recover and see."""
    NOT_FINISHED = "not_finished"
    """The partition was taken away before it could be finished."""


class Observer(Protocol):
    """Where counters and gauges are kept; `stage` is a `LaneSpec.name`."""

    def batch_processed(
        self, stage: str, topic: str, partition: int, *, records: int, size: int
    ) -> None:
        """Count a batch that went through its stage; `size` of values in bytes."""

    def progressed(
        self, stage: str, topic: str, partition: int, *, reached: Instant, now: Instant
    ) -> None:
        """Note that everything up to a record of time `reached` was processed."""

    def committed(
        self, stage: str, *, messages: Mapping[str, int], tallies: Counter[Tally]
    ) -> None:
        """Count what is now durable: messages per logical topic, and tallies."""

    def transaction_finished(
        self, stage: str, partition: int, *, seconds: float, records: int
    ) -> None:
        """Note a committed transaction, its duration and what it wrote."""

    def transaction_aborted(
        self, stage: str, partition: int, reason: AbortReason
    ) -> None:
        """Note that a lane gave up its transaction and its state."""

    def forwarded(self, stage: str, *, seconds: float, records: int) -> None:
        """Note that a round of a forwarding stage was acknowledged."""

    def recovery_progressed(
        self, stage: str, partition: int, *, applied: int, left: int
    ) -> None:
        """Note how far the table's recovery is; `left` in log positions."""

    def lanes_open(self, stage: str, count: int) -> None:
        """Note how many lanes of the stage this worker serves."""

    def lag(self, stage: str, topic: str, partition: int, records: int) -> None:
        """Note how many records of an owned partition wait to be processed."""

    def lag_unknown(self, stage: str, topic: str, partition: int) -> None:
        """Forget a partition's gauges: this worker does not own it any more."""

    def table_size(self, stage: str, partition: int, keys: int) -> None:
        """Note how many keys a lane's table holds."""

    def pending(self, records: int) -> None:
        """Note how many writes wait for their commit, over all lanes."""


class NullObserver:
    """Looks away; for tests and tools."""

    def batch_processed(
        self, stage: str, topic: str, partition: int, *, records: int, size: int
    ) -> None:
        """Ignore it."""

    def progressed(
        self, stage: str, topic: str, partition: int, *, reached: Instant, now: Instant
    ) -> None:
        """Ignore it."""

    def committed(
        self, stage: str, *, messages: Mapping[str, int], tallies: Counter[Tally]
    ) -> None:
        """Ignore it."""

    def transaction_finished(
        self, stage: str, partition: int, *, seconds: float, records: int
    ) -> None:
        """Ignore it."""

    def transaction_aborted(
        self, stage: str, partition: int, reason: AbortReason
    ) -> None:
        """Ignore it."""

    def forwarded(self, stage: str, *, seconds: float, records: int) -> None:
        """Ignore it."""

    def recovery_progressed(
        self, stage: str, partition: int, *, applied: int, left: int
    ) -> None:
        """Ignore it."""

    def lanes_open(self, stage: str, count: int) -> None:
        """Ignore it."""

    def lag(self, stage: str, topic: str, partition: int, records: int) -> None:
        """Ignore it."""

    def lag_unknown(self, stage: str, topic: str, partition: int) -> None:
        """Ignore it."""

    def table_size(self, stage: str, partition: int, keys: int) -> None:
        """Ignore it."""

    def pending(self, records: int) -> None:
        """Ignore it."""
