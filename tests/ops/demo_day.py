"""The demo's day as producers publish it while it happens: so far, and until now.

It is a few minutes before eleven of that day. The password of a tenant expired at
ten, and nobody has renewed it yet.
"""

import itertools
from collections.abc import Iterator

import orjson
from mail_traffic import Sending

from streams.core.instant import Instant
from streams.demo.cast import ALDER
from streams.demo.day import day

HOUR = 3_600_000
HOURS_SO_FAR = 10.9
EVENTS = 6_000
"""Of the whole day, and the days before."""
STRICKEN = ALDER.id
"""The tenant."""
CUSTOMERS = 100
"""So many of its customers at least have got no mail."""


class DemoDay:
    """The events of the day, in the order in which they arrive."""

    def __init__(self, seed: int, now: int) -> None:
        start = Instant(now - int(HOURS_SO_FAR * HOUR))
        so_far = [e for e in day(seed, start, events=EVENTS) if e.arrived_at <= now]
        unreached = {
            orjson.loads(event.value)["address"]
            for event in so_far
            if b"password expired" in (event.value or b"")
        }
        assert len(unreached) >= CUSTOMERS, "a day on which no password expires"
        self._events = iter(so_far)
        self._lots = itertools.count()

    def take(self, count: int) -> Iterator[Sending]:
        """Publish so many events more, or what is left."""
        for event in itertools.islice(self._events, count):
            yield Sending(
                event.topic, event.key, event.value, [], next(self._lots), None
            )
