"""The present, from the one clock that stages and tables ever see."""

import time

from streams.core.instant import Instant


def clock() -> Instant:
    """Answer the present."""
    return Instant(time.time_ns() // 1_000_000)
