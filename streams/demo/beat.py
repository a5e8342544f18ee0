"""Where a play waits for the worker, so that what is told has the day's own minutes.

The demo's worker goes by the newest event that it has read, and a day in half a minute
is most of an hour a second: played without a pause, an incident is dated by all that
was read before it could be told, half an hour too late on a busy machine. Pure.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from streams.demo.logbook import HOUR, MINUTE, Event
from streams.wire.topic import Topic

SPAN = 10 * MINUTE
"""Of the day: a beat is not longer."""
_CROWD = 8
"""Customers of a tenant at whose failures within an hour a beat ends; then twice as
many, and so on."""
_FAILED = b'"outcome":"failed"'


class Beat(NamedTuple):
    """Events that are published before the worker is waited for."""

    end: int
    """How many events of the day are published by then."""
    firm: bool
    """Wait in any case: an incident may begin here. Else only while there is time."""


def beats(events: Sequence[Event], start: int) -> Iterator[Beat]:
    """Answer the beats of a day that begins at `start`.

    What arrives before is one beat: of the days before nobody is told. Where many
    customers begin to fail the day goes by slowly, and a fault that lasts costs few
    beats.
    """
    ends_at, ended = start, 0
    crowds = _Crowds()
    for number, event in enumerate(events):
        if event.arrived_at >= ends_at:
            ends_at = event.arrived_at - (event.arrived_at - start) % SPAN + SPAN
            if number > ended:
                ended = number
                yield Beat(number, firm=False)
        if event.arrived_at >= start and crowds.grow(event):
            ended = number + 1
            yield Beat(ended, firm=True)
    yield Beat(len(events), firm=True)


class _Crowds:
    """Customers whose mail failed within the hour, by tenant."""

    def __init__(self) -> None:
        self._hour = 0
        self._failing: dict[str, set[str]] = {}

    def grow(self, event: Event) -> bool:
        """Take in an event; say whether a crowd has doubled by it."""
        hour = event.arrived_at // HOUR
        if hour != self._hour:
            self._hour, self._failing = hour, {}
        if event.topic != Topic.SEND_ATTEMPTS or _FAILED not in (event.value or b""):
            return False
        attempt = orjson.loads(event.value or b"")
        crowd = self._failing.setdefault(attempt["tenant_id"], set())
        before = len(crowd)
        crowd.add(attempt["address"])
        size = len(crowd)
        return size > before and size >= _CROWD and size.bit_count() == 1
