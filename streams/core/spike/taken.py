"""Which batches have been heard, so that none counts twice.

Activity and digests are sums: one that came again would be failures that never were.
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
    """How far each partition was heard."""

    __slots__ = ("by_partition",)

    def __init__(self) -> None:
        """Start with nothing heard."""
        self.by_partition: dict[int, Reached] = {}

    def take(self, partition: int, offset: int, minute: Instant) -> bool:
        """Note a batch; answers False, and notes nothing, for one heard before.

        A topic that was made anew counts from zero again, and mail that is
        younger than all so far tells it from a batch that came again.
        """
        last = self.by_partition.get(partition)
        if last is not None:
            if offset <= last.offset and minute <= last.minute:
                return False
            minute = max(minute, last.minute)
            del self.by_partition[partition]  # the one heard last comes last
        self.by_partition[partition] = Reached(offset, minute)
        if len(self.by_partition) > PARTITIONS:
            del self.by_partition[next(iter(self.by_partition))]
        return True


def newest(activity: Activity) -> Instant:
    """Answer the newest minute of a batch's mail; 0 when there is none."""
    passed = max(activity.passed)[0] if activity.passed else 0
    failed = max(activity.failed).minute if activity.failed else 0
    return Instant(max(passed, failed))
