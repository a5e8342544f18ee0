"""The present, from the one clock that stages and tables ever see."""

import time

from streams.core.instant import Instant


class Clock:
    """Goes by the wall; or, when told to follow, by the records that are read.

    A clock that follows stands at the newest record so far: recorded traffic can be
    played back in a moment, and what waits for time to pass waits for the traffic's.
    """

    def __init__(self) -> None:
        """Go by the wall."""
        self._follows = False
        self._newest = 0

    def __call__(self) -> Instant:
        """Answer the present."""
        return Instant(self._newest if self._follows else time.time_ns() // 1_000_000)

    def follow(self) -> None:
        """Go by the records from now on."""
        self._follows = True

    def read(self, timestamp: int) -> None:
        """Be told that a record of this time was read."""
        self._newest = max(self._newest, timestamp)


clock = Clock()
"""The process's."""
