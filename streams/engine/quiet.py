"""Keeps aiokafka's retries from filling the log while a broker is away.

Each lane has its own producer, and each says several times a second that it cannot
connect. Once a second from all of them is enough to see that it is so.
"""

import logging
import time
from collections.abc import Callable

PAUSE = 1.0
"""Seconds between two lines that say the same."""
LOGGERS = (
    "aiokafka",
    "aiokafka.cluster",
    "aiokafka.conn",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)


class Seldom(logging.Filter):
    """Lets a line through unless one of the same form came just before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing seen."""
        super().__init__()
        self._clock = clock
        self._last: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the line is to be written."""
        now, form = self._clock(), (record.name, record.levelno, record.lineno)
        if now - self._last.get(form, -PAUSE) < PAUSE:
            return False
        self._last[form] = now
        return True


_SELDOM = Seldom()


def quieten() -> None:
    """Quieten aiokafka; doing it twice does nothing more."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if _SELDOM not in logger.filters:
            logger.addFilter(_SELDOM)
