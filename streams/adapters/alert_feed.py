"""What Alertmanager has to be told now, from all that the alerts topic says.

A pure state machine: records and the time go in, notices come out. Nothing of it
is stored, since the topic is read from its beginning at every start: so a restart
neither ends an alert nor begins another.
"""

from datetime import timedelta
from typing import NamedTuple

from streams.adapters.notice import Labels, Notice, notice
from streams.core.instant import Instant
from streams.engine.bulletin import Bulletin
from streams.wire.alert import read
from streams.wire.reject import Reject
from streams.wire.topic import Topic

SETTLED = timedelta(minutes=5) // timedelta(milliseconds=1)
"""Milliseconds for which an ended alert is told: longer than a firing one lives
without being repeated, so that a lost word or a notifier that is behind cannot
leave it open."""


class _Record(NamedTuple):
    at: Instant
    """When it reached the topic."""
    value: bytes


class _Told(NamedTuple):
    notice: Notice
    until: Instant
    """When it need not be told any more; of a firing one it means nothing."""


class AlertFeed(Bulletin):
    """The alerts topic as notices."""

    def __init__(self, dashboard_url: str = "") -> None:
        """Start empty."""
        super().__init__(Topic.ALERTS)
        self._dashboard_url = dashboard_url
        self._unread: dict[bytes, list[_Record]] = {}
        self._newest: dict[bytes, _Told] = {}
        self._former: dict[Labels, _Told] = {}
        """Ended because their alert has other labels now."""
        self._unreadable: set[bytes] = set()
        """Keys whose newest record says nothing to us."""
        self._fired: frozenset[Labels] = frozenset()
        """What was firing at the last look: somebody may have been told."""

    def apply(self, key: bytes | None, value: bytes | None, at: Instant) -> None:
        """Take one record; it is read at the next look.

        At the start that may be a month of them. Only the newest of each key counts
        then, and what it followed within the time in which that still matters.
        """
        super().apply(key, value, at)
        if key is None or value is None:
            self._unreadable.discard(key or b"")
            return
        unread = self._unread.setdefault(key, [])
        unread.append(_Record(at, value))
        while len(unread) > 1 and unread[1].at < at - SETTLED:
            del unread[0]

    def clear(self) -> None:
        """Forget everything, to be read again from the start."""
        super().clear()
        self._unread.clear()
        self._newest.clear()
        self._former.clear()
        self._unreadable.clear()

    def unreadable(self) -> int:
        """Answer of how many alerts the newest record cannot be read."""
        return len(self._unreadable)

    def notices(self, now: Instant) -> list[Notice]:
        """Answer all that has to be told, what covers others first."""
        for key, records in self._unread.items():
            for record in records:
                self._read(key, record, now)
        self._unread.clear()
        self._newest = {k: told for k, told in self._newest.items() if _due(told, now)}
        self._former = {k: told for k, told in self._former.items() if _due(told, now)}
        told = [*self._former.values(), *self._newest.values()]
        found = [one.notice for one in told]
        self._fired = frozenset(one.labels for one in found if one.ended_at is None)
        return sorted(found, key=_order)

    def _read(self, key: bytes, record: _Record, now: Instant) -> None:
        alert = read(key, record.value)
        if isinstance(alert, Reject):
            self._unreadable.add(key)  # a newer version's: it cannot be told
            return
        self._unreadable.discard(key)
        before = self._newest.get(key)
        if before is not None and alert.revision <= before.notice.revision:
            return
        after = notice(alert, self._dashboard_url)
        if before is not None and before.notice.labels != after.labels:
            self._end(before, record.at, now)
        self._former.pop(after.labels, None)
        said = record.at if after.ended_at is None else max(after.ended_at, record.at)
        self._newest[key] = _Told(after, self._until(after.labels, said, now))

    def _end(self, before: _Told, at: Instant, now: Instant) -> None:
        """Go on telling that what the alert used to be is over."""
        one = before.notice
        if one.ended_at is None:
            until = self._until(one.labels, at, now)
            before = _Told(one._replace(ended_at=at), until)
        self._former[one.labels] = before

    def _until(self, labels: Labels, said: Instant, now: Instant) -> Instant:
        """Answer how long an end is told that was said at `said`.

        Who has read late has told until now that it is firing.
        """
        return Instant((now if labels in self._fired else said) + SETTLED)


def _due(told: _Told, now: Instant) -> bool:
    return told.notice.ended_at is None or now < told.until


def _order(one: Notice) -> tuple[bool, bool, Instant, Labels]:
    """Answer what to sort by.

    Ends come first, so that a page is closed when the next one opens; then what
    covers others, so that these are inhibited when they come.
    """
    covered = any(name == "parent" for name, _ in one.labels)
    return one.ended_at is None, covered, one.starts_at, one.labels
