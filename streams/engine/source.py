"""An input topic: which stage reads it, and how much of it makes a batch."""

from dataclasses import dataclass, field

from streams.engine.spec import LaneSpec

FEWEST_RECORDS = 16
"""Of a batch, however slow: below that a batch costs more than its records."""
_NEWEST = 0.2
"""Share of the newest batch in the average."""
APART = 0.004
"""Seconds between two small batches of a topic: 250 transactions a second keep most
of a broker's core busy, whatever is in them."""


class Pace:
    """How many records of a topic a stage gets through in a bounded time.

    The event loop does nothing else while a stage runs, so a batch of a thousand
    raw bounces, a millisecond each, would keep every other lane waiting.
    """

    def __init__(self, most: int, seconds: float) -> None:
        """Bound a batch by a number of records and by a time."""
        self._most = most
        self._seconds = seconds
        self._per_record = 0.0

    def note(self, records: int, seconds: float) -> None:
        """Learn from a batch that has been processed."""
        self._per_record += _NEWEST * (seconds / records - self._per_record)

    @property
    def records(self) -> int:
        """How many records the next batch may have."""
        if self._per_record * self._most <= self._seconds:
            return self._most
        return max(FEWEST_RECORDS, int(self._seconds / self._per_record))


class Turns:
    """Who may begin a small batch when, over all partitions of a topic.

    Where many partitions have a trickle each, every event would otherwise be a
    transaction of its own.
    """

    def __init__(self, apart: float = APART) -> None:
        """Begin with nobody waiting; turns are `apart` seconds from each other."""
        self._apart = apart
        self._free_at = 0.0

    def take(self, now: float) -> float:
        """Answer the time of the next turn, which is taken by that."""
        turn = max(self._free_at, now)
        self._free_at = turn + self._apart
        return turn


@dataclass(frozen=True, slots=True)
class Source:
    """An input topic of a stage."""

    spec: LaneSpec
    topic: str
    """Logical name."""
    name: str
    """Real name."""
    pace: Pace = field(compare=False)
    turns: Turns = field(default_factory=Turns, compare=False)
