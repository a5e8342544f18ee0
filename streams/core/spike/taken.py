"""Which batches of evidence a tenant has heard, so that none counts twice.

Activity is sums: a batch that came again would be failures that never happened.
The batches of one partition come in order, so its newest one says it all, however
long ago the repeated one was.
"""

from typing import NamedTuple

from streams.core.activity import Activity
from streams.core.instant import Instant

PARTITIONS = 256
"""So many partitions are remembered, those heard last: far more than there are."""


class Reached(NamedTuple):
    """How far a partition was heard."""

    offset: int
    minute: Instant
    """The newest minute that any of its mail was tried in."""


class Taken:
    """How far each partition of the evidence was heard."""

    __slots__ = ("by_partition",)

    def __init__(self) -> None:
        """Start with nothing heard."""
        self.by_partition: dict[int, Reached] = {}

    def take(self, partition: int, offset: int, activity: Activity) -> bool:
        """Note a batch; answers False for one that was heard before.

        A topic that was made anew counts from zero again, and mail that is
        younger than all so far tells it from a batch that came again.
        """
        last = self.by_partition.pop(partition, None)
        minute = _newest(activity)
        new = last is None or offset > last.offset or minute > last.minute
        if new:
            newest = minute if last is None else max(minute, last.minute)
            last = Reached(offset, newest)
        if last is not None:
            self.by_partition[partition] = last
        if len(self.by_partition) > PARTITIONS:
            del self.by_partition[next(iter(self.by_partition))]
        return new


def _newest(activity: Activity) -> Instant:
    passed = max((minute for minute, _ in activity.passed), default=0)
    failed = max((failed.minute for failed in activity.failed), default=0)
    return Instant(max(passed, failed))
