"""The present, from the clocks that stages and tables ever see."""

import time

from streams.core.instant import Instant


class Clock:
    """Goes by the wall; or, when told to follow, by the records that are read.

    A clock that follows stands at the newest record so far. Each lane has its own,
    so that recorded traffic can be played back in a moment and gives what it gave:
    a lane that is behind does not see what time it is elsewhere.
    """

    def __init__(self, *, follows: bool = False) -> None:
        """Go by the wall, or follow."""
        self._follows = follows
        self._newest = 0

    def __call__(self) -> Instant:
        """Answer the present."""
        return Instant(self._newest if self._follows else time.time_ns() // 1_000_000)

    @property
    def reached(self) -> Instant | None:
        """Answer the time of the newest record that was read; None before any."""
        return Instant(self._newest) if self._newest else None

    def read(self, timestamp: int) -> None:
        """Be told that a record of this time was read."""
        self._newest = max(self._newest, timestamp)
