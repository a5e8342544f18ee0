"""Offsets of the consumer group, committed a few times a second for all lanes.

For forwarding lanes they are where a successor continues; a stateful lane's own
truth is in its changelog, and the group offset is only for lag monitors.
"""

from collections.abc import Awaitable, Callable, Mapping

from faust.types import TP

Commit = Callable[[Mapping[TP, int]], Awaitable[None]]
"""Commits offsets in the present generation, or raises."""


class GroupOffsets:
    """Remembers what may be committed, and commits what is new."""

    def __init__(self) -> None:
        """Start with nothing to commit."""
        self._durable: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}

    def advance(self, tp: TP, offset: int) -> None:
        """Note that everything before `offset` is durable."""
        self._durable[tp] = offset

    def forget(self) -> None:
        """Drop everything: the partitions may belong to others now."""
        self._durable.clear()
        self._committed.clear()

    @property
    def uncommitted(self) -> dict[TP, int]:
        """What is durable and was not committed yet."""
        return {
            tp: offset
            for tp, offset in self._durable.items()
            if self._committed.get(tp) != offset
        }

    async def commit(self, commit: Commit) -> None:
        """Commit what is new; a failure leaves it to be tried again."""
        offsets = self.uncommitted
        if offsets:
            await commit(offsets)
            self._committed.update(offsets)
